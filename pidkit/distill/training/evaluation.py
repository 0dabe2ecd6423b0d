"""Accuracy, cross-entropy and further metrics of a student on validation or test data."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from pidkit.arguments import check_count
from pidkit.distill.answers import masked_labels
from pidkit.distill.batch import Batch, Outputs
from pidkit.distill.labels import as_logits, check_class_axis, cross_entropy, n_right
from pidkit.distill.picking import MaskPick, check_mask, check_picks, picked_mask
from pidkit.distill.training.data import TensorSplit, as_split, evaluation_rows
from pidkit.distill.training.loading import LoadedSplit
from pidkit.distill.training.metrics import Metric, check_metrics
from pidkit.distill.training.processes import gathered, rank_and_size, summed
from pidkit.errors import InputError
from pidkit.nn.features import left_as_found
from pidkit.nn.inputs import on_device, run_on
from pidkit.nn.picking import LogitPick, picked_logits
from pidkit.nn.taps import eager_model
from pidkit.results import UnitResult


@dataclass(frozen=True)
class Evaluation(UnitResult):
    """The accuracy and the cross-entropy of a student on a part of the data.

    Attributes
    ----------
    accuracy : float
        Share of the labels, one a sample or one a place, that have the largest logit; those of -100 do not count. Of
        soft labels the mean probability of that class.
    cross_entropy : float
        Mean over these labels, in `unit`.
    n_samples : int
    unit : str
        "nats", as losses are, or "bits".
    metrics : dict of str to float
        What was asked for beside, by name.
    """

    _information = ("cross_entropy",)

    accuracy: float
    cross_entropy: float
    n_samples: int
    unit: str = "nats"
    metrics: dict[str, float] = field(default_factory=dict)


def evaluate(
    student: nn.Module,
    data: object,
    *,
    batch_size: int = 512,
    precision: torch.dtype = torch.float32,
    class_axis: int = 1,
    logits: LogitPick | None = None,
    mask: MaskPick | None = None,
    metrics: Iterable[Metric] = (),
) -> Evaluation:
    """Return accuracy and cross-entropy of a student on (x, labels) or a Dataset; the student stays as found.

    It runs in eval mode, eagerly, without gradients. With several processes each runs a share of the samples.

    Parameters
    ----------
    student : nn.Module
    data : tuple (x, labels), or Dataset
        As in `Trainer`.
    batch_size : int
    precision : torch.dtype
        Half precision runs under autocast.
    class_axis, logits, mask
        As in `tap`; labels of places that the mask leaves out do not count.
    metrics : iterable of Metric
        Such as `TopAccuracy`, `Perplexity` and `MeanIoU`.

    Raises
    ------
    InputError
        If `data` is neither, or has no samples, or the student's logits do not fit the labels.

    Examples
    --------
    >>> evaluate(nn.Identity(), (torch.eye(4), torch.tensor([0, 1, 2, 2]))).accuracy
    0.75
    """
    batch_size, class_axis = check_count("batch_size", batch_size), check_class_axis(class_axis)
    pick = check_picks(logits, ["student"]).get("student")
    check_mask(mask)
    metrics = check_metrics(metrics)
    split = data if isinstance(data, TensorSplit | LoadedSplit) else as_split(data, "data")
    rank, n_processes = rank_and_size()
    rows = evaluation_rows(len(split), batch_size=batch_size, rank=rank, n_processes=n_processes)
    first = next(iter([*student.parameters(), *student.buffers()]), None)
    sums: dict[str, Tensor] = {}
    totals = torch.zeros(4, dtype=torch.float64, device=None if first is None else first.device)
    with left_as_found(student), autocast(totals.device.type, precision):
        model = eager_model(student)
        for x, y in split.batches(rows, seed=0):
            x, y = on_device(x, totals.device), y.to(totals.device)
            answers = as_logits(picked_logits(run_on(model, x), pick, of="the student"), class_axis, of="the student")
            y = masked_labels(Batch(Outputs(answers, {}), {}, mask=picked_mask(x, mask)), y)
            right, labelled = n_right(answers, y)
            loss = cross_entropy(answers.double(), y, reduction="sum")
            totals += torch.stack([right.double(), loss, labelled.double(), loss.new_tensor(len(y))])
            for metric in metrics:
                counts = metric.counts(answers, y)
                sums[metric.name] = sums[metric.name] + counts if metric.name in sums else counts
    right_, loss_, n_labels, n = summed(totals).tolist()
    if n_labels == 0:
        raise InputError("data hold no label but -100, which marks what is left out; nothing can be evaluated")
    # A process without a sample has no counts.
    parts = [part for part in gathered({name: counts.cpu() for name, counts in sums.items()}) if part]
    values = {
        metric.name: metric.value(torch.stack([part[metric.name] for part in parts]).sum(0)) for metric in metrics
    }
    return Evaluation(right_ / n_labels, loss_ / n_labels, int(n), metrics=values)


def autocast(device: str, precision: torch.dtype) -> contextlib.AbstractContextManager[object]:
    """Return torch's autocast to half precision, or for float32 a block in the dtype of the networks."""
    return contextlib.nullcontext() if precision is torch.float32 else torch.autocast(device, dtype=precision)
