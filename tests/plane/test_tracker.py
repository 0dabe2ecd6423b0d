"""The tracker: it leaves no trace in the training, keeps its schedule, and goes on where it stopped."""

import copy
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pidkit import (
    InputError,
    PlaneTrajectory,
)
from pidkit.nn import TrainingBudget
from pidkit.plane import PlaneEstimator, plane_estimator
from tests.plane.tracked_runs import SAMPLE, SIMPLE, Answer, data, network, plane_of, train

BRIEF = {"budget": TrainingBudget(max_steps=10)}

TRAINED = plane_estimator("infonce", mi_input=BRIEF, mi_label=BRIEF)


@pytest.mark.parametrize("estimators", [SIMPLE, "binned", TRAINED], ids=["simple", "binned", "infonce"])
def test_a_tracked_run_is_bit_identical_to_an_untracked_one(estimators: Any) -> None:
    states = []
    for tracked in (False, True):
        model = network().train()
        model[1].eval()  # a mode that .eval() and .train() of the whole would lose
        plane = plane_of(model, estimators=estimators, layers="*")
        np.random.seed(0)  # noqa: NPY002
        random.seed(0)
        train(model, 3, plane if tracked else lambda epoch: None)
        states.append(
            {
                "state": copy.deepcopy(model.state_dict()),
                "gradients": [p.grad.clone() for p in model.parameters()],
                "modes": [module.training for module in model.modules()],
                "hooks": [len(module._forward_hooks) for module in model.modules()],
                "torch": torch.get_rng_state(),
                "numpy": np.random.get_state()[1].tolist(),  # noqa: NPY002
                "python": random.getstate(),
                "flags": (torch.is_grad_enabled(), torch.get_default_dtype(), torch.get_num_threads()),
            }
        )
        assert len(plane.trajectory.steps) == (3 if tracked else 0)
    untracked, tracked_state = states
    for key, value in untracked["state"].items():
        assert torch.equal(value, tracked_state["state"][key]), key
    for before, after in zip(untracked["gradients"], tracked_state["gradients"], strict=True):
        assert torch.equal(before, after)
    assert torch.equal(untracked["torch"], tracked_state["torch"])
    for key in ("modes", "hooks", "numpy", "python", "flags"):
        assert untracked[key] == tracked_state[key], key


def test_a_step_between_forward_and_backward_does_not_disturb_the_graph() -> None:
    x, y = data()
    gradients = []
    for tracked in (False, True):
        model = network().train()
        loss = nn.functional.cross_entropy(model(x), y)
        if tracked:
            plane_of(model, layers="*").step(0)
        loss.backward()
        gradients.append([p.grad for p in model.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))


def test_steps_are_the_same_under_no_grad_and_inference_mode() -> None:
    found = []
    for context in (torch.enable_grad, torch.no_grad, torch.inference_mode):
        with context():
            found.append(plane_of(network(), layers="*").step(0))
    assert found[0] == found[1] == found[2]


def failing(features: Any, target: Any, rng: np.random.Generator) -> Answer:
    torch.rand(3)
    raise RuntimeError("estimator broke")


class Breaks(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            torch.rand(3)
            raise RuntimeError("forward broke")
        return x


@pytest.mark.parametrize("where", ["estimator", "forward"])
def test_exceptions_leave_no_hooks_modes_random_state_or_half_a_step(where: str, tmp_path: Path) -> None:
    model = network().train()
    if where == "forward":
        model.append(Breaks())
    broken = PlaneEstimator("broken", mi_label=failing)
    estimators = [SIMPLE, broken] if where == "estimator" else SIMPLE
    plane = plane_of(model, estimators=estimators, path=tmp_path / "run.npz")
    modes, state = [m.training for m in model.modules()], torch.get_rng_state()
    with pytest.raises(RuntimeError, match=f"{where} broke"), plane:
        plane.step(0)
    assert [m.training for m in model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), state)
    assert not any(m._forward_hooks for m in model.modules())
    assert torch.is_grad_enabled()
    assert plane.trajectory.points == PlaneTrajectory.load(tmp_path / "run.npz").points == ()


def test_steps_outside_the_schedule_are_left_out_and_repeated_ones_returned() -> None:
    plane = plane_of(network(), schedule=(0, 2))
    assert [len(plane.step(step)) for step in (0, 1, 2)] == [4, 0, 4]
    assert plane.trajectory.steps == (0.0, 2.0)
    before = plane.trajectory
    assert plane.step(2) == before.select(step=2).points
    assert plane.trajectory is before


def test_a_plane_whose_block_has_ended_holds_the_trajectory_alone() -> None:
    with plane_of(network()) as plane:
        plane(0)
    assert len(plane.trajectory.points) == 4
    with pytest.raises(InputError, match="step is called on a plane whose with block has ended; make a new one"):
        plane.step(1)


def test_a_resumed_run_gives_the_same_trajectory(tmp_path: Path) -> None:
    whole = plane_of(model := network(), path=tmp_path / "whole.npz")
    checkpoint = {}

    def keep(epoch: int) -> None:
        whole.step(epoch)
        checkpoint[epoch] = copy.deepcopy(model.state_dict())

    train(model, 4, keep)
    first = plane_of(model, path=tmp_path / "parts.npz")
    for epoch in (0, 1):
        model.load_state_dict(checkpoint[epoch])
        first.step(epoch)
    del first
    second = plane_of(other := network(3), path=tmp_path / "parts.npz", resume=True)
    assert second.trajectory.steps == (0.0, 1.0)
    for epoch in range(4):  # the first two are there already
        other.load_state_dict(checkpoint[epoch])
        second.step(epoch)
    assert second.trajectory == whole.trajectory
    loaded = [PlaneTrajectory.load(tmp_path / name) for name in ("parts.npz", "whole.npz")]
    assert loaded[0] == loaded[1] == whole.trajectory


def test_runs_are_not_overwritten_and_not_continued_with_other_settings(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    plane_of(network(), path=path).step(0)
    with pytest.raises(InputError, match="exists already; pass resume=True to continue it, or another path"):
        plane_of(network(), path=path)
    for change, named in (
        ({"n_seeds": 3}, "n_seeds was 2 and is 3"),
        ({"layers": "4"}, r"layers\.network was"),
        ({"sample": data(seed=2)}, r"sample was"),
        ({"rng": 1}, "rng was 0 and is 1"),
        ({"estimators": "binned"}, "estimators was"),
    ):
        with pytest.raises(InputError, match=f"holds a run with other settings: {named}"):
            plane_of(network(), path=path, resume=True, **change)
    with pytest.raises(InputError, match="resume=True needs a path"):
        plane_of(network(), resume=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layers": "5.x"}, "layers holds '5.x', which fits no layer of Sequential"),
        ({"layers": {"teacher": "0"}}, r"layers must name the networks \['network'\], not \['teacher'\]"),
        ({"sample": SAMPLE[0]}, r"sample must be a tuple \(x, y\)"),
        (
            {"sample": (SAMPLE[0], SAMPLE[1][:5])},
            r"sample must have one label a row: x has shape \(120, 6\)",
        ),
        ({"sample": (SAMPLE[0], np.zeros(120, dtype=int))}, "sample y holds one class only"),
        ({"inputs": SAMPLE[0][:3]}, "inputs must have one row a sample"),
        ({"n_seeds": 0}, "n_seeds must be a whole number >= 1, not 0"),
        ({"n_null": -1}, "n_null must be a whole number >= 0, not -1"),
        ({"rng": True}, r"rng must be a whole number from 0 to 2\*\*32 - 1 or a numpy.random.Generator, not True"),
        ({"unit": "bans"}, "unit must be 'bits' or 'nats'"),
        ({"estimators": "mine"}, "estimators must be one of 'decoder', .*, not 'mine'"),
        ({"estimators": []}, "estimators must be at least one, each with a name of its own"),
        ({"estimators": [SIMPLE, SIMPLE]}, "each with a name of its own, not .'simple', 'simple'"),
        ({"reduce": "max"}, "reduce must be 'none', 'mean' or a callable"),
        ({"max_features": 0}, "max_features must be a whole number >= 1, not 0"),
        ({"batch_size": 0}, "batch_size must be a whole number >= 1, not 0"),
        ({"path": "run.json"}, r"path must end in \.npz, not 'run\.json'"),
        ({"atom_options": {"labels": [0]}}, "atom_options must be among quantiser, .*, not 'labels'"),
        ({"atoms": [("0", "4")]}, "atoms need two networks, a first and a second, not 1"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused(change: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        plane_of(network(), **change)


def test_steps_are_finite_numbers() -> None:
    with pytest.raises(InputError, match="step must be a finite number, not nan"):
        plane_of(network()).step(float("nan"))


def test_networks_and_atoms_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="not an empty dict"):
        plane_of({})
    with pytest.raises(InputError, match=r"model must be a torch\.nn\.Module, not str"):
        plane_of("resnet18")
    two = {"teacher": network(), "student": network()}
    with pytest.raises(InputError, match="atoms holds '5', which is not tracked in 'student'; add it to layers"):
        plane_of(two, atoms=[("4", "5")])
    with pytest.raises(InputError, match="atoms must be tuples"):
        plane_of(two, atoms=["44"])
