"""From the outputs of a pair of layers to one record: codes, atoms, the shuffled null, and what they are worth."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone
from torch import Tensor

from pidkit.distill.networks import Networks
from pidkit.distill.probe.outputs import collect_rows
from pidkit.errors import InputError
from pidkit.pid.batch import bivariate_pid_batch
from pidkit.records.atom_record import QUANTITIES
from pidkit.representations.coding import Quantiser, encode
from pidkit.representations.decomposition import LARGEST_BIAS_SHARE
from pidkit.representations.finite_samples import Spread, predicted_bias
from pidkit.types import FloatArray, IntArray
from pidkit.units import from_nats

Split = tuple[IntArray, IntArray] | None

LARGEST_GAP = 1e-6
"""In bits. A certified gap above this is said in the record."""


@dataclass(frozen=True)
class Codes:
    """Codes of the measured samples, and the size of their alphabet."""

    of: IntArray
    n: int


def code_rows(rows: Tensor, quantiser: Quantiser, split: Split, name: str) -> Codes:
    """Fit a copy of the quantiser to rows and return their codes, of all rows or of those to measure.

    Raises
    ------
    InputError
        If the rows hold NaN or cannot be quantised.
    """
    if not bool(rows.isfinite().all()):
        raise InputError(f"{name} puts out NaN or infinity on the sample; the training has diverged")
    return Codes(*encode(clone(quantiser), rows.numpy(), split, name))


def code_teachers(
    networks: Networks,
    pairs: Iterable[tuple[str, str, str]],
    x: Tensor,
    quantiser: Quantiser,
    split: Split,
    *,
    batch_size: int,
) -> dict[tuple[str, str], Codes]:
    """Return the codes of the outputs of every teacher that pairs (teacher, its layer, ...) name; each runs once."""
    codes = {}
    for name, teacher in networks.teachers.items():
        outputs = dict.fromkeys(theirs for who, theirs, _ in pairs if who == name)
        # Layers are named as in the model that a FrozenTeacher holds.
        model = teacher.get_submodule("model")
        for output, rows in collect_rows(model, outputs, x, batch_size=batch_size).items():
            codes[name, output] = code_rows(rows, quantiser, split, f"teacher {name!r}: {output!r}")
    return codes


def measure_atoms(
    y: IntArray, teacher: Codes, student: Codes, *, n_null: int, generator: np.random.Generator
) -> dict[str, Any]:
    """Return the measured fields of an `AtomRecord`, in bits: those of `representation_pid`, up to the gap.

    A training run is not stopped for a certificate: what the solver leaves above `LARGEST_GAP` is in the record, `gap`
    of the atoms and `null_gap`, with a warning.

    Parameters
    ----------
    y : ndarray of int, shape (n,)
    teacher, student : Codes
    n_null : int
    generator : numpy.random.Generator
        Copied: every pair and every epoch has the same permutations, so that only the codes differ.
    """
    draw = copy.deepcopy(generator)
    labels = [y, *(draw.permutation(y) for _ in range(n_null))]
    values, gaps = solve(np.stack([_joint(one, teacher, student) for one in labels]))
    n_y = int(y.max()) + 1
    bias = from_nats(predicted_bias(n_y, teacher.n * student.n, y.size), "bits")
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
        "n_codes_teacher": teacher.n,
        "n_codes_student": student.n,
        "bias": bias,
        "null": null,
        "warnings": tuple(said),
    }


def solve(joints: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the `QUANTITIES` of joints p[b, y, t, s], shape (b, 7), and their certified gaps, in bits."""
    batch = bivariate_pid_batch(joints, check=False)
    columns = ("redundancy", "unique_1", "unique_2", "synergy", "mi_1", "mi_2", "mi_joint")
    return np.stack([getattr(batch, name) for name in columns], axis=1), np.array(batch.solutions.gap)


def spread_of(values: FloatArray) -> Spread:
    """Summarise replicates: mean, standard deviation and the central 95 %."""
    low, high = np.quantile(values, [0.025, 0.975])
    return Spread(float(values.mean()), float(values.std()), float(low), float(high))


def _joint(y: IntArray, teacher: Codes, student: Codes) -> FloatArray:
    """Return the empirical joint p[y, t, s]."""
    shape = (int(y.max()) + 1, teacher.n, student.n)
    cells = np.ravel_multi_index((y, teacher.of, student.of), shape)
    return np.bincount(cells, minlength=int(np.prod(shape))).reshape(shape) / y.size
