"""Checks of samples of three variables, the third of which is conditioned on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from pidkit.errors import ConstantInput, InputError
from pidkit.mi.canonical import normal_scores
from pidkit.mi.samples import Samples, check_labels, check_pairs, check_rows, standardise
from pidkit.types import FloatArray, IntArray

Condition = TypeVar("Condition")


@dataclass(frozen=True)
class Conditioned:
    """Rows of A, B and the condition C, shapes (n, d_a), (n, d_b), (n, d_c)."""

    a: FloatArray
    b: FloatArray
    c: FloatArray

    @property
    def n(self) -> int:
        """Samples."""
        return len(self.a)

    def some(self, rows: IntArray) -> Conditioned:
        """Return some of the rows."""
        return Conditioned(self.a[rows], self.b[rows], self.c[rows])

    def scores(self) -> Conditioned:
        """Return the normal scores of the columns that are not constant."""
        return Conditioned(*(normal_scores(standardise(side)) for side in (self.a, self.b, self.c)))


def conditioned(a: Samples, b: Samples, c: Samples, *, at_least: int) -> Conditioned:
    """Return the rows of three sides of one length.

    Raises
    ------
    InputError
        If a side is not a finite real array, c is constant, the lengths differ, or there are too few.
    ConstantInput
        If a or b is constant.
    """
    rows_a, rows_b = check_rows(a, "a"), check_rows(b, "b")
    rows_c = _condition(c, check_rows)
    _check_lengths(len(rows_a), len(rows_b), len(rows_c), at_least)
    return Conditioned(rows_a, rows_b, rows_c)


def conditioned_labels(a: Samples, b: Samples, c: Samples) -> tuple[IntArray, IntArray, IntArray]:
    """Return the codes of three sides of symbols of one length; errors as in `conditioned`."""
    x, y = check_labels(a, "a"), check_labels(b, "b")
    z = _condition(c, check_labels)
    _check_lengths(x.size, y.size, z.size, 2)
    return x, y, z


def _condition(c: Samples, check: Callable[[Samples, str], Condition]) -> Condition:
    """Return the condition as a check reads it; a constant one is no condition."""
    try:
        return check(c, "c")
    except ConstantInput as error:
        raise InputError("c is constant, so that there is nothing to condition on; use estimate_mi(a, b)") from error


def _check_lengths(n_a: int, n_b: int, n_c: int, at_least: int) -> None:
    check_pairs(n_a, n_b, at_least=at_least, reason="a conditional information")
    if n_c != n_a:
        raise InputError(f"c must have one row a sample, as a and b have; it has {n_c} for {n_a}")
