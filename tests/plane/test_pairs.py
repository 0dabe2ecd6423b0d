"""Atoms on the plane: decoded ones, which the label decoder agrees with, and options of either recipe."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from pidkit import InputError, RepresentationCodes, representation_pid
from pidkit.plane import plane_estimator
from pidkit.records import PlaneTrajectory
from tests.plane.tracked_runs import SAMPLE, SIMPLE, network, plane_of

MODELS = {"teacher": network(0), "student": network(1)}


def pair_plane(**options: Any) -> Any:
    given = {"layers": "4", "atoms": [("4", "4")], "estimators": SIMPLE, "n_seeds": 1, "n_null": 0, "rng": 5, **options}
    return plane_of(MODELS, **given)


@pytest.mark.filterwarnings("ignore::pidkit.errors.PidkitWarning")
def test_decoded_atoms_agree_with_representation_pid_and_with_the_label_decoder_on_the_same_folds() -> None:
    labels = plane_estimator("decoder", mi_label={"folds": 5})
    only_labels = type(labels)("decoder", mi_label=labels.mi_label)
    run = pair_plane(estimators=only_labels)
    run.step(0)
    with torch.no_grad():
        x1, x2 = (MODELS[name].eval()[:5](SAMPLE[0]).double().numpy() for name in ("teacher", "student"))
    y = SAMPLE[1].numpy()
    whole = representation_pid(labels=y, x1=x1, x2=x2, rng=np.random.default_rng([5, 0]))
    points = {p.quantity: p for p in run.trajectory.select(network="teacher & student").points}
    assert list(points) == ["redundancy", "unique_1", "unique_2", "synergy", "mi_1", "mi_2", "mi_joint"]
    for name, point in points.items():
        assert (point.estimator, point.cap) == ("broja (linear)", whole.entropy_y)
        assert (point.value, point.stderr) == (getattr(whole, name), whole.standard_error[name])
        assert ((point.low, point.high), point.at_limit) == (whole.interval[name], whole.at_limit[name])
        assert (point.kind == "lower_bound") == name.startswith("mi_")
        assert point.warnings == whole.warnings
    for name, side, source in (("teacher", "x1", "mi_1"), ("student", "x2", "mi_2")):
        (alone,) = run.trajectory.select(network=name).points
        assert alone.value == pytest.approx(whole.decoders[side].information, abs=1e-9)
        assert points[source].low < alone.value < points[source].high  # of calibrated posteriors, so not the same


def test_cheaper_settings_are_kept_and_a_run_is_resumed_by_its_own_recipe(tmp_path: Any) -> None:
    quick = {"folds": 2, "learning_curve": False}
    path = tmp_path / "run.npz"
    plane = pair_plane(atom_options=quick, path=path)
    plane.step(0)
    point = next(p for p in plane.trajectory.points if p.quantity == "redundancy")
    assert point.at_limit is None
    assert point.low is not None
    assert point.high is not None
    assert point.low < point.value < point.high
    assert PlaneTrajectory.load(path) == plane.trajectory
    assert pair_plane(atom_options=quick, path=path, resume=True).trajectory == plane.trajectory
    nats = plane.trajectory.to("nats").points[-1]
    assert nats.high == pytest.approx(math.log(2.0) * plane.trajectory.points[-1].high)
    for other in ({}, {"quantiser": RepresentationCodes(2, 3)}):
        with pytest.raises(InputError, match="holds a run with other settings: atom_options"):
            pair_plane(atom_options=other, path=path, resume=True)


def test_options_of_the_other_recipe_are_refused() -> None:
    codes = RepresentationCodes(2, 3)
    for options, message in (
        (
            {"quantiser": codes, "folds": 3},
            "atom_options has 'folds', which is for decoders, beside a quantiser;",
        ),
        (
            {"n_bootstrap": 5},
            "atom_options has 'n_bootstrap', which is for codes; pass a quantiser too",
        ),
        ({"decoder": "tree"}, "decoder must be one of 'linear', 'mlp'"),
        ({"folds": 1}, "folds must be a whole number >= 2, not 1"),
        ({"n_codes": 1}, "n_codes must be a whole number >= 2, not 1"),
        ({"learning_curve": 1}, "learning_curve must be True or False, not 1"),
        ({"folds": 60}, "sample has a class of .* rows, and decoders need one in each of 60 folds; give more rows"),
    ):
        with pytest.raises(InputError, match=message):
            pair_plane(atom_options=options)
