"""k-means codes: clusters are found, batches, seeds and threads, warnings that are not its own."""

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from pidkit.errors import InputError
from pidkit.quantise import (
    KMeansCodes,
    PrincipalComponents,
)
from tests.quantise.quantisers import CODERS, blobs, same_partition


@pytest.mark.parametrize("make", [CODERS["kmeans"], CODERS["representation"]])
@pytest.mark.parametrize("offset", [0.0, 1e8])
def test_clusters_are_found_whatever_the_offset(make: Any, offset: float) -> None:
    x = blobs()
    coder = make()
    assert same_partition(coder.fit(x + offset).codes(x + offset), np.arange(len(x)) % 3)
    assert coder.n_codes_ == 3


def test_partial_fit_of_kmeans_codes() -> None:
    x = blobs(300)
    coder = KMeansCodes(n_codes=3)
    for batch in np.split(x, 5):
        coder.partial_fit(batch + 1e8)
    assert same_partition(coder.codes(x + 1e8), np.arange(300) % 3)
    coder.fit(x)
    assert coder.partial_fit(x).codebook_.max() < 20  # afresh: the offset batches are forgotten


def test_seeds_matter_and_threads_do_not() -> None:
    x = np.round(np.random.default_rng(0).normal(size=(3000, 4)) * 2)  # a lattice: full of ties
    books = set()
    for threads in (1, 2, 4):
        with threadpool_limits(limits=threads, user_api="openmp"):
            books.add(KMeansCodes(n_codes=8, n_init=1).fit(x).codebook_.tobytes())
    assert len(books) == 1
    assert KMeansCodes(n_codes=8, n_init=1, random_state=1).fit(x).codebook_.tobytes() not in books


def test_other_convergence_warnings_still_come_through() -> None:
    from pidkit.quantise.clusters import _reproducible

    with pytest.warns(ConvergenceWarning, match="something else"), _reproducible():
        warnings.warn("something else", ConvergenceWarning, stacklevel=1)


def test_a_failed_fit_leaves_the_earlier_one() -> None:
    x = blobs()
    coder = KMeansCodes(n_codes=3).fit(x)
    codes = coder.codes(x)
    with pytest.raises(InputError, match="n_codes must be at most"):
        coder.fit(x[:2, :1])
    np.testing.assert_array_equal(coder.codes(x), codes)


def test_a_first_batch_too_small_is_refused() -> None:
    with pytest.raises(InputError, match="n_codes must be at most the number of rows, 2, not 3"):
        KMeansCodes(n_codes=3).partial_fit(blobs(2))
    with pytest.raises(InputError, match="n_components must be at most the smaller of rows and features, 1, not 2"):
        PrincipalComponents(2).partial_fit(blobs()).partial_fit(blobs(1))
