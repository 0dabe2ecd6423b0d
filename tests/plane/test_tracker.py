"""The tracker: it measures what it says, leaves no trace in the training, and goes on where it stopped."""

import copy
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pidkit import (
    InformationPlane,
    InputError,
    PlaneTrajectory,
    RepresentationCodes,
)
from pidkit.nn import FitOptions
from pidkit.plane import PlaneEstimator, plane_estimator


@dataclass(frozen=True)
class Answer:
    """What a simple estimator returns."""

    value: float
    unit: str = "nats"
    stderr: float | None = None
    cap: float | None = None
    warnings: tuple[str, ...] = ()


def spread_of(features: Any, target: Any, rng: np.random.Generator) -> Answer:
    """Depend on everything that an estimator is given, and on torch's random state, as neural ones do."""
    noise = float(torch.rand(1)) + float(nn.Linear(1, 1).weight.detach()) + rng.normal()
    return Answer(float(features.std()) + 0.01 * float(np.std(target)) + 0.01 * noise)


SIMPLE = PlaneEstimator("simple", mi_input=spread_of, mi_label=spread_of)


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(inplace=True), nn.Dropout(0.3), nn.Linear(8, 4), nn.Linear(4, 3)
    )


def data(n: int = 120, seed: int = 0) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(seed)
    y = rng.integers(3, size=n)
    x = rng.normal(size=(n, 6)) + np.eye(6)[y] * 3.0
    return torch.from_numpy(x).float(), torch.from_numpy(y)


SAMPLE = data(seed=1)


def plane_of(model: Any, **options: Any) -> InformationPlane:
    given: dict[str, Any] = {"layers": ["0", "4"], "sample": SAMPLE, "estimators": SIMPLE, "n_seeds": 2, **options}
    return InformationPlane(model, **given)


def train(model: nn.Module, n_epochs: int, callback: Callable[[int], object]) -> None:
    x, y = data()
    optimiser = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(n_epochs):
        callback(epoch)
        order = torch.randperm(len(x))
        for rows in order.split(32):
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimiser.step()


# No trace


BRIEF = {"options": FitOptions(max_steps=10)}
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


# What is measured


def test_every_layer_quantity_and_estimator_is_a_point() -> None:
    only_labels = PlaneEstimator("labels", mi_label=lambda f, y, rng: Answer(1.0, unit="bits"), seeded=False)
    points = plane_of(network(), estimators=[SIMPLE, "binned", only_labels], layers=["4", "0"]).step(5)
    assert [(p.layer, p.estimator, p.quantity) for p in points] == [
        (layer, estimator, quantity)
        for layer in ("4", "0")
        for estimator, quantity in [
            ("simple", "mi_input"),
            ("simple", "mi_label"),
            ("binned", "mi_input"),
            ("binned", "mi_label"),
            ("labels", "mi_label"),
        ]
    ]
    assert {(p.network, p.step) for p in points} == {("network", 5.0)}
    assert points[4].value == 1.0


def test_features_are_those_of_eval_mode_and_targets_those_of_the_sample() -> None:
    seen: list[tuple[Any, Any]] = []

    def look(features: Any, target: Any, rng: np.random.Generator) -> Answer:
        seen.append((features, target))
        return Answer(0.0)

    model = network().train()
    look_at = PlaneEstimator("look", mi_input=look, mi_label=look, seeded=False)
    plane_of(model, estimators=look_at, layers="4", n_null=0, batch_size=50).step(0)
    with torch.no_grad():
        expected = model.eval()[:5](SAMPLE[0]).numpy()
    np.testing.assert_allclose(seen[0][0], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(seen[0][1], SAMPLE[0].double().numpy())
    np.testing.assert_array_equal(seen[1][1], SAMPLE[1].numpy())
    seen.clear()
    thumbnails = SAMPLE[0][:, :2]
    plane_of(model, estimators=look_at, layers="4", inputs=thumbnails, n_null=0).step(0)
    np.testing.assert_array_equal(seen[0][1], thumbnails.double().numpy())


def test_values_are_means_over_seeds_with_their_error_and_a_shuffled_null() -> None:
    def noisy(features: Any, target: Any, rng: np.random.Generator) -> Answer:
        return Answer(float(rng.normal()) + (target[:40] == SAMPLE[1].numpy()[:40]).mean(), stderr=0.001, cap=9.0)

    pair = PlaneEstimator("noisy", mi_label=noisy)
    (point,) = plane_of(network(), layers="4", estimators=pair, n_seeds=5, n_null=3, rng=7, unit="nats").step(0)
    draws = [float(np.random.default_rng([7, k]).normal()) for k in range(5)]
    assert point.value == pytest.approx(np.mean(draws) + 1.0)
    assert point.stderr == pytest.approx(np.std(draws, ddof=1) / np.sqrt(5))
    assert point.null is not None
    assert point.null < np.mean(draws[:3]) + 0.7
    assert point.null_spread is not None
    (alone,) = plane_of(network(), layers="4", estimators=pair, n_seeds=1, n_null=1, rng=7, unit="nats").step(0)
    assert alone.stderr == 0.001
    assert alone.null_spread is None


def test_saturation_is_marked_where_the_estimator_ends_and_not_where_the_labels_do() -> None:
    entropy_y = plane_of(network()).trajectory.to("nats").entropy_y

    def capped(value: float, cap: float) -> Callable[..., Answer]:
        return lambda features, target, rng: Answer(value, cap=cap, warnings=("near",))

    pairs = [
        PlaneEstimator("log K", mi_label=capped(0.75, 0.8), mi_input=capped(4.0, 5.0)),
        PlaneEstimator("H(Y)", mi_label=capped(entropy_y, entropy_y), mi_input=capped(4.6, 5.0)),
    ]
    points = plane_of(network(), layers="4", estimators=pairs, unit="nats").step(0)
    marked = {(p.estimator, p.quantity): p.saturated for p in points}
    assert marked == {
        ("log K", "mi_input"): False,
        ("log K", "mi_label"): True,
        ("H(Y)", "mi_input"): True,
        ("H(Y)", "mi_label"): False,
    }
    assert points[0].warnings == ("near",)
    assert points[0].cap == 5.0


def test_constant_layers_know_nothing_and_diverged_ones_are_refused() -> None:
    model = network()
    with torch.no_grad():
        model[4].weight.zero_()
    points = plane_of(model, layers="4").step(0)
    assert [(p.value, p.kind) for p in points] == [(0.0, "exact"), (0.0, "exact")]
    assert "the layer puts out the same for every sample" in points[0].warnings[0]
    with torch.no_grad():
        model[4].weight[0, 0] = torch.nan
    with pytest.raises(InputError, match="layer '4' of 'network' puts out NaN or infinity at step 1; the training has"):
        plane_of(model, layers="4").step(1)
    bad = PlaneEstimator("bad", mi_input=lambda f, x, rng: Answer(float("nan")))
    with pytest.raises(InputError, match="estimator 'bad' gave nan for layer '4' of 'network' at step 2; leave it out"):
        plane_of(network(), layers="4", estimators=bad).step(2)


def test_wide_layers_are_sketched_and_inputs_pooled_within_the_bound() -> None:
    widths = []

    def look(features: Any, target: Any, rng: np.random.Generator) -> Answer:
        widths.append(features.shape[1])
        return Answer(0.0)

    x = torch.rand(20, 1, 8, 8)
    model = nn.Sequential(nn.Conv2d(1, 5, 3), nn.Flatten())
    pair = PlaneEstimator("look", mi_input=look)
    for options in ({"max_features": 16}, {"max_features": None}, {"reduce": "mean"}):
        plane_of(model, layers="0", sample=(x, np.arange(20) % 2), estimators=pair, n_seeds=1, **options).step(0)
    assert widths == [16, 180, 5]


# Two networks


def test_teacher_and_student_share_one_plane_with_atoms_beside() -> None:
    models = {"teacher": network(0), "student": network(1)}
    plane = plane_of(
        models,
        layers={"teacher": ["0", "4"], "student": "4"},
        estimators="binned",
        atoms=[("0", "4")],
        atom_options={"quantiser": RepresentationCodes(n_pca=2, n_codes=6), "n_bootstrap": 5},
        n_null=4,
    )
    plane.step(0)
    run = plane.trajectory
    assert run.networks == ("teacher", "student", "teacher & student")
    atoms = run.select(network="teacher & student").points
    assert [p.quantity for p in atoms] == ["redundancy", "unique_1", "unique_2", "synergy"]
    assert {(p.layer, p.estimator, p.kind) for p in atoms} == {("0 & 4", "broja", "atom")}
    assert all(p.stderr is not None and p.null is not None and p.cap is not None for p in atoms)
    assert any("predicted plug-in bias" in text for text in atoms[0].warnings)


# Schedules, callbacks, resuming


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


# What is refused


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
