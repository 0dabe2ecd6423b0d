"""What held-out rows scored, kept in a result so that results of the same rows can be compared row by row."""

from __future__ import annotations

from dataclasses import dataclass

from pidkit.results import UnitPart
from pidkit.types import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class RowScores(UnitPart):
    """The held-out scores of all rows, and which rows they are.

    Attributes
    ----------
    scores : ndarray, shape (n, 4)
        Of I1, I2, U and I12, in the result's unit; where U was scored for some rows only, the others' are those of
        their codes.
    union_error : float
        Standard error of the mean score of U beside the scatter of the rows: what the choice of scored rows and the
        tolerance of the portfolios add.
    labels, folds : ndarray of int, shape (n,)
    groups : ndarray of int, shape (n,), optional
    """

    _information = ("scores", "union_error")

    scores: FloatArray
    union_error: float
    labels: IntArray
    folds: IntArray
    groups: IntArray | None
