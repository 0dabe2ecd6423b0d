"""Numbers inside mappings, tuples and options stand under the same verdict as those that are arguments."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pidkit import joint_from_outcomes
from pidkit.errors import InputError
from pidkit.mi import KSG, LabelDecoder
from pidkit.plot import accuracy_against_weight, plot_atoms_over
from pidkit.quantise import RepresentationCodes
from tests.arguments.doors import OTHERS, ROWS, TABLE
from tests.arguments.fingerprint import fingerprint
from tests.arguments.signatures import HAS_TORCH


def weighed(accuracies: Any = None, **changed: Any) -> str:
    return accuracy_against_weight(accuracies or {"RID": {0.5: [0.5]}}, **changed).get_ylabel()


WHOLE: dict[str, tuple[Callable[[Any], Any], int]] = {
    "hidden": (lambda value: LabelDecoder(hidden=(value,)), 4),
    "k": (lambda value: KSG(k=value).estimate(ROWS, OTHERS).value, 2),
    "n_y": (lambda value: joint_from_outcomes({"000": 1.0}, axes="y x1 x2", shape=(value, None, None)), 2),
}
REAL: dict[str, tuple[Callable[[Any], Any], float]] = {
    "baseline": (lambda value: weighed(baseline=(0.5, value)), 0.5),
    "chosen": (lambda value: weighed(chosen={"RID": value}), 0.5),
    "jitter": (lambda value: KSG(jitter=value).estimate(ROWS[:, :1], OTHERS).value, 0.25),
}

if HAS_TORCH:
    from pidkit import InformationPlane
    from pidkit.distill import (
        AtomProbe,
        CrossEntropy,
        Milestones,
        SeveralTeachers,
        TrainerOptions,
        WeightedSum,
        redundancy_weights,
    )
    from pidkit.mi.neural import ConcatenatedCritic
    from pidkit.plane.estimators import plane_estimator
    from tests.distill.toys import blobs, network, tapped

    X, Y = blobs(30)

    def plane(**changed: Any) -> Any:
        settings = {"layers": "1", "sample": (X, Y.numpy()), "estimators": "binned", **changed}
        with InformationPlane(network(5), **settings) as tracked:
            return tracked.step(2)

    WHOLE |= {
        "shape_a": (lambda value: critic_shapes((value,), (2,)), 3),
        "shape_b": (lambda value: critic_shapes((2,), (value,)), 3),
        "epochs": (lambda value: Milestones(epochs=(value,)), 3),
        "n_bins": (lambda value: plane(estimators=plane_estimator("binned", mi_label={"n_bins": value})), 3),
        "n_pca": (lambda value: plane(estimators=plane_estimator("binned", mi_label={"n_pca": value})), 2),
        "n_bootstrap": (lambda value: _atoms(quantiser=RepresentationCodes(2, 3), n_bootstrap=value), 2),
        "folds": (lambda value: _atoms(learning_curve=False, folds=value), 2),
    }
    REAL |= {
        "learning_rates": (lambda value: TrainerOptions(learning_rates={"student": value}), 0.5),
        "weight_decays": (lambda value: TrainerOptions(weight_decays={"sigma": value}), 0.5),
        "weights": (lambda value: WeightedSum({"labels": CrossEntropy()}, {"labels": value}), 0.5),
        "weights of teachers": (lambda value: SeveralTeachers({"teacher": CrossEntropy()}, {"teacher": value}), 0.5),
        "redundancies": (lambda value: redundancy_weights({"a": value, "b": 1.0}), 0.5),
        "schedule": (lambda value: plane(schedule=(value,)), 2.0),
        "schedule of a probe": (
            lambda value: AtomProbe(tapped(), sample=(X, Y.numpy()), schedule=(value,)).records,
            2.0,
        ),
    }

    def critic_shapes(*shapes: Any) -> list[tuple[int, ...]]:
        return [tuple(weight.shape) for weight in ConcatenatedCritic(*shapes, width=2, depth=1).parameters()]

    def _atoms(**options: Any) -> Any:
        networks = {"teacher": network(5), "student": network(4)}
        with InformationPlane(
            networks,
            layers="1",
            sample=(X, Y.numpy()),
            estimators="binned",
            atoms=[("1", "1")],
            atom_options=options,
        ) as tracked:
            return tracked.step(0)


@pytest.mark.parametrize("name", WHOLE)
def test_whole_numbers_inside_containers(name: str) -> None:
    make, good = WHOLE[name]
    assert fingerprint(make(np.int64(good))) == fingerprint(make(good))
    for value in (float(good), 2.5, str(good), True, -1, 2**64, math.nan):
        with pytest.raises(InputError, match=name):
            make(value)


@pytest.mark.parametrize("name", REAL)
def test_real_numbers_inside_containers(name: str) -> None:
    make, good = REAL[name]
    assert fingerprint(make(np.float32(good))) == fingerprint(make(good))
    for value in (str(good), True, math.nan, None, [good]):
        with pytest.raises(InputError, match=name.split()[0]):
            make(value)


@pytest.mark.parametrize("value", [True, math.nan, None, [0.5], 1j])
def test_places_on_an_axis_are_numbers_or_names(value: Any) -> None:
    with pytest.raises(InputError, match=r"^every place in x must be a finite number, not "):
        plot_atoms_over([TABLE, TABLE], x=(0.0, value))


def test_accuracies_are_numbers_and_only_those_of_methods_may_have_diverged() -> None:
    assert weighed({"RID": {0.5: [0.5, math.nan]}}) == weighed()
    for value in ("0.5", True, None, -0.1):
        with pytest.raises(
            InputError, match=r"^every accuracy in accuracies\['RID'\] must be a finite number >= 0, not "
        ):
            weighed({"RID": {0.5: [value]}})
    with pytest.raises(InputError, match=r"^every weight in accuracies\['RID'\] must be a finite number > 0, not '1'$"):
        weighed({"RID": {"1": [0.5]}})
    with pytest.raises(InputError, match=r"^baseline holds no accuracies; give at least one, or leave it out$"):
        weighed(baseline=())
    with pytest.raises(InputError, match=r"^every accuracy in baseline must be .*, not nan; leave out seeds that div"):
        weighed(baseline=(math.nan,))
