"""Every quantiser and every step by name, small ones; rows to code, and when two codings are one."""

from collections.abc import Callable
from typing import Any

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest

from pidkit.quantise import (
    KMeansCodes,
    L2Normalise,
    PrincipalComponents,
    QuantileBins,
    RepresentationCodes,
    UniformBins,
)

CODERS: dict[str, Callable[[], Any]] = {
    "uniform": lambda: UniformBins(n_bins=3),
    "quantile": lambda: QuantileBins(n_bins=3),
    "kmeans": lambda: KMeansCodes(n_codes=3, n_init=2),
    "representation": lambda: RepresentationCodes(n_pca=2, n_codes=3, n_init=2),
    "streaming": lambda: RepresentationCodes(n_pca=2, n_codes=3, n_init=2, memory=1),
}

STEPS: dict[str, Callable[[], Any]] = {
    **CODERS,
    "l2": L2Normalise,
    "pca": lambda: PrincipalComponents(n_components=2),
}

coders = pytest.mark.parametrize("make", CODERS.values(), ids=CODERS)

steps = pytest.mark.parametrize("make", STEPS.values(), ids=STEPS)

VALUES = st.one_of(
    # Few values, so that ties, duplicated rows and constant features are common.
    st.integers(-2, 2).map(float),
    # Differences whose squares underflow are refused, and have a test of their own.
    st.floats(-1e6, 1e6).filter(lambda v: v == 0.0 or abs(v) > 1e-100),
)

ROWS = hnp.arrays(
    np.float64,
    st.tuples(st.integers(3, 20), st.integers(1, 4)),
    elements=VALUES,
)

COLUMNS = hnp.arrays(np.float64, st.integers(1, 40), elements=st.floats(-1e6, 1e6), unique=True)


def blobs(n: int = 60, d: int = 5, seed: int = 0) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return three well separated clusters in turn."""
    rng = np.random.default_rng(seed)
    return rng.normal(scale=0.1, size=(n, d)) + 5.0 * (np.arange(n) % 3)[:, None]


def same_partition(a: Any, b: Any) -> bool:
    """Tell whether two codings group the rows alike."""
    pairs = np.unique(np.stack([a, b]), axis=1)
    return pairs.shape[1] == len(np.unique(a)) == len(np.unique(b))
