"""The relaxed quantity: its closed forms, its limits, and that its channel keeps what was allowed."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from pidkit.errors import InputError
from pidkit.intersection import intersection_information, relaxed_intersection_information
from pidkit.intersection.channel import channel_information
from pidkit.intersection.relaxed_ascent import _Penalised
from tests.intersection.joints import TABLE, dirichlet


@pytest.mark.parametrize("allowed", [0.05, 0.3])
def test_xor_shares_as_much_as_is_allowed(allowed: float) -> None:
    result = relaxed_intersection_information(TABLE["XOR"].p, tol_1=allowed, tol_2=0.5, n_starts=1)
    assert result.lower == pytest.approx(allowed, abs=1e-5)
    assert result.upper == pytest.approx(allowed, abs=1e-9)


def test_a_source_that_knows_less_shares_all_of_it() -> None:
    known = TABLE["correlated UNQ1"]
    result = relaxed_intersection_information(known.p, tol_1=0.01, tol_2=0.01, n_starts=1)
    assert result.lower == pytest.approx(known.alpha + 0.01, abs=1e-5)
    assert result.upper == pytest.approx(known.mmi + 0.01, abs=1e-7)


def test_no_tolerance_is_griffith_ho() -> None:
    p = dirichlet((2, 2, 2), 1)
    exact = intersection_information(p)
    result = relaxed_intersection_information(p, tol_1=0.0, tol_2=0.0, n_starts=1)
    assert result.lower == pytest.approx(exact.lower, abs=1e-9)
    assert result.upper >= exact.upper - 1e-9


def test_the_channel_keeps_the_tolerances_and_attains_the_value() -> None:
    p = dirichlet((3, 2, 2), 0)
    result = relaxed_intersection_information(p, tol_1=0.02, tol_2=0.03, n_starts=2, unit="nats")
    assert result.common is not None
    information = channel_information(p, result.common)
    assert information.given_x1 <= 0.02 + 1e-9
    assert information.given_x2 <= 0.03 + 1e-9
    assert information.target == pytest.approx(result.lower, abs=1e-12)
    assert result.lower <= result.upper
    assert result.lower > 0.0
    assert intersection_information(p).upper == 0.0  # n_y >= n_x1 + n_x2 - 1
    for axis, channel in enumerate(result.channels, start=1):
        joint = (result.common * p).sum(tuple({1, 2, 3} - {axis + 1}))
        np.testing.assert_allclose(channel * p.sum(tuple({0, 1, 2} - {axis})), joint, atol=1e-12)


def test_it_grows_with_the_tolerance_and_repeats() -> None:
    p = dirichlet((2, 2, 2), 2)
    small, large, again = (
        relaxed_intersection_information(p, tol_1=tol, tol_2=tol, n_starts=2, rng=3).lower
        for tol in (0.001, 0.02, 0.02)
    )
    assert small < large == again


def test_gradient() -> None:
    p = dirichlet((2, 3, 2), 0)
    problem = _Penalised(p, np.nonzero(p), 3, (0.001, 0.002))
    logits = np.random.default_rng(0).normal(size=36)
    problem.update(logits)
    value, gradient = problem.value_and_gradient(logits)

    def penalty(point: np.ndarray) -> float:
        return float(problem.value_and_gradient(point)[0])

    expected = approx_fprime(logits, penalty, 1e-7)
    np.testing.assert_allclose(gradient, expected, atol=1e-6)
    assert np.isfinite(value)


def test_errors() -> None:
    p = TABLE["AND"].p
    with pytest.raises(InputError, match="tol_1 must be a finite number >= 0, not -1"):
        relaxed_intersection_information(p, tol_1=-1, tol_2=0)
    with pytest.raises(InputError, match="n_starts must be a whole number >= 0, not -1"):
        relaxed_intersection_information(p, tol_1=0, tol_2=0, n_starts=-1)
    with pytest.raises(InputError, match="n_q must be a whole number >= 2, not 1"):
        relaxed_intersection_information(p, tol_1=0, tol_2=0, n_q=1)
    with pytest.raises(InputError, match="unit must be"):
        relaxed_intersection_information(p, tol_1=0, tol_2=0, unit="dits")  # type: ignore[arg-type]
