"""I(eps; Y | f_s(S)) by codes and its null, on filters whose answer is known."""

import numpy as np
import pytest
import torch

from pidkit import RepresentationCodes
from pidkit.distill import LayerPair
from pidkit.distill.filters import FilteredPair
from pidkit.distill.probe import measure_assumption
from pidkit.distill.probe.assumption import permute_within, plug_in_conditional_information
from pidkit.distill.probe.atoms import CodeColumn
from pidkit.errors import InputError

PAIR = LayerPair("a", "b", (1,), (1,))
CODES = RepresentationCodes(n_pca=None, n_codes=4, n_init=3)


def filtered(eps: np.ndarray, student: np.ndarray, sigma: tuple[float, ...] = (0.5,)) -> FilteredPair:
    teacher = torch.as_tensor(student + eps, dtype=torch.float64)[:, None, None]
    return FilteredPair(
        PAIR, teacher, torch.as_tensor(student, dtype=torch.float64)[:, None, None], torch.tensor(sigma)
    )


def test_eps_that_is_the_label_says_all_that_is_left() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(4, size=4000)
    student = (y % 2).astype(float)
    found = measure_assumption(filtered(10.0 * y, student), y, quantiser=CODES)
    # H(Y | s) = 1 bit: of four equal labels the student's bit leaves two.
    assert found.value == pytest.approx(found.cap, abs=1e-9)
    assert found.cap == pytest.approx(1.0, abs=0.01)
    assert found.null.high < 0.02


def test_eps_independent_of_the_label_given_the_student_is_within_the_null() -> None:
    rng = np.random.default_rng(1)
    y = rng.integers(4, size=1000)
    student = np.where(rng.random(1000) < 0.99, y, rng.integers(4, size=1000)).astype(float)
    # eps depends on the student, and so on the label, but not given the student.
    eps = 20.0 * ((student + rng.integers(2, size=1000)) % 4)
    found = measure_assumption(filtered(eps, student), y, quantiser=CODES, n_null=200)
    assert found.null.low <= found.value <= found.null.high


def test_the_null_knows_what_the_student_leaves_open() -> None:
    rng = np.random.default_rng(2)
    y = rng.integers(4, size=1000)
    eps = rng.integers(2, size=1000)
    found = measure_assumption(filtered(20.0 * eps, y.astype(float)), y, quantiser=CODES)
    # s = y: nothing is left to say, whatever eps is, and the null agrees.
    assert (found.value, found.cap, found.null.high) == pytest.approx((0.0, 0.0, 0.0), abs=1e-12)
    # Permuted labels would promise a bias: 4 strata of (4 - 1)(2 - 1) / (2 * 1000) nats = .0087 bits in all.
    shuffled = [
        plug_in_conditional_information(rng.permutation(y), CodeColumn(eps, 2), CodeColumn(y, 4))[0] for _ in range(50)
    ]
    assert np.mean(shuffled) / np.log(2) == pytest.approx(0.0087, rel=0.3)


def test_the_value_is_that_of_the_chain_rule() -> None:
    # Y = s xor eps, all uniform bits: I(Y; s) = 0, I(Y; eps | s) = 1 bit = H(Y | s).
    s, eps = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    value, cap = plug_in_conditional_information(s ^ eps, CodeColumn(eps, 2), CodeColumn(s, 2))
    assert (value, cap) == pytest.approx((np.log(2), np.log(2)))
    assert plug_in_conditional_information(s, CodeColumn(eps, 2), CodeColumn(s, 2)) == pytest.approx((0.0, 0.0))


def test_permutations_keep_both_pair_tables() -> None:
    rng = np.random.default_rng(0)
    codes, strata = rng.integers(5, size=300), rng.integers(3, size=300)
    shuffled = permute_within(codes, strata, rng)
    assert not (shuffled == codes).all()
    for stratum in range(3):
        np.testing.assert_array_equal(np.sort(shuffled[strata == stratum]), np.sort(codes[strata == stratum]))


def test_spread_and_weights_are_reported() -> None:
    y = np.arange(40) % 2
    student = np.zeros(40)
    found = measure_assumption(filtered(np.where(y == 1, 3.0, 1.0), student, (0.25,)), y, quantiser=CODES, n_null=0)
    # f_t(T) is 1 or 3, in halves: standard deviation 1.
    assert found.teacher_std == pytest.approx(1.0)
    assert found.sigma == (0.25,)
    assert found.null is None


def test_a_split_fits_on_some_rows_and_measures_the_others() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=100)
    split = (np.arange(50), np.arange(50, 100))
    found = measure_assumption(filtered(9.0 * y, np.zeros(100)), y[50:], quantiser=CODES, split=split)
    assert found.value == pytest.approx(found.cap, abs=1e-9)


def test_filters_that_diverged_are_refused() -> None:
    with pytest.raises(InputError, match=r"RID: f_t\(T\) - f_s\(S\) puts out NaN"):
        measure_assumption(filtered(np.full(10, np.nan), np.zeros(10)), np.arange(10) % 2, quantiser=CODES)
