"""What every quantiser and every step promises, each in `quantisers.py`: laws, hard inputs, refusals.

The same for tensors is in test_tensors.py, which needs torch.
"""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from pidkit import quantise
from pidkit.errors import InputError
from pidkit.quantise import (
    KMeansCodes,
    PrincipalComponents,
    QuantileBins,
    RepresentationCodes,
    UniformBins,
)
from tests.global_state import left_alone
from tests.quantise.quantisers import CODERS, ROWS, STEPS, blobs, coders, same_partition, steps


def test_every_public_quantiser_and_step_is_checked_here() -> None:
    public = {member for name in quantise.__all__ if isinstance(member := getattr(quantise, name), type)}
    assert {type(make()) for make in STEPS.values()} == public


@coders
@given(x=ROWS)
@settings(max_examples=25, deadline=None)
def test_codes_are_integers_below_n_codes_and_transform_repeats_fit_transform(make: Any, x: Any) -> None:
    coder = make()
    column = coder.fit_transform(x)
    assert column.shape == (len(x), 1)
    codes = coder.codes(x)
    assert codes.shape == (len(x),)
    assert codes.dtype == np.int64
    assert codes.min() >= 0
    assert codes.max() < coder.n_codes_
    np.testing.assert_array_equal(coder.transform(x), codes[:, None])
    np.testing.assert_array_equal(column, codes[:, None])
    np.testing.assert_array_equal(clone(coder).fit(x).codes(x), codes)
    # Equal rows have equal codes, and every row is coded by itself.
    np.testing.assert_array_equal(coder.codes(np.repeat(x, 2, axis=0)), np.repeat(codes, 2))


@pytest.mark.parametrize("make", [CODERS["uniform"], CODERS["quantile"], CODERS["kmeans"]])
@given(x=ROWS)
@settings(max_examples=25, deadline=None)
def test_every_code_occurs_in_fit(make: Any, x: Any) -> None:
    coder = make().fit(x)
    np.testing.assert_array_equal(np.unique(coder.transform(x)), np.arange(coder.n_codes_))


@given(x=ROWS, later=ROWS)
@settings(max_examples=25, deadline=None)
def test_new_rows_stay_in_the_alphabet(x: Any, later: Any) -> None:
    d = min(x.shape[1], later.shape[1])
    for make in CODERS.values():
        coder = make().fit(x[:, :d])
        codes = coder.codes(later[:, :d])
        assert codes.min() >= 0
        assert codes.max() < coder.n_codes_


@steps
def test_trailing_axes_and_dtypes_do_not_matter(make: Any) -> None:
    # Multiples of 1/4 below 16 are exact in every dtype down to bfloat16.
    x = np.random.default_rng(0).integers(-31, 32, size=(20, 6)) / 4.0
    expected = make().fit_transform(x)
    for same in (
        x.reshape(20, 1, 2, 3),
        x.tolist(),
        x.astype(np.float16),
        x.astype(np.float32),
        x.astype(np.longdouble),
        x.astype(">f4"),
        np.asfortranarray(x),
    ):
        np.testing.assert_allclose(make().fit_transform(same), expected, atol=1e-12)


@steps
def test_integers_and_booleans_are_numbers(make: Any) -> None:
    x = np.random.default_rng(0).integers(0, 2, size=(20, 6))
    np.testing.assert_array_equal(make().fit_transform(x.astype(bool)), make().fit_transform(x.astype(float)))


@coders
def test_float16_squares_do_not_overflow(make: Any) -> None:
    x = np.tile(np.array([[-60000.0, 0.0], [0.0, 60000.0], [60000.0, 0.0]], dtype=np.float16), (4, 1))
    assert same_partition(make().fit(x).codes(x), np.arange(12) % 3)


@coders
def test_constant_rows_have_one_code(make: Any) -> None:
    coder = make()
    np.testing.assert_array_equal(coder.fit_transform(np.full((8, 3), 0.1)), 0)
    assert coder.n_codes_ == 1


def test_fewer_distinct_rows_than_codes_get_a_code_each() -> None:
    x = np.repeat([[0.0, 1.0], [5.0, -2.0], [1.0, 1.0]], 5, axis=0)
    for coder in (KMeansCodes(n_codes=10), RepresentationCodes(n_codes=10), RepresentationCodes(n_pca=1, n_codes=10)):
        assert same_partition(coder.fit(x).codes(x), np.repeat([0, 1, 2], 5))
        assert coder.n_codes_ == 3


def test_a_single_row() -> None:
    x = np.array([[1.0, -2.0, 3.0]])
    for coder in (
        UniformBins(n_bins=3),
        QuantileBins(n_bins=3),
        KMeansCodes(n_codes=1),
        RepresentationCodes(n_pca=2, n_codes=1),
        RepresentationCodes(n_pca=2, n_codes=1, memory=1),
    ):
        assert coder.fit(x).codes(x).tolist() == [0]
        assert coder.n_codes_ == 1
    np.testing.assert_array_equal(PrincipalComponents(1).fit_transform(x), [[0.0]])


@steps
def test_inputs_and_global_state_are_left_alone(make: Any) -> None:
    x = blobs()
    kept = x.copy()
    x.flags.writeable = False
    with left_alone():
        make().fit(x).transform(x)
    np.testing.assert_array_equal(x, kept)


@steps
def test_parameters_and_clone(make: Any) -> None:
    step = make()
    copy = clone(step)
    assert copy.get_params() == step.get_params()
    assert type(copy) is type(step)
    assert type(step).__name__ in repr(step)


def test_quantise_does_not_import_torch() -> None:
    code = "import sys, pidkit.quantise as q; q.KMeansCodes(1).fit([[1.0]]); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@steps
@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([[1.0, np.nan]] * 4, "x must be finite"),
        ([[1.0, -np.inf]] * 4, "x must be finite"),
        (np.full((4, 2), np.longdouble("1e400")), "x must be finite"),
        ([[1e200, 0.0]] * 4, "whose squares overflow; rescale"),
        (np.zeros((0, 3)), "at least one row and one feature, not shape \\(0, 3\\)"),
        (np.zeros((3, 0)), "at least one row and one feature"),
        (1.0, "one row per sample, not a single number"),
        ([[1, 2], [3]], "x must be a rectangular array"),
        (np.array([[1.0, None]], dtype=object), "x must hold real numbers, not dtype object"),
        (np.ones((3, 2), dtype=complex), "x must hold real numbers, not dtype complex128"),
        ([["a", "b"]], "x must hold real numbers, not dtype <U1"),
        (np.ma.masked_array([[1.0, 2.0]], mask=[[True, False]]), "x has 1 masked entry, which is no value"),
    ],
)
def test_bad_arrays_are_refused(make: Any, x: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make().fit(x)


@steps
def test_features_must_match_and_fit_must_come_first(make: Any) -> None:
    with pytest.raises(NotFittedError):
        make().transform(blobs())
    with pytest.raises(InputError, match="x has 4 features a row, but fit saw 5"):
        make().fit(blobs(d=5)).transform(blobs(d=4))


@pytest.mark.parametrize("step", [PrincipalComponents(2), KMeansCodes(2)])
def test_batches_must_have_the_same_features(step: Any) -> None:
    with pytest.raises(InputError, match="x has 4 features a row, but fit saw 5"):
        step.partial_fit(blobs(d=5)).partial_fit(blobs(d=4))


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (UniformBins(n_bins=0), "n_bins must be a whole number >= 1, not 0"),
        (QuantileBins(n_bins=2.5), "n_bins must be a whole number >= 1, not 2.5"),  # type: ignore[arg-type]
        (UniformBins(n_bins=True), "n_bins must be a whole number >= 1, not True"),
        (KMeansCodes(n_codes=0), "n_codes must be a whole number >= 1, not 0"),
        (KMeansCodes(n_codes=61), "n_codes must be at most the number of rows, 60, not 61; lower n_codes"),
        (KMeansCodes(n_codes=2, n_init=0), "n_init must be a whole number >= 1"),
        (KMeansCodes(n_codes=2, random_state=None), "random_state must be a whole number from 0"),  # type: ignore[arg-type]
        (KMeansCodes(n_codes=2, random_state=-1), "random_state must be a whole number from 0"),
        (PrincipalComponents(6), "n_components must be at most the smaller of rows and features, 5, not 6"),
        (PrincipalComponents(0), "n_components must be a whole number >= 1"),
        (RepresentationCodes(n_pca=0), "n_pca must be a whole number >= 1, not 0"),
        (RepresentationCodes(n_codes=61), "n_codes must be at most the number of rows, 60, not 61"),
        (RepresentationCodes(2, 2, memory="much"), "memory must be a number of bytes, or text such as"),
        (RepresentationCodes(2, 2, memory=0), "memory must be a number of bytes, or text such as"),
    ],
)
def test_bad_parameters_are_refused(step: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        step.fit(blobs())
