"""Binned information: plug-in values of features cut into bins, and whether the bins are too fine for the sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pidkit.arguments import check_count
from pidkit.info import entropy
from pidkit.quantise import PrincipalComponents, UniformBins
from pidkit.results import UnitResult
from pidkit.types import AnyArray, FloatArray, IntArray

SATURATED_SHARE = 0.9
"""Share of its cap from which an estimate is called saturated: it then shows the cap, and not the information."""


@dataclass(frozen=True)
class BinnedEstimate(UnitResult):
    """A plug-in value of binned features, and whether the bins are too fine for the sample.

    Attributes
    ----------
    value, stderr, cap : float
        In `unit`.
    saturated : bool
        Whether the entropy of the codes has passed nine tenths of log n: nearly every sample is then its own symbol.
    warnings : tuple of str
    unit : str
        "nats", as it is computed, or "bits".
    kind : str
    """

    _information = ("value", "stderr", "cap")

    value: float
    stderr: float
    cap: float
    saturated: bool
    warnings: tuple[str, ...]
    unit: str = "nats"
    kind: str = "plugin"


def binned_input_information(
    features: FloatArray,
    target: AnyArray,
    rng: np.random.Generator,
    *,
    n_bins: int = 8,
    n_pca: int | None = 3,
) -> BinnedEstimate:
    """Estimate I(X;F) of a deterministic network by the entropy of its binned features, at most log n.

    I(X; bin(F)) = H(bin(F)), because the code is a function of the input. It measures how features cluster at this
    bin width, not what the network knows of its input (Goldfeld et al., ICML 2019; Saxe et al., ICLR 2018).

    Parameters
    ----------
    features : ndarray, shape (n, d)
    target, rng
        Not read.
    n_bins : int
        Bins of equal width in every dimension.
    n_pca : int or None
        Principal components to bin; None bins every feature, as Shwartz-Ziv and Tishby (2017) did, which saturates in
        wide layers.

    Raises
    ------
    InputError
        If the features are not finite, or `n_bins` or `n_pca` is not a positive integer.

    Examples
    --------
    >>> features = np.repeat([[0.0], [1.0]], 50, axis=0)
    >>> found = binned_input_information(features, None, np.random.default_rng(0), n_bins=2)
    >>> round(float(found.value / np.log(2.0)), 6), found.saturated
    (1.0, False)
    """
    codes = _binned_codes(features, n_bins, n_pca)
    n = codes.size
    surprise = -np.log(np.bincount(codes) / n)[codes]
    return BinnedEstimate(float(surprise.mean()), float(surprise.std() / np.sqrt(n)), float(np.log(n)), *_worth(codes))


def binned_label_information(
    features: FloatArray,
    target: AnyArray,
    rng: np.random.Generator,
    *,
    n_bins: int = 8,
    n_pca: int | None = 3,
) -> BinnedEstimate:
    """Estimate I(F;Y) by the plug-in information of binned features about class codes, at most H(Y).

    Parameters, errors and caveats as in `binned_input_information`; `target` holds class codes, shape (n,).

    Examples
    --------
    >>> labels = np.repeat([0, 1], 50)
    >>> found = binned_label_information(1.0 * labels[:, None], labels, np.random.default_rng(0), n_bins=2)
    >>> round(float(found.value / np.log(2.0)), 6)
    1.0
    """
    codes = _binned_codes(features, n_bins, n_pca)
    n, n_y = codes.size, int(target.max()) + 1
    pairs = np.bincount(codes * n_y + target, minlength=(int(codes.max()) + 1) * n_y).reshape(-1, n_y) / n
    p_f, p_y = pairs.sum(1), pairs.sum(0)
    pointwise = np.log(pairs[codes, target] / p_f[codes] / p_y[target])
    return BinnedEstimate(float(pointwise.mean()), float(pointwise.std() / np.sqrt(n)), entropy(p_y), *_worth(codes))


def _binned_codes(features: FloatArray, n_bins: int, n_pca: int | None) -> IntArray:
    """Return one code a row: bins of its leading principal components, or of all its features."""
    leading = leading_components(features, n_pca)
    return UniformBins(n_bins).fit(leading).codes(leading)


def leading_components(features: FloatArray, n_pca: int | None) -> FloatArray:
    """Return the leading principal components of rows, or the rows where they are no wider or `n_pca` is None."""
    if n_pca is None or features.shape[1] <= check_count("n_pca", n_pca):
        return features
    return PrincipalComponents(min(n_pca, len(features))).fit_transform(features)


def _worth(codes: IntArray) -> tuple[bool, tuple[str, ...]]:
    """Return whether nearly every sample has a code of its own, and the warning that says so."""
    n = codes.size
    spread = entropy(np.bincount(codes) / n)
    if spread < SATURATED_SHARE * np.log(n):
        return False, ()
    return True, (
        f"saturated: the codes have entropy {spread:.2f} nats of log n = {np.log(n):.2f}, so nearly every sample is "
        "its own symbol; use fewer bins, n_pca= or more samples",
    )
