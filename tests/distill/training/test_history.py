"""The record of a run: JSON and back, and the earliest best epoch."""

import json
from pathlib import Path

from pidkit.distill import EpochRecord, History


def record(epoch: int, validation: float | None) -> EpochRecord:
    return EpochRecord(epoch, "student", 1.5, {"labels": 1.0}, 2.0, 0.5, validation, {"student": 0.1}, 0.25)


def test_through_json_and_back(tmp_path: Path) -> None:
    history = History((record(0, 0.5), record(1, None)), kept_epoch=1)
    history.save(tmp_path / "history.json")
    assert History.from_dict(json.loads((tmp_path / "history.json").read_text())) == history


def test_the_earliest_of_several_best_epochs() -> None:
    history = History().extended(record(0, 0.5)).extended(record(1, 0.75)).extended(record(2, 0.75))
    assert history.best().epoch == 1
    assert History((record(0, None),)).best() is None
    assert History((record(0, 0.0),)).best().epoch == 0


def test_readable() -> None:
    assert repr(History()) == "History(no epochs yet)"
    shown = "History(1 epochs, loss 1.5, train accuracy 0.5000, best validation accuracy 0.2500 in epoch 0)"
    assert repr(History((record(0, 0.25),))) == shown
