"""One Trainer at a time works in a folder, and none overwrites what another wrote."""

import os
from pathlib import Path

import pytest

from pidkit import InputError
from pidkit.arrays.locks import held_alone
from pidkit.distill import EpochEnd
from tests.distill.training.short_runs import trainer


def test_a_trainer_that_is_at_work_is_named(tmp_path: Path) -> None:
    """Two Trainers on one folder deleted each other's files; the lock is another process's in test_locks."""
    tried: list[str] = []

    def second(end: EpochEnd) -> None:
        with pytest.raises(InputError, match=rf"the run in .* is held by process {os.getpid()} on ") as refused:
            trainer(path=tmp_path, resume=True)
        tried.append(str(refused.value))

    first = trainer(path=tmp_path, on_epoch_end=[second])
    first.fit()
    assert len(tried) == 4
    assert sorted(file.name for file in tmp_path.iterdir()) == ["checkpoint.pt", "history.json"]
    assert len(trainer(path=tmp_path, resume=True).fit().epochs) == 4


def test_a_trainer_made_before_another_has_written_does_not_overwrite_it(tmp_path: Path) -> None:
    first, second = trainer(path=tmp_path), trainer(path=tmp_path)
    history = first.fit()
    with pytest.raises(InputError, match=r"was written to by another Trainer since this one last did; .* resume=True"):
        second.fit()
    assert trainer(path=tmp_path, resume=True).fit() == history


def test_fit_waits_for_nobody_and_goes_on_once_the_lock_is_free(tmp_path: Path) -> None:
    one = trainer(path=tmp_path)
    with (
        held_alone(tmp_path / "trainer.lock", "the run"),
        pytest.raises(InputError, match=r"path must not be in use: the run in .* is held by process"),
    ):
        one.fit()
    assert len(one.fit().epochs) == 4


def test_leftovers_of_a_killed_run_go(tmp_path: Path) -> None:
    for name in (".checkpoint.pt.0a1b2c3d.tmp", ".history.json.0a1b2c3d.tmp", "mine.tmp"):
        (tmp_path / name).touch()
    trainer(path=tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["mine.tmp"]
