"""Metrics by hand, over batches, and in the records of a run."""

import math
from typing import Any

import pytest
import torch
from torch import nn

from pidkit import InputError
from pidkit.distill import Evaluation, History, MeanIoU, Perplexity, Phases, TopAccuracy, TrainerOptions, evaluate
from tests.distill.training.short_runs import cross_entropy, trainer


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def test_values_do_not_depend_on_the_batches_and_labels_of_minus_100_do_not_count() -> None:
    logits = drawn(9, 6, 4)
    labels = torch.randint(6, (9, 4), generator=torch.Generator().manual_seed(1))
    labels[0, :3] = -100
    metrics = (TopAccuracy(3), Perplexity(), MeanIoU(6))
    found = [evaluate(nn.Identity(), (logits, labels), batch_size=n, metrics=metrics) for n in (9, 2)]
    kept = labels.flatten() != -100
    rows, y = logits.movedim(1, -1).reshape(-1, 6)[kept], labels.flatten()[kept]
    top = float((rows.topk(3).indices == y[:, None]).any(1).double().mean())
    answers, ious = rows.argmax(1), []
    for c in range(6):
        ious.append(float(((answers == c) & (y == c)).sum() / ((answers == c) | (y == c)).sum()))
    for one in found:
        assert one.metrics["top_3"] == pytest.approx(top)
        assert one.metrics["perplexity"] == pytest.approx(math.exp(one.cross_entropy))
        assert one.metrics["mean_iou"] == pytest.approx(sum(ious) / 6)
    assert found[0].to("bits").metrics == found[0].metrics
    assert Evaluation(0.5, 1.0, 3).metrics == {}


def test_classes_that_are_nowhere_do_not_count() -> None:
    iou = MeanIoU(4)
    logits = nn.functional.one_hot(torch.tensor([0, 0, 1]), 4).float()
    # Class 0: one of three places in both; class 1: answered once, labelled never; class 2: labelled once.
    assert iou.value(iou.counts(logits, torch.tensor([0, 2, 0]))) == pytest.approx((1 / 3 + 0 + 0) / 3)


def test_a_run_records_them_on_validation_data_and_tells_them_on_test_data() -> None:
    run = trainer(cross_entropy, phases=Phases(), options={"metrics": [TopAccuracy(2), Perplexity()]})
    history = run.fit()
    assert [[*record.validation_metrics] for record in history.epochs] == [["top_2", "perplexity"]] * 4
    assert history.epochs[-1].validation_metrics == run.evaluate("validation").metrics
    assert run.test().metrics["top_2"] >= run.test().accuracy
    assert History.from_dict(history.to_dict()) == history


class Made:
    """A metric of one's own: the mean largest logit."""

    name = "largest"

    def counts(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return torch.stack([logits.amax(1).double().sum(), torch.tensor(len(labels)).double()])

    def value(self, counts: torch.Tensor) -> float:
        return float(counts[0] / counts[1])


def test_a_metric_of_ones_own() -> None:
    logits = drawn(7, 3)
    found = evaluate(nn.Identity(), (logits, torch.zeros(7).long()), batch_size=3, metrics=[Made()]).metrics
    assert found["largest"] == pytest.approx(float(logits.amax(1).mean()))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TopAccuracy(0), "k must be a whole number >= 1"),
        (lambda: MeanIoU(1), "n_classes must be a whole number >= 2"),
        (lambda: TrainerOptions(metrics=[TopAccuracy]), "metrics holds TopAccuracy, which is no metric; "),  # type: ignore[list-item]
        (lambda: TrainerOptions(metrics=["top"]), "metrics holds str, which is no metric"),  # type: ignore[list-item]
        (
            lambda: TrainerOptions(metrics=[MeanIoU(2), MeanIoU(3)]),
            "must have a name each of its own, not 'mean_iou', ",
        ),
        (lambda: counted(TopAccuracy(4)), "the 4 largest logits are asked for, and there are 3 classes"),
        (lambda: counted(MeanIoU(4)), "logits have 3 classes, and MeanIoU was told 4"),
        (lambda: MeanIoU(3).counts(drawn(2, 3), torch.full((2, 3), 1 / 3)), "labels are probabilities, and MeanIoU"),
    ],
)
def test_what_is_no_metric_is_refused(make: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()


def counted(metric: Any) -> None:
    metric.counts(drawn(2, 3), torch.tensor([0, 1]))
