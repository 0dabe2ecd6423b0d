"""A run resumed after any epoch is bit-identical to the one that was never interrupted."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from pidkit import InputError
from pidkit.distill import (
    RID,
    Cosine,
    CrossEntropy,
    EpochRecord,
    History,
    Milestones,
    Networks,
    Phase,
    Phases,
    Trainer,
    TrainerOptions,
    WeightedSum,
)
from tests.distill.toys import blobs, composed, same, tapped, weights

N_EPOCHS = 6
STOPS = (1, 2, 4)  # after warm-up, after the teacher's filter, between the students' epochs of two cycles
BASE = {
    "epochs": N_EPOCHS,
    "batch_size": 12,
    "accumulate": 2,
    "progress": False,
    "schedule": {Phase.STUDENT: Milestones(epochs=(2,), counts="phase"), Phase.WARM_UP: Cosine(length=3)},
}


def rid(sigma: str) -> Callable[..., Any]:
    def make(networks: Networks) -> WeightedSum:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(5)
            return WeightedSum({"labels": CrossEntropy(), "rid": RID(networks.pairs, n_classes=3, sigma=sigma)})  # type: ignore[arg-type]

    return make


def noisy(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    return x + 0.1 * torch.randn(x.shape, generator=generator)


def trainer(
    objective: Callable[..., Any],
    path: Path | None,
    *,
    resume: bool = False,
    student_seed: int = 1,
    data: int = 36,
    phases: Phases | None = None,
    **options: Any,
) -> Trainer:
    networks = tapped(dropout=0.4, seed=student_seed)
    phases = phases or Phases(warm_up=1, cycle=3, teacher_share=1 / 3)
    given: dict[str, Any] = {
        "train": blobs(data),
        "validation": blobs(30, seed=1),
        "augment": noisy,
        "path": path,
        "resume": resume,
    }
    return Trainer(networks, objective(networks), phases, TrainerOptions(**{**BASE, **options}), **given)


def facts(history: History) -> tuple[list[EpochRecord], int | None]:
    """All of a history but the time it took."""
    return [dataclasses.replace(record, seconds=0.0) for record in history.epochs], history.kept_epoch


@pytest.mark.parametrize(
    ("objective", "options"),
    [
        (composed, {}),
        (composed, {"optimiser": "adamw", "keep": "best-validation", "precision": "bfloat16"}),
        (rid("learned"), {"keep": "best-validation", "learning_rate": 0.5}),
        (rid("closed-form"), {"schedule": Cosine(length=6, per="step", warm_up=1.5)}),
    ],
)
def test_resuming_changes_nothing(tmp_path: Path, objective: Callable[..., Any], options: dict[str, Any]) -> None:
    torch.manual_seed(0)
    whole = trainer(objective, None, **options)
    history = whole.fit()
    for stop in STOPS:
        path = tmp_path / str(stop)
        torch.manual_seed(0)
        trainer(objective, path, **{**options, "epochs": stop}).fit()
        torch.manual_seed(99)  # as a new process with other draws before
        # Another start too: everything must come from the checkpoint.
        resumed = trainer(objective, path, resume=True, student_seed=7, **options)
        torch.rand(3)
        assert facts(resumed.fit()) == facts(history)
        ours = weights(whole.networks.student, whole.objective)
        assert same(ours, weights(resumed.networks.student, resumed.objective))


def test_a_run_that_has_ended_is_read_back(tmp_path: Path) -> None:
    first = trainer(composed, tmp_path, keep="best-validation", learning_rate=0.5)
    history = first.fit()
    again = trainer(composed, tmp_path, resume=True, student_seed=7, keep="best-validation", learning_rate=0.5)
    assert again.fit() == history
    assert same(weights(first.networks.student), weights(again.networks.student))


def test_resume_starts_where_there_is_nothing(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder"
    assert len(trainer(composed, path, resume=True).fit().epochs) == N_EPOCHS
    assert sorted(file.name for file in path.iterdir()) == ["checkpoint.pt", "history.json"]


def test_a_path_in_use_is_refused(tmp_path: Path) -> None:
    trainer(composed, tmp_path, epochs=1).fit()
    with pytest.raises(InputError, match="holds a run already; pass resume=True to continue it, or another path"):
        trainer(composed, tmp_path)


def test_resume_needs_a_path() -> None:
    with pytest.raises(InputError, match="resume=True needs a path: the folder of the run to continue"):
        trainer(composed, None, resume=True)


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"learning_rate": 0.2}, r"options.learning_rate was 0.05 and is 0.2"),
        ({"rng": 3}, "options.rng was 0 and is 3"),
        ({"schedule": Cosine(length=3)}, "options.schedule.teacher-filter was .Constant"),
        ({"phases": Phases(warm_up=2, cycle=3, teacher_share=1 / 3)}, "phases.warm_up was 1 and is 2"),
        ({"data": 48}, "train.shape was"),
        (
            {"objective": lambda networks: composed(networks, weight=2.0)},
            "objective.objective.weights.followed was 0.5 and is 2.0",
        ),
        ({"objective": rid("learned")}, "was None and is|was .* and is"),
    ],
)
def test_other_settings_are_refused(tmp_path: Path, changed: dict[str, Any], name: str) -> None:
    trainer(composed, tmp_path, epochs=1).fit()
    with pytest.raises(InputError, match=rf"holds a run with other settings: .*{name}.*; resume with the same ones"):
        trainer(changed.pop("objective", composed), tmp_path, resume=True, **changed)


def test_more_epochs_may_be_asked_for(tmp_path: Path) -> None:
    trainer(composed, tmp_path, epochs=2).fit()
    assert len(trainer(composed, tmp_path, resume=True, epochs=3).fit().epochs) == 3


def test_a_state_that_cannot_be_read_back_is_refused_before_the_first_epoch(tmp_path: Path) -> None:
    class Odd(CrossEntropy):
        def get_extra_state(self) -> type[object]:
            return object

        def set_extra_state(self, state: Any) -> None:
            pass

    with pytest.raises(InputError, match="which torch cannot read"):
        trainer(lambda networks: Odd(), tmp_path, phases=Phases()).fit()
