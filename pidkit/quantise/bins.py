"""Codes from bins: every feature is cut at fitted edges, and the bins of a row together make one symbol."""

from __future__ import annotations

import abc
from typing import Self

import numpy as np
import numpy.typing as npt

from pidkit.arguments import check_count
from pidkit.quantise.rows import CodeTransformer, as_rows, nearest
from pidkit.types import AnyArray, FloatArray, IntArray


class _JointBins(CodeTransformer):
    """Bin every feature and number the combinations of bins that occur; subclasses say where to cut.

    scikit-learn's KBinsDiscretizer is not used: it warns about constant and tied features, and its quantile rule
    depends on its version.
    """

    edges_: list[FloatArray]
    symbols_: AnyArray
    n_codes_: int

    def __init__(self, n_bins: int = 10) -> None:
        self.n_bins = n_bins

    @abc.abstractmethod
    def _cuts(self, column: FloatArray) -> FloatArray:
        """Return where one feature, its values sorted, is cut into n_bins bins."""

    def fit(self, x: npt.ArrayLike, y: object = None) -> Self:
        """Find the edges of every feature of `x`, shape (n, ...), and number the symbols; `y` is ignored.

        Raises
        ------
        InputError
            `x` is not a finite, real, non-empty array, or n_bins is not an integer of at least 1.
        """
        check_count("n_bins", self.n_bins)
        rows = as_rows(x)
        self._keep_names(x)
        self.n_features_in_ = rows.shape[1]
        self.edges_ = []
        for column in np.sort(rows, axis=0).T:
            cuts = np.unique(self._cuts(column))
            # An edge at the smallest value would leave the bin below it empty: so a constant feature has no edge.
            self.edges_.append(cuts[cuts > column[0]])
        self.symbols_ = np.unique(self._bins(rows), axis=0)
        self.n_codes_ = len(self.symbols_)
        return self

    def codes(self, x: npt.ArrayLike) -> IntArray:
        """Return the code of every row of `x`, shape (n, ...), as (n,).

        A value beyond the fitted range falls in the outermost bin. A combination of bins that `fit` did not see takes
        the code of the nearest one it saw: the least sum of squared differences of bin numbers, then the lowest code.

        Raises
        ------
        InputError
            `x` is not a finite, real, non-empty array with as many features as in `fit`.
        """
        bins = self._bins(self._later_rows(x))
        numbers = {symbol.tobytes(): code for code, symbol in enumerate(self.symbols_)}
        codes = np.array([numbers.get(row.tobytes(), -1) for row in bins], dtype=np.int64)
        unseen = codes < 0
        if unseen.any():
            codes[unseen] = nearest(bins[unseen].astype(np.float64), self.symbols_.astype(np.float64))
        return codes

    def _bins(self, rows: FloatArray) -> AnyArray:
        """Return the bin numbers of `rows`, (n, d); a value at an edge belongs to the bin above."""
        bins = np.empty(rows.shape, dtype=np.min_scalar_type(self.n_bins))
        for feature, edges in enumerate(self.edges_):
            bins[:, feature] = np.searchsorted(edges, rows[:, feature], side="right")
        return bins


class UniformBins(_JointBins):
    """Number rows by bins of equal width: feature i is cut at lo_i + k (hi_i - lo_i) / n_bins, 0 < k < n_bins.

    Parameters
    ----------
    n_bins : int
        Bins of a feature.

    Attributes
    ----------
    edges_ : list of ndarray
        The inner edges of every feature; none for a constant feature.
    symbols_ : ndarray, shape (n_codes_, d)
        The bin numbers that every code stands for, in lexicographic order.
    n_codes_ : int
        Combinations of bins that occurred in `fit`, at most min(n, n_bins ** d).
    n_features_in_ : int

    Notes
    -----
    Unseen rows: see `codes`. As n_codes_ nears n every row is its own symbol and plug-in information saturates at
    log n, whatever the data: bin a few principal components, not a wide layer. The binning of Shwartz-Ziv and Tishby
    (2017); Goldfeld et al. (2019) say what it measures.

    Examples
    --------
    >>> x = [0.0, 1.0, 2.0, 10.0]
    >>> UniformBins(n_bins=2).fit(x).codes(x)
    array([0, 0, 0, 1])
    """

    def _cuts(self, column: FloatArray) -> FloatArray:
        return np.linspace(column[0], column[-1], self.n_bins + 1)[1:-1]


class QuantileBins(_JointBins):
    """Number rows by bins of equal mass: feature i is cut at its order statistics of rank k n / n_bins.

    Without ties the counts of a feature's bins in `fit` differ by at most one. Equal values are never split.

    Parameters
    ----------
    n_bins : int
        Bins of a feature; fewer where ties or too few rows make edges coincide.

    Attributes
    ----------
    edges_, symbols_, n_codes_, n_features_in_
        As in UniformBins.

    Notes
    -----
    Unseen rows, and the saturation at log n: as in UniformBins.

    Examples
    --------
    >>> x = [0.0, 1.0, 2.0, 10.0]
    >>> QuantileBins(n_bins=2).fit(x).codes(x)
    array([0, 0, 1, 1])
    """

    def _cuts(self, column: FloatArray) -> FloatArray:
        # Ranks in integers: a rank rounded in floating point would unbalance the bins.
        return column[np.arange(1, self.n_bins) * len(column) // self.n_bins]
