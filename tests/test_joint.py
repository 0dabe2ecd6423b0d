from collections import Counter

import numpy as np
import pytest
from hypothesis import given

import pidkit
from pidkit.joint import (
    check_joint,
    check_pair_marginals,
    count_samples,
    joint_from_samples,
    pair_marginals,
)
from tests.memory import traced_memory
from tests.pid.strategies import joints


def slow_joint(y: np.ndarray, x1: np.ndarray, x2: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    p = np.zeros(shape)
    for triple in zip(y, x1, x2, strict=True):
        p[triple] += 1.0 / len(y)
    return p


@pytest.mark.parametrize("n", [1, 7, 500])
def test_joint_from_samples_counts(n: int) -> None:
    rng = np.random.default_rng(n)
    y, x1, x2 = rng.integers(3, size=n), rng.integers(4, size=n), rng.integers(2, size=n)
    p = joint_from_samples(y=y, x1=x1, x2=x2, n_y=4, n_x1=5, n_x2=2)
    np.testing.assert_allclose(p, slow_joint(y, x1, x2, (4, 5, 2)), atol=1e-15)
    sparse = count_samples(y=y, x1=x1, x2=x2, n_y=4, n_x1=5, n_x2=2)
    assert sparse.n_samples == n
    assert (sparse.mass > 0.0).all()
    np.testing.assert_array_equal(sparse.to_dense(), p)
    kept = np.ix_(*(p.sum(axes) > 0.0 for axes in ((1, 2), (0, 2), (0, 1))))
    np.testing.assert_array_equal(sparse.compact().to_dense(), p[kept])
    for source, marginal in zip((1, 2), pair_marginals(p), strict=True):
        np.testing.assert_allclose(sparse.pair(source), marginal, atol=1e-15)
    np.testing.assert_allclose(sorted(sparse.source_mass()), sorted(p.sum(0)[p.sum(0) > 0.0]), atol=1e-15)


def test_sparse_counting_never_builds_the_dense_array() -> None:
    n, size = 2000, 2000
    rng = np.random.default_rng(0)
    y, x1, x2 = rng.integers(3, size=n), rng.integers(size, size=n), rng.integers(size, size=n)
    with traced_memory() as traced:
        joint = count_samples(y=y, x1=x1, x2=x2, n_x1=size, n_x2=size)
    assert joint.shape == (3, size, size)
    assert traced.peak < 2e6  # the dense array would take 96 MB


def test_samples_must_have_one_length() -> None:
    message = r"^y, x1 and x2 must have one entry a sample; their lengths are 2, 1 and 3$"
    with pytest.raises(pidkit.InputError, match=message):
        joint_from_samples(y=[0, 1], x1=[0], x2=[0, 1, 2])


@given(joints())
def test_a_joint_passes_unchanged(p: np.ndarray) -> None:
    np.testing.assert_array_equal(check_joint(p), p)
    np.testing.assert_array_equal(check_joint(p.tolist()), p)
    first, second = pair_marginals(p)
    np.testing.assert_allclose(first, np.einsum("yab->ya", p), atol=1e-15)
    np.testing.assert_allclose(second, np.einsum("yab->yb", p), atol=1e-15)
    checked = check_pair_marginals(first, second)
    assert checked[0] is not None
    np.testing.assert_array_equal(checked[1], second)


def test_check_joint_takes_other_axes_and_types() -> None:
    assert check_joint(np.full((2, 2, 2, 2), 1 / 16), n_axes=None).ndim == 4
    assert check_joint([[1]], n_axes=2).dtype == np.float64
    with pytest.raises(pidkit.InputError, match=r"^p must have a target axis and at least one source axis; it has "):
        check_joint([1.0], n_axes=None)
    with pytest.raises(pidkit.InputError, match=r"^q must have 4 axes q, target first; it has shape \(1, 1\)$"):
        check_joint([[1.0]], name="q", n_axes=4)


@pytest.mark.parametrize("largest", [3, 10_000, 2**61], ids=["a counter a cell", "one key", "ranks"])
def test_triples_are_counted_alike_however_large_the_codes(largest: int) -> None:
    """By a dictionary, in order; few small codes, larger ones, and codes as large as hashes."""
    rng = np.random.default_rng(0)
    y, x1, x2 = (rng.choice(rng.integers(0, largest, 4), 500) for _ in range(3))
    found = count_samples(y=y, x1=x1, x2=x2)
    expected = Counter(zip(y.tolist(), x1.tolist(), x2.tolist(), strict=True))
    assert list(zip(found.y.tolist(), found.x1.tolist(), found.x2.tolist(), strict=True)) == sorted(expected)
    assert found.mass.tolist() == [expected[triple] / 500 for triple in sorted(expected)]
