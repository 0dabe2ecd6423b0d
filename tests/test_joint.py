import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given

import pidkit
from pidkit.joint import (
    check_joint,
    check_pair_marginals,
    count_samples,
    encode_labels,
    joint_from_samples,
    pair_marginals,
)
from tests.pid.strategies import joints


def slow_joint(y, x1, x2, shape):
    p = np.zeros(shape)
    for triple in zip(y, x1, x2, strict=True):
        p[triple] += 1.0 / len(y)
    return p


@pytest.mark.parametrize("n", [1, 7, 500])
def test_joint_from_samples_counts(n):
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


def test_sparse_counting_never_builds_the_dense_array():
    n, size = 2000, 2000
    rng = np.random.default_rng(0)
    y, x1, x2 = rng.integers(3, size=n), rng.integers(size, size=n), rng.integers(size, size=n)
    tracemalloc.start()
    joint = count_samples(y=y, x1=x1, x2=x2, n_x1=size, n_x2=size)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert joint.shape == (3, size, size)
    assert peak < 2e6  # the dense array would take 96 MB


@pytest.mark.parametrize(
    ("labels", "codes"),
    [
        ([2, 0, 2], [2, 0, 2]),
        (np.array([1, 0], dtype=np.uint8), [1, 0]),
        ([True, False], [1, 0]),
        (["dog", "ant", "dog"], [1, 0, 1]),
        ("eoe", [0, 1, 0]),
        ([0.5, -1.0, 0.5], [1, 0, 1]),
        ([("b", 1), ("a", 2), ("b", 1)], [1, 0, 1]),
        ([3, "3", 3], [0, 1, 0]),  # cannot be ordered: by first appearance
        ([None, Fraction(1, 2)], [0, 1]),
        ((c for c in "ba"), [1, 0]),
        (np.array(["b", "a"], dtype=object), [1, 0]),
    ],
)
def test_symbols_become_codes(labels, codes):
    found, n = encode_labels(labels, n=None, name="y")
    assert found.tolist() == codes
    assert n == max(codes) + 1
    assert encode_labels(codes, n=9, name="y")[1] == 9


@pytest.mark.parametrize(
    ("labels", "n", "message"),
    [
        ([], None, r"^y is empty: at least one sample is needed$"),
        (3, None, r"^y must be a sequence of symbols, one a sample, not int$"),
        (None, None, r"^y must be a sequence of symbols, one a sample, not NoneType$"),
        (np.zeros((2, 2), int), None, r"^y must have one axis \(one symbol a sample\); it has shape \(2, 2\)$"),
        (np.array([1j]), None, r"^y holds complex numbers; symbols must be integers, strings or other hashables$"),
        ([0, -2], None, r"^y holds the negative code -2; integer codes start at 0$"),
        ([0, 3], 3, r"^y holds the code 3, but n_y = 3; codes must be below n_y$"),
        ([0.0, np.nan], None, r"^y holds NaN or infinite symbols; drop those samples first$"),
        (["a", np.nan], None, r"^y\[1\] is NaN; drop those samples first$"),
        ([[0], [1]], None, r"^y\[0\] is not hashable \(list\); symbols must be$"),
        (["a", "b", "c"], 2, r"^y holds 3 distinct symbols, but n_y = 2$"),
        (["a", "b"], 2.5, r"^n_y must be a positive integer, not 2\.5$"),
        ([0], 0, r"^n_y must be a positive integer, not 0$"),
        ([0], "2", r"^n_y must be a positive integer, not '2'$"),
    ],
)
def test_symbols_that_cannot_be_used(labels, n, message):
    with pytest.raises(pidkit.InputError, match=message):
        encode_labels(labels, n=n, name="y")


def test_samples_must_have_one_length():
    message = r"^y, x1 and x2 must have one entry a sample; their lengths are 2, 1 and 3$"
    with pytest.raises(pidkit.InputError, match=message):
        joint_from_samples(y=[0, 1], x1=[0], x2=[0, 1, 2])


@given(joints())
def test_a_joint_passes_unchanged(p):
    np.testing.assert_array_equal(check_joint(p), p)
    np.testing.assert_array_equal(check_joint(p.tolist()), p)
    first, second = pair_marginals(p)
    np.testing.assert_allclose(first, np.einsum("yab->ya", p), atol=1e-15)
    np.testing.assert_allclose(second, np.einsum("yab->yb", p), atol=1e-15)
    checked = check_pair_marginals(first, second)
    assert checked[0] is not None
    np.testing.assert_array_equal(checked[1], second)


def test_check_joint_takes_other_axes_and_types():
    assert check_joint(np.full((2, 2, 2, 2), 1 / 16), n_axes=None).ndim == 4
    assert check_joint([[1]], n_axes=2).dtype == np.float64
    with pytest.raises(pidkit.InputError, match=r"^p must have a target axis and at least one source axis; it has "):
        check_joint([1.0], n_axes=None)
    with pytest.raises(pidkit.InputError, match=r"^q must have 4 axes q, target first; it has shape \(1, 1\)$"):
        check_joint([[1.0]], name="q", n_axes=4)
