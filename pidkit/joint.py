"""Joints p[y, x1, x2], target first: their checks, their pair marginals, and how they are counted from samples."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pidkit.errors import InputError, Params, Returned
from pidkit.masses import as_real, check_masses, mass_tolerance, summing_to_one, with_common_target
from pidkit.symbols import encode_labels
from pidkit.types import FloatArray, IntArray

LARGEST_DENSE = 10**9
"""Cells, 8 GB of them, above which the joint of samples is not laid out densely."""

TWO_SOURCES = (
    'pidkit decomposes two sources; the page "Other measures, and three sources" of the documentation says why'
)
"""What a refusal of a third source says."""

MORE_AXES = f"Many joints p[b, y, x1, x2] are for bivariate_pid_batch. {TWO_SOURCES}"
"""What the refusal of an array of more axes says, which may be either."""

THIRD_SOURCE = re.compile(r"x[3-9]|x[1-9]\d+")
"""The keywords by which a third source, or a later one, would be given."""


def check_joint(
    p: npt.ArrayLike, *, name: str = "p", n_axes: int | None = 3, tolerance: float | None = None
) -> FloatArray:
    """Return `p` as a float64 array if it is a probability mass function, else raise.

    Parameters
    ----------
    p : array_like, shape (n_y, n_x1, n_x2)
        Probabilities, target axis first. No check can detect permuted axes.
    name : str
        How the argument is called in error messages.
    n_axes : int or None
        The number of axes required; None accepts any number above one.
    tolerance : float, optional
        How far from one the total may be, where the dtype of `p` does not say it.

    Raises
    ------
    InputError
        If `p` is not numeric, has another number of axes, is empty, holds NaN, infinite or negative
        entries, or does not sum to one within 1e-9. Counts are not normalised silently. In float32, float16 and
        bfloat16 the total may be off by four machine epsilons, which are scaled away.

    Examples
    --------
    >>> check_joint([[[0.5, 0.0]], [[0.0, 0.5]]]).shape
    (2, 1, 2)
    """
    array = as_real(p, name)
    if n_axes is not None and array.ndim != n_axes:
        axes = "[y, x1, x2]" if n_axes == 3 else "[y, x]" if n_axes == 2 else ""
        more = f". {MORE_AXES}" if n_axes == 3 and array.ndim > 3 else ""
        raise InputError(f"{name} must have {n_axes} axes {name}{axes}, target first; it has shape {array.shape}{more}")
    if n_axes is None and array.ndim < 2:
        raise InputError(f"{name} must have a target axis and at least one source axis; it has shape {array.shape}")
    tolerance = mass_tolerance(p) if tolerance is None else tolerance
    return summing_to_one(check_masses(array, name), name, tolerance=tolerance)


def takes_two_sources(function: Callable[Params, Returned]) -> Callable[Params, Returned]:
    """Let a function of samples `x1` and `x2` say why it takes no `x3`, in place of Python's bare TypeError.

    Examples
    --------
    >>> joint_from_samples(y=[0, 1], x1=[0, 1], x2=[0, 1], x3=[0, 1])
    Traceback (most recent call last):
    ...
    TypeError: joint_from_samples() takes no 'x3': pidkit decomposes two sources; the page ... says why
    """

    @functools.wraps(function)
    def checked(*args: Params.args, **kwargs: Params.kwargs) -> Returned:
        for name in kwargs:
            if THIRD_SOURCE.fullmatch(name):
                raise TypeError(f"{function.__name__}() takes no {name!r}: {TWO_SOURCES}")
        return function(*args, **kwargs)

    return checked


def check_pair_marginals(p_yx1: npt.ArrayLike, p_yx2: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return P(y, x1) and P(y, x2) if both are joints with the same P(y), else raise InputError."""
    first = check_joint(p_yx1, name="p_yx1", n_axes=2)
    second = check_joint(p_yx2, name="p_yx2", n_axes=2)
    return with_common_target(first, second, tolerances=(mass_tolerance(p_yx1), mass_tolerance(p_yx2)))


def pair_marginals(p: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return P(y, x1) and P(y, x2) of p[y, x1, x2]: all that BROJA's unique information depends on."""
    return p.sum(2), p.sum(1)


CELLS_COUNTED = 2**20
"""Cells of a joint up to which a counter for each is kept however few the samples: 8 MiB."""


@dataclass(frozen=True)
class SparseJoint:
    """A joint counted from samples: only the triples that occur, never the dense array.

    Attributes
    ----------
    y, x1, x2 : ndarray of int, shape (n_triples,)
        The codes of the triples that occur, in lexicographic order.
    mass : ndarray, shape (n_triples,)
        Their relative frequencies.
    shape : tuple of int
        (n_y, n_x1, n_x2).
    n_samples : int
        How many samples were counted.
    """

    y: IntArray
    x1: IntArray
    x2: IntArray
    mass: FloatArray
    shape: tuple[int, int, int]
    n_samples: int

    def pair(self, source: int) -> FloatArray:
        """Return the dense pair marginal P(y, x1) (`source` 1) or P(y, x2) (`source` 2)."""
        codes = self.x1 if source == 1 else self.x2
        flat = _sum_by_code(self.y * self.shape[source] + codes, self.mass, self.shape[0] * self.shape[source])
        return flat.reshape(self.shape[0], self.shape[source])

    def source_mass(self) -> FloatArray:
        """Return the masses of the pairs (x1, x2) that occur: the entries of P(x1, x2) above zero."""
        _, inverse = np.unique(self.x1 * self.shape[2] + self.x2, return_inverse=True)
        return _sum_by_code(inverse, self.mass, 0)

    def compact(self) -> SparseJoint:
        """Return the same joint on the symbols that occur alone: codes as large as hashes cost nothing then."""
        ranks = [np.unique(codes, return_inverse=True) for codes in (self.y, self.x1, self.x2)]
        y, x1, x2 = (np.asarray(inverse, dtype=np.int64) for _, inverse in ranks)
        shape = (ranks[0][0].size, ranks[1][0].size, ranks[2][0].size)
        return SparseJoint(y, x1, x2, self.mass, shape, self.n_samples)

    def to_dense(self) -> FloatArray:
        """Return the dense array p[y, x1, x2], or raise InputError where it would not fit a machine."""
        if math.prod(self.shape) > LARGEST_DENSE:
            raise InputError(
                f"the symbols span {math.prod(self.shape):.1e} cells of shape {self.shape}, because integers are codes "
                "as they stand; number them from 0, or use pid_from_samples, which lays out what occurs"
            )
        p = np.zeros(self.shape)
        p[self.y, self.x1, self.x2] = self.mass
        return p


def _sum_by_code(codes: IntArray, mass: FloatArray, n: int) -> FloatArray:
    """Return the mass of each code 0..n-1 (or up to the largest code)."""
    return np.asarray(np.bincount(codes, mass, n), dtype=np.float64)


def count_samples(
    *,
    y: npt.ArrayLike | Iterable[Hashable],
    x1: npt.ArrayLike | Iterable[Hashable],
    x2: npt.ArrayLike | Iterable[Hashable],
    n_y: int | None = None,
    n_x1: int | None = None,
    n_x2: int | None = None,
) -> SparseJoint:
    """Count the triples (y, x1, x2) of samples: the empirical joint without its zeros.

    Raises InputError for sequences of different lengths and for what `encode_labels` refuses.
    """
    coded = [encode_labels(v, n=n, name=name) for v, n, name in ((y, n_y, "y"), (x1, n_x1, "x1"), (x2, n_x2, "x2"))]
    lengths = [codes.size for codes, _ in coded]
    if len(set(lengths)) > 1:
        raise InputError(
            f"y, x1 and x2 must have one entry a sample; their lengths are {lengths[0]}, {lengths[1]} and {lengths[2]}"
        )
    shape = (coded[0][1], coded[1][1], coded[2][1])
    (codes_y, codes_1, codes_2), counts = _count_triples([codes for codes, _ in coded], shape)
    return SparseJoint(codes_y, codes_1, codes_2, counts / lengths[0], shape, lengths[0])


def _count_triples(columns: list[IntArray], shape: tuple[int, int, int]) -> tuple[list[IntArray], IntArray]:
    """Return the triples that occur, in lexicographic order, and how often each does."""
    cells, n = math.prod(shape), columns[0].size
    if cells <= max(n, CELLS_COUNTED):  # a counter for each cell is the fastest
        every = np.bincount((columns[0] * shape[1] + columns[1]) * shape[2] + columns[2], minlength=cells)
        occur = np.flatnonzero(every)
        return [np.asarray(codes, dtype=np.int64) for codes in np.unravel_index(occur, shape)], every[occur]
    if cells < 2**62:  # one key to sort by
        keys, counts = np.unique((columns[0] * shape[1] + columns[1]) * shape[2] + columns[2], return_counts=True)
        rest, x2 = np.divmod(keys, shape[2])
        return [*np.divmod(rest, shape[1]), x2], counts
    # Codes as large as hashes: by their ranks.
    kinds = [np.unique(column, return_inverse=True) for column in columns]
    sizes = (kinds[0][0].size, kinds[1][0].size, kinds[2][0].size)
    ranks, counts = _count_triples([inverse.ravel() for _, inverse in kinds], sizes)
    return [values[rank] for (values, _), rank in zip(kinds, ranks, strict=True)], counts


@takes_two_sources
def joint_from_samples(
    *,
    y: npt.ArrayLike | Iterable[Hashable],
    x1: npt.ArrayLike | Iterable[Hashable],
    x2: npt.ArrayLike | Iterable[Hashable],
    n_y: int | None = None,
    n_x1: int | None = None,
    n_x2: int | None = None,
) -> FloatArray:
    """Return the empirical joint p[y, x1, x2] of samples, target first.

    p[y, x1, x2] = (number of samples with these three symbols) / n.

    Parameters
    ----------
    y, x1, x2 : array_like or iterable of hashables, length n
        One symbol a sample. Integers are codes as they stand; anything else is coded by rank.
    n_y, n_x1, n_x2 : int, optional
        Alphabet sizes, where larger than the samples show.

    Returns
    -------
    ndarray, shape (n_y, n_x1, n_x2)

    Raises
    ------
    InputError
        If the lengths differ, there are no samples, or a symbol cannot be used.
    TypeError
        For a third source: the page "Other measures, and three sources" of the documentation says why.

    Examples
    --------
    >>> joint_from_samples(y=[0, 0, 0, 1], x1=[0, 0, 1, 1], x2=[0, 1, 0, 1])[1]
    array([[0.  , 0.  ],
           [0.  , 0.25]])
    """
    return count_samples(y=y, x1=x1, x2=x2, n_y=n_y, n_x1=n_x1, n_x2=n_x2).to_dense()
