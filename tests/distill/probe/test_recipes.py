"""Decoded layers of a distillation: the numbers of representation_pid, each layer read as often as it changes."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from pidkit import InputError, RepresentationCodes, representation_pid
from pidkit.distill import AtomProbe, Networks, tap
from pidkit.records import AtomRecord, AtomRecords
from pidkit.representations import decoders, fold_posteriors
from tests.distill.probe.known_students import CODES

PAIRS = {
    "redundancy": "redundancy",
    "unique_teacher": "unique_1",
    "unique_student": "unique_2",
    "synergy": "synergy",
    "mi_teacher": "mi_1",
    "mi_student": "mi_2",
    "mi_joint": "mi_joint",
}


def noisy(teachers: tuple[str, ...] = ("teacher",), n: int = 150) -> tuple[Networks, torch.Tensor, torch.Tensor]:
    """Linear networks on three classes in noise."""
    torch.manual_seed(0)
    y = torch.arange(n) % 3
    x = nn.functional.one_hot(y).float() + 0.7 * torch.randn(n, 3)
    networks = tap(
        teacher={name: nn.Sequential(nn.Linear(3, 4)) for name in teachers},
        student=nn.Sequential(nn.Linear(3, 2)),
        layers="0",
        example=x[:2],
    )
    return networks, x, y


def by_hand(networks: Networks, x: torch.Tensor, y: torch.Tensor, **options: Any) -> Any:
    with torch.no_grad():
        first, second = (net[0](x).numpy() for net in (networks.teachers["teacher"].model, networks.student))
    return representation_pid(labels=y.numpy(), x1=first, x2=second, **options)


@pytest.mark.filterwarnings("ignore::pidkit.errors.PidkitWarning")
def test_the_numbers_are_those_of_representation_pid_at_every_epoch() -> None:
    networks, x, y = noisy()
    tracked = AtomProbe(networks, sample=(x, y), logits=False, folds=3, rng=7)
    for epoch in (0, 1):
        (record,) = tracked.step(epoch)
        whole = by_hand(networks, x, y, folds=3, rng=7)
        found = record.decoded
        assert found is not None
        assert found.at_limit is not None
        for ours, theirs in PAIRS.items():
            assert getattr(record, ours) == getattr(whole, theirs)
            assert found.interval[ours] == whole.interval[theirs]
            assert found.at_limit[ours] == whole.at_limit[theirs]
            assert found.standard_error[ours] == whole.standard_error[theirs]
        assert found.p_value["unique_student"] == whole.p_value["unique_2"]
        assert found.decoders["teacher"] == whole.decoders["x1"]
        assert found.decoders["both"] == whole.decoders["both"]
        assert (record.recipe, record.null, record.bias) == ("linear", None, None)
        assert record.warnings == whole.warnings
        with torch.no_grad():
            networks.student[0].weight.add_(0.5)


def test_a_frozen_layer_is_decoded_once_and_a_student_once_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    fitted: list[int] = []
    posteriors = fold_posteriors.fitted_posteriors

    def counted(rows: Any, *others: Any) -> Any:
        fitted.append(rows.train.shape[1])
        return posteriors(rows, *others)

    monkeypatch.setattr(decoders, "fitted_posteriors", counted)
    networks, x, y = noisy(("a", "b"))
    tracked = AtomProbe(networks, sample=(x, y), logits=False, folds=3, learning_curve=False)
    assert fitted == 3 * [4] + 3 * [4]  # a layer of each teacher
    for epoch in (0, 1):
        fitted.clear()
        tracked.step(epoch)
        assert fitted == 3 * [2] + 6 * [6]  # the student's layer once, and beside that of each teacher


def test_what_a_student_learns_moves_from_the_teacher_to_both() -> None:
    networks, x, y = noisy()
    torch.nn.init.constant_(networks.student[0].weight, 0.0)
    tracked = AtomProbe(networks, sample=(x, y), logits=False, folds=3, learning_curve=False)
    (before,) = tracked.step(0)
    assert before.mi_student == before.redundancy == 0.0
    assert before.warnings == ("student: '0' at epoch 0 is constant: its information about anything is 0",)
    with torch.no_grad():
        networks.student[0].weight.copy_(torch.tensor([[2.0, -1.0, -1.0], [0.0, 2.0, -2.0]]))
    (after,) = tracked.step(1)
    assert after.decoded is not None
    assert after.decoded.at_limit is None
    low, high = after.decoded.interval["redundancy"]
    assert low < after.redundancy < high
    assert after.redundancy == pytest.approx(after.mi_teacher, abs=0.05)
    assert before.unique_teacher == before.mi_teacher == after.mi_teacher


def test_options_of_the_other_recipe_are_refused() -> None:
    networks, x, y = noisy()

    def refused(message: str, **options: Any) -> None:
        with pytest.raises(InputError, match=message):
            AtomProbe(networks, **{"sample": (x, y), **options})

    refused("fit_fraction is for a quantiser, and decoders are cross-fitted; pass folds", fit_fraction=0.5)
    for option in ({"decoder": "mlp"}, {"folds": 3}, {"learning_curve": False}):
        refused(f"{next(iter(option))} is for decoders, and quantiser makes codes", quantiser=CODES, **option)
    refused("decoder must be one of 'linear', 'mlp'", decoder="tree")
    refused("folds must be a whole number >= 2, not 1", folds=1)
    refused("learning_curve must be True or False", learning_curve=1)
    refused("sample has a class of 50 rows, and decoders need one in each of 51 folds", folds=51)


def test_a_run_is_resumed_by_its_own_recipe(tmp_path: Path) -> None:
    networks, x, y = noisy(n=60)
    path = tmp_path / "atoms.json"
    quick: dict[str, Any] = {"sample": (x, y), "logits": False, "folds": 2, "learning_curve": False, "path": path}
    AtomProbe(networks, **quick).step(0)
    again = AtomProbe(networks, **quick, resume=True)
    again.step(1)
    assert AtomRecords.load(path) == again.records
    first, second = again.records.records
    assert AtomRecord(**{**vars(first), "epoch": 1.0}) == second  # nothing changed but the epoch
    with pytest.raises(InputError, match=r"decoding\.decoder was \"'linear'\" and is \"'knn'\""):
        AtomProbe(networks, **quick, decoder="knn", resume=True)
    coded: dict[str, Any] = {"quantiser": RepresentationCodes(n_init=3), "path": path, "resume": True}
    with pytest.raises(InputError, match=r"holds a run with other settings: decoding was"):
        AtomProbe(networks, sample=(x, y), logits=False, **coded)
