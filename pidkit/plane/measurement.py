"""From features to points: run an estimator with several seeds and with shuffled labels, and mark saturated values."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pidkit.errors import InputError, PidkitWarning
from pidkit.plane.binned import SATURATED_SHARE
from pidkit.plane.estimators import AxisEstimator, Estimate, PlaneEstimator
from pidkit.records.plane_point import PlanePoint
from pidkit.types import FloatArray, IntArray, Unit
from pidkit.units import convert

LABEL_NULL_STREAM = 1_000_003
"""Added to the number of a shuffle in its seed, so that permutations share no random stream with the estimators."""

LABEL_CAP_SHARE = 0.95
"""Share of H(Y) from which an estimator's cap of I(F;Y) counts as H(Y) itself, computed on another split of the sample.
Reaching H(Y) means that all there is to know about the label was found, not that the estimator has saturated."""


@dataclass(frozen=True)
class Subject:
    """What a number is about: the network, the step and the layer."""

    network: str
    step: float
    layer: str


@dataclass(frozen=True)
class Repeats:
    """How often to run each estimator, from which seed, and the unit of the points."""

    n_seeds: int
    n_null: int
    seed: int
    unit: Unit


def measure_layer(
    features: FloatArray,
    *,
    x: FloatArray,
    y: IntArray,
    entropy_y: float,
    estimator: PlaneEstimator,
    subject: Subject,
    repeats: Repeats,
) -> list[PlanePoint]:
    """Measure I(X;F) and I(F;Y) of one layer by one pair of estimators.

    The value is the mean over `n_seeds` runs, its error the larger of std / sqrt(n_seeds) and the mean of the
    estimator's own errors. Run k has the generator of (seed, k) at every layer and step: the same split, the same
    initial weights, the same shuffles, so that what differs between two points is the features.

    Parameters
    ----------
    features : ndarray, shape (n, d)
    x : ndarray, shape (n, ...)
        What I(X;F) is about.
    y : ndarray of int, shape (n,)
    entropy_y : float
        H(Y) in nats: a cap that marks the end of the information rather than of the estimator.
    estimator, subject, repeats

    Raises
    ------
    InputError
        If the features or an estimate are not finite.
    """
    if not np.isfinite(features).all():
        raise InputError(
            f"layer {subject.layer!r} of {subject.network!r} puts out NaN or infinity at step {subject.step:g}; "
            "the training has diverged, or the sample is not what the model expects"
        )
    if (features == features[0]).all():
        return _constant(estimator, subject)
    points = []
    for quantity, estimate, target in (("mi_input", estimator.mi_input, x), ("mi_label", estimator.mi_label, y)):
        if estimate is None:
            continue
        n_seeds = repeats.n_seeds if estimator.seeded else 1
        runs = [_run(estimate, features, target, subject, estimator.name, repeats.seed, k) for k in range(n_seeds)]
        null: list[float] = []
        for shuffle in range(repeats.n_null if quantity == "mi_label" else 0):
            order = np.random.default_rng([repeats.seed, LABEL_NULL_STREAM + shuffle]).permutation(len(y))
            one = _run(estimate, features, y[order], subject, estimator.name, repeats.seed, shuffle)
            null.append(_nats(one.value, one))
        points.append(_point(runs, null, quantity, entropy_y, estimator.name, subject, repeats.unit))
    return points


def _constant(estimator: PlaneEstimator, subject: Subject) -> list[PlanePoint]:
    """Return the points of a layer that puts out the same for every sample: its information is exactly zero."""
    axes = (("mi_input", estimator.mi_input), ("mi_label", estimator.mi_label))
    said = ("the layer puts out the same for every sample: its information is 0, and nothing was estimated",)
    return [
        PlanePoint(
            subject.network, subject.step, subject.layer, axis, estimator.name, 0.0, 0.0, kind="exact", warnings=said
        )
        for axis, estimate in axes
        if estimate is not None
    ]


def _run(
    estimate: AxisEstimator,
    features: FloatArray,
    target: npt.NDArray[Any],
    subject: Subject,
    name: str,
    seed: int,
    replicate: int,
) -> Estimate:
    """Run an estimator once; its warnings are read from what it returns, so they are not shown at every step."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PidkitWarning)
        result = estimate(features, target, np.random.default_rng([seed, replicate]))
    if not math.isfinite(result.value):
        raise InputError(
            f"estimator {name!r} gave {result.value} for layer {subject.layer!r} of {subject.network!r} at step "
            f"{subject.step:g}; leave it out for this layer, or change its options"
        )
    return result


def _nats(value: float, estimate: Estimate) -> float:
    return convert(value, old=estimate.unit, new="nats")


def _point(
    runs: Sequence[Estimate],
    null: Sequence[float],
    quantity: str,
    entropy_y: float,
    name: str,
    subject: Subject,
    unit: str,
) -> PlanePoint:
    """Summarise the runs of one estimator, and its null, in nats, as a point in `unit`."""
    values = [_nats(run.value, run) for run in runs]
    own = [_nats(run.stderr, run) for run in runs if run.stderr is not None]
    caps = [_nats(run.cap, run) for run in runs if run.cap is not None]
    spread = [float(np.std(values, ddof=1)) / math.sqrt(len(values))] if len(values) > 1 else []
    errors = [*spread, *([float(np.mean(own))] if own else [])]
    value, cap = float(np.mean(values)), max(caps) if caps else None
    # A value at H(Y) is complete, not saturated; a value at a cap below H(Y) shows the limit of the estimator.
    limits = cap is not None and not (quantity == "mi_label" and cap >= LABEL_CAP_SHARE * entropy_y)
    saturated = limits and cap is not None and value >= SATURATED_SHARE * cap
    said = dict.fromkeys(text for run in runs for text in run.warnings)

    def out(nats: float | None) -> float | None:
        return None if nats is None else convert(nats, old="nats", new=unit)

    return PlanePoint(
        network=subject.network,
        step=subject.step,
        layer=subject.layer,
        quantity=quantity,
        estimator=name,
        value=convert(value, old="nats", new=unit),
        stderr=out(max(errors)) if errors else None,
        null=out(float(np.mean(null))) if null else None,
        null_spread=out(float(np.std(null, ddof=1))) if len(null) > 1 else None,
        cap=out(cap),
        saturated=saturated or any(bool(getattr(run, "saturated", False)) for run in runs),
        kind=str(getattr(runs[0], "kind", "estimate")),
        warnings=tuple(said),
    )
