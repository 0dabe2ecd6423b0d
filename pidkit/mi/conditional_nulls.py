"""Permutations that keep what a condition says of the samples: among rows, or groups of rows, of equal or near c."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from pidkit.errors import InputError
from pidkit.mi.blocks import ALL_DIFFERENT, Blocks
from pidkit.mi.doubts import flat
from pidkit.mi.neighbours import nearest_rows
from pidkit.mi.repeats import MOST_COPIES
from pidkit.mi.samples import Samples, check_labels, check_rows, is_discrete, row_codes, standardise
from pidkit.types import FloatArray, IntArray

NEAR = 5
"""Samples nearest in the condition among which a sample of a conditional null may find the one it takes."""

Shuffle = Callable[[np.random.Generator], IntArray]
"""From a generator to the row that takes the place of each row, shape (n,)."""

NONE_ALIKE = "no two {what} so that none can trade places; code c more coarsely{or_cut}"
"""What is wrong where a conditional null would leave every row where it is."""


def permutations_given(c: Samples, groups: IntArray | None) -> Shuffle:
    """Return what permutes the rows among those of one value of c, or of near values where they hardly repeat.

    Groups trade places as wholes, with groups of their size, row by row in the order of c: of symbols with groups that
    hold the same symbols as often, which is exact; of values that hardly repeat with one of the nearest groups, all the
    rows of c of which are then near.

    Parameters
    ----------
    c : array_like, shape (n, ...)
        The condition.
    groups : ndarray of int, shape (n,), or None
        Ranks 0, 1, ... without gaps.

    Raises
    ------
    InputError
        If no two rows, or groups, can trade places.

    References
    ----------
    Runge, Conditional independence testing based on a nearest-neighbor estimator of conditional mutual information,
    AISTATS 2018, algorithm 1.
    """
    if is_discrete(c):
        return _among_equal(check_labels(flat(c), "c"), groups)
    rows = standardise(check_rows(c, "c"))
    codes = row_codes(rows)
    held = codes.size if groups is None else np.unique(np.column_stack([groups, codes]), axis=0).shape[0]
    if (int(codes.max()) + 1) * MOST_COPIES <= held:
        return _among_equal(codes, groups)
    return _among_near(rows, groups)


def _among_equal(codes: IntArray, groups: IntArray | None) -> Shuffle:
    """Return what lets groups trade that hold the same codes, in the order of which their rows are matched."""
    blocks = Blocks(codes.size, groups, by=codes)
    kinds = np.empty(blocks.size.size, dtype=np.int64)
    first = 0
    for size in np.unique(blocks.size):
        alike, members = blocks.of_size(size)
        kinds[alike] = first + row_codes(codes[members])
        first = int(kinds[alike].max()) + 1
    if first == kinds.size:
        if groups is None:
            raise InputError(NONE_ALIKE.format(what="samples have one value of c,", or_cut=""))
        held, cut = "are of one size and hold the same values of c,", ", or cut groups to a few sizes"
        raise InputError("groups: " + NONE_ALIKE.format(what=held, or_cut=cut))
    return lambda rng: blocks.exchange(rng, kinds)


def _among_near(rows: FloatArray, groups: IntArray | None) -> Shuffle:
    """Return what lets groups of one size take the place of one of the nearest, all their rows compared in order."""
    blocks = Blocks(len(rows), groups, by=_along(rows))
    near: list[tuple[IntArray, IntArray]] = []
    for size in np.unique(blocks.size):
        alike, members = blocks.of_size(size)
        if alike.size > 1:
            near.append((alike, nearest_rows(rows[members].reshape(alike.size, -1), min(NEAR, alike.size - 1))))
    if not near:
        raise InputError(ALL_DIFFERENT)

    def shuffle(rng: np.random.Generator) -> IntArray:
        donors = np.arange(blocks.size.size)
        for alike, others in near:
            donors[alike] = alike[permuted_given(others, rng)]
        return blocks.donated(donors)

    return shuffle


def _along(rows: FloatArray) -> npt.NDArray[np.float64]:
    """Return where rows (n, d) lie along the direction in which they vary most."""
    values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(rows.T)))
    return np.asarray(rows @ vectors[:, int(np.argmax(values))])


def permuted_given(near: IntArray, rng: np.random.Generator) -> IntArray:
    """Return the row that takes the place of each row, one of those `near` (n, k) it that none has taken yet.

    Where all are taken one of them is taken again, as Runge does.
    """
    taken, used = np.empty(len(near), dtype=np.int64), np.zeros(len(near), dtype=np.bool_)
    for row in rng.permutation(len(near)):
        choices = rng.permutation(near[row])
        free = choices[~used[choices]]
        taken[row] = free[0] if free.size else choices[0]
        used[taken[row]] = True
    return taken
