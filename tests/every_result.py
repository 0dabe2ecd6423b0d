"""One result of every class, as its door returns it, for the laws that all of them keep."""

from __future__ import annotations

import dataclasses
import functools
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pidkit
from pidkit.intersection import compare, intersection_information, relaxed_intersection_information
from pidkit.mi import ESTIMATORS, estimate_mi
from pidkit.plane.binned import BinnedEstimate
from pidkit.records import AtomRecord, AtomRecords, PlanePoint, PlaneTrajectory
from pidkit.records.atom_record import QUANTITIES, Assumption, DecodedAtoms
from pidkit.representations import DecoderReport, Spread
from pidkit.results import Result, UnitResult

JOINT = np.random.default_rng(0).dirichlet(np.full(12, 0.5)).reshape(2, 2, 3)
PAIR = (JOINT.sum(2), JOINT.sum(1))


def spread() -> Spread:
    return Spread(0.3, 0.1, 0.2, 0.4)


def coded() -> UnitResult:
    rng = np.random.default_rng(1)
    labels = rng.integers(3, size=300)
    x1, x2 = labels[:, None] + rng.normal(size=(2, 300, 2))
    quantiser = pidkit.KMeansCodes(n_codes=3)
    rest: dict[str, Any] = {"fit_fraction": 0.5, "bias": "shuffle", "n_null": 2, "n_bootstrap": 2}
    return pidkit.coded_pid(labels=labels, x1=x1, x2=x2, quantiser=quantiser, decoder="linear", **rest)


def representation() -> UnitResult:
    rng = np.random.default_rng(4)
    labels = rng.integers(3, size=300)
    x1, x2 = labels[:, None] + rng.normal(size=(2, 300, 2))
    result = pidkit.representation_pid(labels=labels, x1=x1, x2=x2, n_null=2, n_bootstrap=2)
    return dataclasses.replace(result, warnings=("a note",))


def paired() -> UnitResult:
    one = made("RepresentationPID")
    assert isinstance(one, pidkit.RepresentationPID)
    return pidkit.paired_differences(one, one)


def many_layers() -> UnitResult:
    from tests.representations.table.layers import compared

    return compared()


def layer_posteriors() -> UnitResult:
    labels = np.arange(60) % 2
    layer = labels[:, None] + np.random.default_rng(5).normal(size=(60, 2))
    return dataclasses.replace(
        pidkit.posteriors_of(labels=labels, x=layer, decoder="knn", n_codes=2, folds=2), warnings=("a note",)
    )


def discrete_estimate() -> UnitResult:
    y, x1, x2 = np.random.default_rng(3).integers(2, size=(3, 60))
    return pidkit.estimate_pid(y=y, x1=y ^ (x1 & x2), x2=x2, n_null=2, n_bootstrap=2)


def trajectory() -> PlaneTrajectory:
    sure = {"low": 0.3, "high": 0.7, "at_limit": 0.6}
    full = PlanePoint(
        "net", 1.5, "fc", "mi_label", "ksg", 0.5, 0.1, 0.01, 0.02, 2.0, True, "estimate", ("a note",), **sure
    )
    return PlaneTrajectory((full, PlanePoint("net", 2.0, "fc", "mi_label", "ksg", 0.6)), "bits", 1.5, 64, {"rate": 0.5})


def atom_records() -> AtomRecords:
    atoms = dict(zip(QUANTITIES, (0.5, 0.3, 0.1, 0.2, 0.8, 0.6, 1.1), strict=True))
    rest: dict[str, Any] = {"gap": 1e-9, "n_codes_teacher": 4, "n_codes_student": 3, "bias": 0.01}
    seen: dict[str, Any] = {
        "null": dict.fromkeys(QUANTITIES, spread()),
        "null_gap": 1e-8,
        "assumption": Assumption(0.2, spread(), 0.9, 1.5, (0.25, 0.75)),
        "warnings": ("a note",),
        "decoded": DecodedAtoms(
            "linear",
            interval=dict.fromkeys(QUANTITIES, (0.1, 0.9)),
            standard_error=dict.fromkeys(QUANTITIES, 0.1),
            at_limit=dict.fromkeys(QUANTITIES, 0.6),
            p_value={"redundancy": 0.01},
            decoders={"both": DecoderReport("linear", 0.7, 0.8, 0.1, 0.9, 0.95)},
        ),
    }
    rows = tuple(AtomRecord(epoch, "teacher", "conv", "fc", **atoms, **rest, **seen) for epoch in (0.0, 5.0))  # type: ignore[arg-type]
    return AtomRecords(rows, 1.5, 100, ((0.0, 2.5, "warm-up"),), {"rate": 0.5})


def estimate(name: str, n_null: int = 0) -> UnitResult:
    rng = np.random.default_rng(2)
    a = rng.normal(size=(60, 2))
    b = a + rng.normal(size=(60, 2))
    options: dict[str, Any] = {}
    if name in NEURAL:
        pytest.importorskip("torch")
        from pidkit.nn import TrainingBudget

        options = {"budget": TrainingBudget(max_steps=10), "folds": 1}
    if name in SYMBOLS:
        a, b = (a[:, 0] > 0.0).astype(int), (b[:, 0] > 0.0).astype(int)
    elif name in LABELLED:
        b = (b[:, 0] > 0.0).astype(int)
    elif name == "reconstruction-decoder":
        options = {"loss": "gaussian"}
    with warnings.catch_warnings(category=pidkit.PidkitWarning, action="ignore"):
        return estimate_mi(a, b, estimator=name, n_null=n_null, **options)  # type: ignore[arg-type]


def soft_atoms() -> UnitResult:
    torch = pytest.importorskip("torch")
    from pidkit.distill import soft_pid

    return soft_pid(torch.as_tensor(np.stack([JOINT, JOINT[::-1].copy()])))


def evaluation() -> UnitResult:
    pytest.importorskip("torch")
    from pidkit.distill import Evaluation

    return Evaluation(0.75, 0.5, 100, metrics={"top_5": 0.875})


def history() -> Result:
    pytest.importorskip("torch")
    from pidkit.distill import EpochRecord, History

    record = EpochRecord(0, "student", math.inf, {"rid": 0.1}, math.nan, 0.1, None, {"student": 0.05}, 0.5)
    return History((record, dataclasses.replace(record, epoch=1, validation_accuracy=0.5)), 1)


NEURAL = ("infonce", "jsd", "smile", "mine", "nwj")
LABELLED = ("ross", "label-decoder")
SYMBOLS = ("plugin", "miller-madow")

MAKERS: dict[str, Callable[[], UnitResult]] = {
    "SolverReport": lambda: pidkit.bivariate_pid(JOINT).report,
    "PIDResult": lambda: pidkit.bivariate_pid(JOINT),
    "BROJASolution": lambda: pidkit.solve_broja(*PAIR),
    "BROJABatch": lambda: pidkit.solve_broja_batch(*(np.stack([side, side]) for side in PAIR)),
    "PIDBatch": lambda: pidkit.bivariate_pid_batch(np.stack([JOINT, JOINT])),
    **{
        f"IntersectionResult {measure}": functools.partial(intersection_information, JOINT, measure=measure)
        for measure in ("griffith-ho", "blackwell", "gacs-koerner")
    },
    "IntersectionResult relaxed": lambda: relaxed_intersection_information(JOINT, tol_1=0.1, tol_2=0.1, n_starts=1),
    "IntersectionReport": lambda: intersection_information(JOINT).report,
    "Comparison": lambda: compare(JOINT),
    **{f"MIEstimate {name}": functools.partial(estimate, name) for name in ESTIMATORS},
    "MIEstimate null": functools.partial(estimate, "gaussian", n_null=3),
    "BinnedEstimate": lambda: BinnedEstimate(0.5, 0.1, 2.0, False, ("a note",)),
    "RepresentationPID": representation,
    "PairedDifferences": paired,
    "LayerPosteriors": layer_posteriors,
    "PIDTable": many_layers,
    "CodedPID": coded,
    "PIDEstimate": discrete_estimate,
    "PlaneTrajectory": trajectory,
    "AtomRecords": atom_records,
    "SoftPID": soft_atoms,
    "Evaluation": evaluation,
}
"""Results of every class, each as its door returns it."""


@functools.cache
def made(name: str) -> UnitResult:
    return MAKERS[name]()
