"""From the outputs of a pair of layers to one record by codes: atoms, the shuffled null, predicted bias, warnings."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone
from torch import Tensor

from pidkit.distill.probe.outputs import check_finite
from pidkit.info import LARGEST_BIAS_SHARE
from pidkit.pid.batch import bivariate_pid_batch
from pidkit.records.atom_record import QUANTITIES
from pidkit.representations.coding import Quantiser, RowSplit, encode
from pidkit.representations.finite_samples import predicted_bias, spread_of
from pidkit.types import FloatArray, IntArray
from pidkit.units import from_nats

LARGEST_GAP = 1e-6
"""Bits. A record carries a warning where its certified gap exceeds this, which is far below any atom worth reading."""


@dataclass(frozen=True)
class CodeColumn:
    """One code for each measured sample, and the size of the alphabet of the codes."""

    values: IntArray
    n_codes: int


def code_rows(rows: Tensor, quantiser: Quantiser, split: RowSplit, name: str) -> CodeColumn:
    """Fit a copy of the quantiser to rows and return their codes, of all rows or of those to measure.

    Raises
    ------
    InputError
        If the rows hold NaN or cannot be quantised.
    """
    return CodeColumn(*encode(clone(quantiser), check_finite(rows, name).numpy(), split, name))


def measure_pair(
    y: IntArray, teacher: CodeColumn, student: CodeColumn, *, n_null: int, generator: np.random.Generator
) -> dict[str, Any]:
    """Return the measured fields of an `AtomRecord`, in bits: those of `coded_pid`, up to the gap.

    A training run is not stopped for a certificate: what the solver leaves above `LARGEST_GAP` is in the record, `gap`
    of the atoms and `null_gap`, with a warning.

    Parameters
    ----------
    y : ndarray of int, shape (n,)
    teacher, student : CodeColumn
    n_null : int
    generator : numpy.random.Generator
        Copied: every pair and every epoch has the same permutations, so that only the codes differ.
    """
    draw = copy.deepcopy(generator)
    labels = [y, *(draw.permutation(y) for _ in range(n_null))]
    values, gaps = solve_joints(np.stack([_joint(one, teacher, student) for one in labels]))
    n_y = int(y.max()) + 1
    bias = from_nats(predicted_bias(n_y, teacher.n_codes * student.n_codes, y.size), "bits")
    mi_joint = float(values[0, QUANTITIES.index("mi_joint")])
    said = []
    if bias > LARGEST_BIAS_SHARE * mi_joint:
        advice = "read atoms beside their null, or use more samples or fewer codes"
        said.append(f"the predicted plug-in bias of I(Y;T,S) is over {LARGEST_BIAS_SHARE:.0%} of it: {advice}")
    if gaps.max() > LARGEST_GAP:
        said.append(f"an atom or its null is certified no closer than {gaps.max():.1e} bits")
    null = {name: spread_of(column) for name, column in zip(QUANTITIES, values[1:].T, strict=True)} if n_null else None
    return {
        **dict(zip(QUANTITIES, map(float, values[0]), strict=True)),
        "gap": float(gaps[0]),
        "null_gap": float(gaps[1:].max()) if n_null else None,
        "n_codes_teacher": teacher.n_codes,
        "n_codes_student": student.n_codes,
        "bias": bias,
        "null": null,
        "warnings": tuple(said),
    }


def solve_joints(joints: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Decompose joints p[b, y, t, s]; return their `QUANTITIES`, shape (b, 7), and certified gaps (b,), in bits."""
    batch = bivariate_pid_batch(joints, check=False)
    columns = ("redundancy", "unique_1", "unique_2", "synergy", "mi_1", "mi_2", "mi_joint")
    return np.stack([getattr(batch, name) for name in columns], axis=1), np.array(batch.solutions.gap)


def _joint(y: IntArray, teacher: CodeColumn, student: CodeColumn) -> FloatArray:
    """Return the empirical joint p[y, t, s]."""
    shape = (int(y.max()) + 1, teacher.n_codes, student.n_codes)
    cells = np.ravel_multi_index((y, teacher.values, student.values), shape)
    return np.bincount(cells, minlength=int(np.prod(shape))).reshape(shape) / y.size
