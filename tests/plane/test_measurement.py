"""What a step of the tracker measures: features, targets, spreads, nulls and saturation of every layer."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from pidkit import (
    InputError,
    RepresentationCodes,
)
from pidkit.plane import PlaneEstimator
from tests.plane.tracked_runs import SAMPLE, SIMPLE, Answer, network, plane_of


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
