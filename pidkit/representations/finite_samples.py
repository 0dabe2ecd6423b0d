"""The effect of a finite sample on plug-in atoms: predicted bias, corrections, the shuffled null and the bootstrap.

Plug-in information is biased upwards, most of all the synergy: 10 x 10 x 10 codes of independent data show 1.10 bits
of it at 500 samples and .054 at 10 000. No correction is safe at a few samples a cell, so `coded_pid` shows
the raw atoms, the corrected ones and the null side by side.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
from tqdm import tqdm

from pidkit.arguments import one_of
from pidkit.errors import InputError
from pidkit.info import entropy, joint_mutual_information
from pidkit.joint import count_samples
from pidkit.mi.blocks import Blocks
from pidkit.mi.nulls import SHOW_PROGRESS_AFTER
from pidkit.pid.atoms import atoms_of_redundancy, synergy_of
from pidkit.pid.batch import solve_broja_batch
from pidkit.pid.result import ATOMS, PIDResult
from pidkit.results import UnitPart
from pidkit.types import BiasCorrection, FloatArray, IntArray

BATCH = 64
"""Replicates solved in one compiled call."""

CORRECTIONS: tuple[BiasCorrection, ...] = get_args(BiasCorrection)
"""The bias corrections by name."""

FEWEST_TO_QUARTER = 8
"""Samples needed for the extrapolation, so that each quarter of them still has two."""


@dataclass(frozen=True)
class CodedSamples:
    """Integer codes of the target and both sources, one entry a sample."""

    y: IntArray
    x1: IntArray
    x2: IntArray

    @property
    def n(self) -> int:
        """How many samples there are."""
        return int(self.y.size)

    def take(self, rows: IntArray) -> CodedSamples:
        """Return the samples of `rows`, repeats and all."""
        return CodedSamples(self.y[rows], self.x1[rows], self.x2[rows])

    def with_labels(self, y: IntArray) -> CodedSamples:
        """Return the same sources with other labels."""
        return CodedSamples(y, self.x1, self.x2)


@dataclass(frozen=True)
class Spread(UnitPart):
    """How information varies over replicates: mean, standard deviation and the central 95 %, in the owner's unit."""

    _information = ("mean", "std", "low", "high")

    mean: float
    std: float
    low: float
    high: float


def predicted_bias(n_y: int, n_x: int, n_samples: int) -> float:
    """Predict the upward bias of plug-in I(Y; X), in nats: (n_x - 1)(n_y - 1) / (2 n).

    Source: Miller (1955), to first order in 1/n; Panzeri et al., Journal of Neurophysiology 98, 2007.

    Examples
    --------
    >>> round(predicted_bias(10, 100, 10_000), 5)
    0.04455
    """
    return (n_x - 1) * (n_y - 1) / (2.0 * n_samples)


def miller_madow(samples: CodedSamples, raw: PIDResult) -> dict[str, float]:
    """Correct the three mutual informations and let the redundancy stand; values in nats.

    Each entropy gains (occupied cells - 1) / (2 n), so I gains (K_y + K_x - K_yx - 1) / (2 n).
    """
    y, pairs = samples.y, samples.x1 * (int(samples.x2.max()) + 1) + samples.x2
    gains = [_miller_madow_gain(y, x) for x in (samples.x1, samples.x2, pairs)]
    mi_1, mi_2, mi_joint = raw.mi_1 + gains[0], raw.mi_2 + gains[1], raw.mi_joint + gains[2]
    corrected = atoms_of_redundancy(raw.redundancy, mi_1=mi_1, mi_2=mi_2, mi_joint=mi_joint)
    return dict(zip(ATOMS, corrected, strict=True))


def _miller_madow_gain(y: IntArray, x: IntArray) -> float:
    """Return (K_y + K_x - K_yx - 1) / (2 n), K counting occupied cells."""
    cells = np.unique(y * (int(x.max()) + 1) + x).size
    return float(np.unique(y).size + np.unique(x).size - cells - 1) / (2.0 * y.size)


def extrapolate(samples: CodedSamples, raw: PIDResult, rng: np.random.Generator) -> dict[str, float]:
    """Extrapolate every atom to infinitely many samples, from the whole, its halves and its quarters; in nats.

    With a(n) = a + b / n + c / n^2 the limit is (8 a(n) - 6 a(n/2) + a(n/4)) / 3. Source: Strong et al., Physical
    Review Letters 80, 1998, for information; each atom is treated alike, so the corrected atoms still add up.
    """
    order = rng.permutation(samples.n)
    halves, quarters = (
        _atoms([samples.take(part) for part in np.array_split(order, parts)]).mean(0) for parts in (2, 4)
    )
    limit = (8.0 * _values(raw) - 6.0 * halves + quarters) / 3.0
    return dict(zip(ATOMS, map(float, limit), strict=True))


def within_label_excess(samples: CodedSamples, n_shuffles: int, rng: np.random.Generator) -> float:
    """Return by how much plug-in I(Y;X1,X2), and so the synergy, exceeds the truth of fixed pair tables, in nats.

    The truth that is meant is that of the distribution with both pair tables held fixed: what these tables themselves
    owe to the sample is not counted. The codes of x2 are permuted among the samples of each label, which makes the
    sources independent given Y and keeps both pair tables. Of that distribution, P(y) P(x1|y) P(x2|y), the information
    is known exactly; the mean plug-in value of the permuted samples less that is the bias. The bias of another
    distribution with the same pair tables is not quite the same.

    Source: Montemurro, Senatore & Panzeri, Neural Computation 19, 2007.
    """
    order = np.argsort(samples.y, kind="stable")
    total = 0.0
    for _ in range(n_shuffles):
        within = order[np.lexsort((rng.random(samples.n), samples.y[order]))]
        permuted = np.empty_like(samples.x2)
        permuted[order] = samples.x2[within]
        total += _information_of_pairs(CodedSamples(samples.y, samples.x1, permuted)) / n_shuffles
    joint = count_samples(y=samples.y, x1=samples.x1, x2=samples.x2)
    first, second = joint.pair(1), joint.pair(2)
    p_y = first.sum(1)
    independent = first[:, :, None] * second[:, None, :] / np.where(p_y > 0.0, p_y, 1.0)[:, None, None]
    return total - joint_mutual_information(independent)


def _information_of_pairs(samples: CodedSamples) -> float:
    """Return plug-in I(Y; X1, X2), in nats."""
    joint = count_samples(y=samples.y, x1=samples.x1, x2=samples.x2)
    return entropy(joint.pair(1).sum(1)) + entropy(joint.source_mass()) - entropy(joint.mass)


def shuffled_null(samples: CodedSamples, n_null: int, rng: np.random.Generator) -> FloatArray:
    """Compute the atoms of `n_null` copies with permuted labels, shape (n_null, 4), in nats.

    The sources keep their dependence on each other; all they say about Y is chance. An atom within this null is not
    evidence; one beyond it is not yet: permutation tests of single atoms have high false-positive rates, because an
    atom can be large in a null where another one is zero.
    """
    draw = (samples.with_labels(rng.permutation(samples.y)) for _ in range(n_null))
    return replicate_atoms(draw, n_null, "shuffled null")


def bootstrap(
    samples: CodedSamples, n_bootstrap: int, rng: np.random.Generator, groups: IntArray | None = None
) -> FloatArray:
    """Compute the atoms of `n_bootstrap` resamples with replacement, shape (n_bootstrap, 4), in nats.

    A resample is a smaller sample in disguise: it adds the bias once more. Read the spread, not the centre. Groups,
    such as copies of one sample, are drawn as a whole.
    """
    blocks = Blocks(samples.n, groups)
    draw = (samples.take(blocks.resample(rng)) for _ in range(n_bootstrap))
    return replicate_atoms(draw, n_bootstrap, "bootstrap")


def replicate_atoms(draw: Iterable[CodedSamples], total: int, what: str) -> FloatArray:
    """Compute the plug-in atoms of every replicate, shape (total, 4), in nats, with a progress bar where it is long."""
    atoms: list[FloatArray] = []
    replicates = iter(draw)
    with tqdm(total=total, desc=what, delay=SHOW_PROGRESS_AFTER, leave=False) as bar:
        while batch := list(itertools.islice(replicates, BATCH)):
            atoms.append(_atoms(batch))
            bar.update(len(batch))
    return np.concatenate(atoms)


def _atoms(batch: Sequence[CodedSamples]) -> FloatArray:
    """Return the four plug-in atoms of each, in nats, shape (n, 4), solved in one compiled call."""
    n_y, n_1, n_2 = (max(int(getattr(s, name).max()) for s in batch) + 1 for name in ("y", "x1", "x2"))
    joints = [count_samples(y=s.y, x1=s.x1, x2=s.x2, n_y=n_y, n_x1=n_1, n_x2=n_2) for s in batch]
    first, second = (np.stack([joint.pair(source) for joint in joints]) for source in (1, 2))
    solved = solve_broja_batch(first, second, unit="nats")
    total = np.array([entropy(j.pair(1).sum(1)) + entropy(j.source_mass()) - entropy(j.mass) for j in joints])
    return np.stack([solved.redundancy, solved.unique_1, solved.unique_2, synergy_of(total, solved)], axis=1)


def _values(result: PIDResult) -> FloatArray:
    """Return the four atoms as an array, in the order of ATOMS."""
    return np.array([getattr(result, name) for name in ATOMS])


def spreads(replicates: FloatArray) -> dict[str, Spread]:
    """Summarise replicates, shape (n, 4), atom by atom."""
    return {name: spread_of(column) for name, column in zip(ATOMS, replicates.T, strict=True)}


def spread_of(values: FloatArray) -> Spread:
    """Summarise replicates of one number by their mean, standard deviation and central 95 %.

    Examples
    --------
    >>> spread_of(np.array([1.0, 3.0]))
    Spread(mean=2.0, std=1.0, low=1.05, high=2.95)
    """
    low, high = np.quantile(values, [0.025, 0.975])
    return Spread(float(values.mean()), float(values.std()), float(low), float(high))


def check_correction(method: str, *, n_null: int, n_samples: int | None = None) -> BiasCorrection:
    """Return `method` if it can be used with so many permutations and, where they are known, samples.

    Raises
    ------
    InputError
        If `method` is unknown, "shuffle" without a null, or "extrapolation" from too few samples to quarter.
    """
    checked = one_of("bias", method, CORRECTIONS)
    if method == "shuffle" and n_null == 0:
        raise InputError("bias='shuffle' subtracts the mean of the shuffled null; ask for one with n_null=20 or more")
    if method == "extrapolation" and n_samples is not None and n_samples < FEWEST_TO_QUARTER:
        raise InputError(
            f"bias='extrapolation' needs at least {FEWEST_TO_QUARTER} samples, not {n_samples}; use bias='none'"
        )
    return checked


def corrected_atoms(
    method: str, samples: CodedSamples, raw: PIDResult, null: FloatArray | None, rng: np.random.Generator
) -> dict[str, float] | None:
    """Return atoms in nats, corrected by a method that `check_correction` let pass; None for "none"."""
    if method == "miller-madow":
        return miller_madow(samples, raw)
    if method == "extrapolation":
        return extrapolate(samples, raw, rng)
    if method == "shuffle" and null is not None:
        return dict(zip(ATOMS, map(float, _values(raw) - null.mean(0)), strict=True))
    return None
