"""What ends a run early: an interruption, a divergence; what is left then, and how it is taken up."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from pidkit import DivergenceError, InputError
from pidkit.distill import (
    Batch,
    CrossEntropy,
    Objective,
    Phases,
    WeightedSum,
)
from tests.distill.toys import blobs, same, tapped, weights
from tests.distill.training.short_runs import trainer


class Once(Objective):
    """Cross-entropy that raises, or turns to NaN, in one step of an epoch."""

    def __init__(self, epoch: int, step: int, error: Any = None) -> None:
        super().__init__()
        self._at: tuple[int, int] | None = (epoch, step)
        self._error, self._epoch, self._step = error, 0, 0

    def set_epoch(self, epoch: int) -> None:
        self._epoch, self._step = epoch, 0

    def student_loss(self, batch: Batch, labels: torch.Tensor) -> torch.Tensor:
        loss = nn.functional.cross_entropy(batch.student.logits, labels)
        at, self._step = (self._epoch, self._step), self._step + 1
        if at != self._at:
            return loss
        if self._error is not None:
            self._at = None
            raise self._error
        return loss * float("nan")


def test_an_interruption_leaves_the_last_epoch_and_can_be_taken_up(tmp_path: Path) -> None:
    plain = tapped(dropout=0.3)
    torch.manual_seed(0)
    trainer(lambda networks: Once(9, 9), phases=Phases(), networks=plain).fit()

    networks = tapped(dropout=0.3)
    torch.manual_seed(0)
    run = trainer(lambda n: Once(2, 1, KeyboardInterrupt()), phases=Phases(), networks=networks, path=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        run.fit()
    assert networks(blobs(6)[0]).student.layer("1").shape == (6, 5)  # the hooks still work
    assert len(json.loads((tmp_path / "history.json").read_text())["epochs"]) == 2
    torch.rand(3)  # what is drawn in between does not count
    history = run.fit()
    assert [record.epoch for record in history.epochs] == [0, 1, 2, 3]
    assert same(weights(plain.student), weights(networks.student))


def test_an_interruption_without_a_path_cannot_be_taken_up() -> None:
    run = trainer(lambda networks: Once(2, 1, KeyboardInterrupt()), phases=Phases())
    with pytest.raises(KeyboardInterrupt):
        run.fit()
    with pytest.raises(InputError, match="fit was interrupted within an epoch, and there is no checkpoint in path"):
        run.fit()


def test_divergence_names_its_place_and_leaves_the_checkpoint(tmp_path: Path) -> None:
    networks = tapped()
    summed = lambda n: WeightedSum({"labels": CrossEntropy(), "odd": Once(2, 1)})  # noqa: E731
    run = trainer(summed, phases=Phases(), networks=networks, path=tmp_path)
    message = r"epoch 2 \(student phase\), not finite in step 1: loss = nan, term odd = nan, gradient norm = nan; lower"
    with pytest.raises(DivergenceError, match=message):
        run.fit()
    assert all(torch.isfinite(p).all() for p in networks.student.parameters())  # the step was not taken
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert saved["phases"]["epoch"] == 2
    assert len(saved["history"]["epochs"]) == 2


def test_a_rate_that_is_too_high_diverges_with_a_clear_message() -> None:
    class Quartic(Objective):
        def student_loss(self, batch: Batch, labels: torch.Tensor) -> torch.Tensor:
            return batch.student.logits.pow(4).mean()

    options = {"learning_rate": 10.0, "clip_norm": None, "epochs": 50}
    with pytest.raises(DivergenceError, match=r"lower the learning rate \(now student 10\) or set clip_norm"):
        trainer(lambda networks: Quartic(), phases=Phases(), networks=tapped(norm=False), options=options).fit()
