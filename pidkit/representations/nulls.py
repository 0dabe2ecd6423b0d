"""What each atom looks like where it is truly zero: replicates of the sample that keep all but that atom.

Permuting the labels tests whether the sources tell anything at all. An atom can be zero where others are not, and then
that test is the wrong one: it calls a redundancy of zero real in most samples of a system where one source alone
tells something. The nulls here keep what the atom is not about.

=========== =========================================================================================================
redundancy  One source's codes are permuted among the samples, the other's kept; both ways must be passed.
unique_1    x1 is made of the x2 of another sample of the label, by the channel p(x1|x2) of BROJA's coupling, and tells
            nothing that x2 does not; x2 is that of a third sample of the label. Also, x1 is permuted. Both must be
            passed.
unique_2    The same with the sources exchanged.
synergy     Samples of BROJA's coupling, which has the same pair marginals and no synergy. Also, the labels are
            permuted. Both must be passed.
=========== =========================================================================================================

Groups of rows, such as copies of a sample, are permuted and drawn as a whole.

The p-value of a null is (1 + replicates whose plug-in atom is at least the sample's) / (1 + replicates): Davison &
Hinkley, Bootstrap Methods and their Application, 1997, section 4.2. Where several must be passed the largest counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from pidkit.mi.blocks import Blocks
from pidkit.pid.broja import solve_broja
from pidkit.pid.result import ATOMS
from pidkit.representations.finite_samples import CodedSamples, Spread, replicate_atoms, spread_of
from pidkit.representations.predictors import count_table
from pidkit.types import FloatArray, IntArray

REPEATABLE = 1e-12
"""Nats within which two plug-in atoms count as equal: a replicate that is the sample itself must not fall below it."""

Draw = Callable[[], CodedSamples]


def null_tests(
    samples: CodedSamples,
    observed: FloatArray,
    n_null: int,
    rng: np.random.Generator,
    *,
    groups: IntArray | None = None,
    atoms: Sequence[str] = ATOMS,
) -> tuple[dict[str, float], dict[str, Spread]]:
    """Return the p-value of each of `atoms`, and the spread of its plug-in value under the null that counted.

    Parameters
    ----------
    samples : CodedSamples
        Ranks without gaps.
    observed : ndarray, shape (4,)
        The plug-in atoms of the sample, in nats, in the order of ATOMS.
    n_null : int
        Replicates of each null.
    rng : numpy.random.Generator
    groups : ndarray of int, shape (n,), optional
        Ranks of the groups of rows that are drawn together.
    atoms : sequence of str
        Those to test.
    """
    p_values: dict[str, float] = {}
    spreads: dict[str, Spread] = {}
    nulls = _nulls(samples, Blocks(samples.n, groups), rng)
    for number, atom in [(number, atom) for number, atom in enumerate(ATOMS) if atom in atoms]:
        for draw in nulls[atom]:
            replicates = replicate_atoms(_repeat(draw, n_null), n_null, f"null of {atom}")[:, number]
            p_value = float(1 + (replicates >= observed[number] - REPEATABLE).sum()) / (1 + n_null)
            if p_value >= p_values.get(atom, 0.0):
                p_values[atom], spreads[atom] = p_value, spread_of(replicates)
    return p_values, spreads


def _nulls(samples: CodedSamples, blocks: Blocks, rng: np.random.Generator) -> dict[str, tuple[Draw, ...]]:
    """Return what draws a replicate under each null of each atom."""
    y, x1, x2 = samples.y, samples.x1, samples.x2
    p_y = np.bincount(y) / samples.n
    solution = solve_broja(_channel(y, x1) * p_y[:, None], _channel(y, x2) * p_y[:, None], check=False)
    coupling = np.maximum(solution.coupling(), 0.0)
    pair_mass = coupling.sum(0)
    copy_of_1, copy_of_2 = _rows_to_one(pair_mass), _rows_to_one(pair_mass.T)  # p(x2|x1) and p(x1|x2)
    shape = coupling.shape
    cells = coupling.ravel() / coupling.sum()

    def permuted(x: IntArray) -> IntArray:
        return np.asarray(x[blocks.permutation(rng)])

    def anew(x: IntArray) -> IntArray:
        return np.asarray(x[blocks.within(y, rng)])

    def made(channel: FloatArray, x: IntArray) -> IntArray:
        return _through(channel, anew(x), blocks.groups, rng)

    def from_coupling() -> CodedSamples:
        drawn = np.repeat(rng.choice(cells.size, size=blocks.size.size, p=cells), blocks.size)
        return CodedSamples(*(np.asarray(codes, dtype=np.int64) for codes in np.unravel_index(drawn, shape)))

    return {
        "redundancy": (
            lambda: CodedSamples(y, permuted(x1), x2),
            lambda: CodedSamples(y, x1, permuted(x2)),
        ),
        "unique_1": (
            lambda: CodedSamples(y, made(copy_of_2, x2), anew(x2)),
            lambda: CodedSamples(y, permuted(x1), x2),
        ),
        "unique_2": (
            lambda: CodedSamples(y, anew(x1), made(copy_of_1, x1)),
            lambda: CodedSamples(y, x1, permuted(x2)),
        ),
        "synergy": (from_coupling, lambda: CodedSamples(permuted(y), x1, x2)),
    }


def _repeat(draw: Draw, n: int) -> Iterator[CodedSamples]:
    """Draw n replicates, one at a time."""
    return (draw() for _ in range(n))


def _channel(y: IntArray, x: IntArray) -> FloatArray:
    """Return the plug-in channel p(x|y), shape (n_y, n_x)."""
    n_x = int(x.max()) + 1
    return _rows_to_one(count_table(y, x, int(y.max()) + 1, n_x))


def _rows_to_one(table: FloatArray) -> FloatArray:
    """Divide every row by its sum; a row without mass becomes uniform and is never drawn from."""
    total = table.sum(1, keepdims=True)
    return np.where(total > 0.0, table / np.where(total > 0.0, total, 1.0), 1.0 / table.shape[1])


def _through(channel: FloatArray, x: IntArray, groups: IntArray, rng: np.random.Generator) -> IntArray:
    """Return what a channel p(made | x) makes of the codes x; equal codes of one group become equal."""
    distinct, which = np.unique(groups * len(channel) + x, return_inverse=True)
    reached = np.cumsum(channel, axis=1)[distinct % len(channel)]
    made = (reached[:, :-1] <= rng.random(distinct.size)[:, None]).sum(1)
    return np.asarray(made[which], dtype=np.int64)
