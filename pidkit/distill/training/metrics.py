"""Metrics beside accuracy, as counts that add up over batches and processes: top-k, perplexity, mean IoU."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.nn import functional

from pidkit.arguments import check_count, items_of, keep_checked, whole_number
from pidkit.distill.labels import check_axes, cross_entropy, n_right
from pidkit.distill.soft_labels import IGNORED, has_label, is_soft
from pidkit.errors import InputError


@runtime_checkable
class Metric(Protocol):
    """What an `Evaluation` tells beside accuracy and cross-entropy: any object with these three."""

    @property
    def name(self) -> str:
        """Return the name under which the value is found."""
        ...

    def counts(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return one tensor of numbers that add up over batches, in double precision.

        Parameters
        ----------
        logits : Tensor, shape (n, n_classes, ...)
        labels : Tensor
            Class numbers (n, ...), -100 where there is none, or probabilities with the shape of the logits.
        """
        ...

    def value(self, counts: Tensor) -> float:
        """Return the value of counts that were added up."""
        ...


@dataclass(frozen=True)
class TopAccuracy:
    """The share of the labels that are among the k largest logits.

    Attributes
    ----------
    k : int

    Raises
    ------
    InputError
        If `k` is no count; from logits, if they have fewer classes.

    Examples
    --------
    >>> top = TopAccuracy(2)
    >>> top.name, top.value(top.counts(torch.tensor([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0]]), torch.tensor([1, 2])))
    ('top_2', 0.5)
    """

    k: int = 5

    def __post_init__(self) -> None:
        """Check k."""
        keep_checked(self, k=check_count("k", self.k))

    @property
    def name(self) -> str:
        """Return "top_k" with the number."""
        return f"top_{self.k}"

    def counts(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return how many labels are right and how many there are."""
        return torch.stack([n.double() for n in n_right(logits, labels, self.k)])

    def value(self, counts: Tensor) -> float:
        """Return the share."""
        return float(counts[0] / counts[1])


@dataclass(frozen=True)
class Perplexity:
    """The exponential of the mean cross-entropy in nats, over all labels: of tokens, how many are as good as open.

    Examples
    --------
    >>> round(Perplexity().value(Perplexity().counts(torch.zeros(1, 50, 3), torch.tensor([[4, 0, -100]]))), 6)
    50.0
    """

    name: str = "perplexity"

    def counts(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the sum of the cross-entropies and the number of labels."""
        logits = logits.double()
        return torch.stack([cross_entropy(logits, labels, reduction="sum"), has_label(logits, labels).sum().double()])

    def value(self, counts: Tensor) -> float:
        """Return the exponential of the mean."""
        return math.exp(float(counts[0] / counts[1]))


@dataclass(frozen=True)
class MeanIoU:
    """The mean over classes of intersection over union: places of the class, and those that are taken for it.

    Classes that are neither among the labels nor among the answers do not count.

    Attributes
    ----------
    n_classes : int

    Raises
    ------
    InputError
        If `n_classes` is less than two; from a batch, if logits have other classes, or labels are probabilities.

    Source: Everingham et al., "The PASCAL visual object classes challenge: a retrospective", IJCV 111, 2015.

    Examples
    --------
    >>> iou = MeanIoU(2)
    >>> answers = torch.tensor([[[0.0, 1.0, 1.0]], [[1.0, 0.0, 0.0]]]).movedim(0, 1)  # 1, 0, 0
    >>> round(iou.value(iou.counts(answers, torch.tensor([[1, 1, 0]]))), 3)  # a half of each class
    0.5
    """

    n_classes: int

    def __post_init__(self) -> None:
        """Check the number."""
        keep_checked(self, n_classes=whole_number("n_classes", self.n_classes, least=2))

    @property
    def name(self) -> str:
        """Return "mean_iou"."""
        return "mean_iou"

    def counts(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return of every class the places in both, those labelled and those answered."""
        check_axes(logits, labels)
        if is_soft(logits, labels):
            raise InputError("labels are probabilities, and MeanIoU counts places of one class; pass class numbers")
        if logits.shape[1] != self.n_classes:
            raise InputError(f"logits have {logits.shape[1]} classes, and MeanIoU was told {self.n_classes}")
        counted = labels != IGNORED
        theirs, ours = labels[counted].long(), logits.argmax(1)[counted]
        both = theirs[theirs == ours]
        return torch.stack([_histogram(one, self.n_classes) for one in (both, theirs, ours)])

    def value(self, counts: Tensor) -> float:
        """Return the mean over the classes that are there."""
        both, theirs, ours = counts
        union = theirs + ours - both
        return float((both[union > 0] / union[union > 0]).mean())


def _histogram(classes: Tensor, n_classes: int) -> Tensor:
    return functional.one_hot(classes, n_classes).sum(0).double()


def check_metrics(metrics: Iterable[Metric]) -> tuple[Metric, ...]:
    """Return metrics if they are some, each with a name of its own.

    Raises
    ------
    InputError
        If they are not.
    """
    found = tuple(items_of("metrics", metrics))
    for one in found:
        if isinstance(one, type) or not isinstance(one, Metric):
            what = one.__name__ if isinstance(one, type) else type(one).__name__
            raise InputError(f"metrics holds {what}, which is no metric; pass objects such as TopAccuracy(5)")
    names = [one.name for one in found]
    if len({*names}) < len(names):
        raise InputError(f"metrics must have a name each of its own, not {', '.join(map(repr, names))}")
    return found
