import numpy as np
import pytest
from hypothesis import given

from pidkit.info import conditional_entropy, entropy, joint_mutual_information, mutual_information
from tests.pid.strategies import joints


def slow_entropy(p: np.ndarray) -> float:
    return -sum(x * np.log(x) for x in np.ravel(p).tolist() if x > 0.0)


def slow_information(p_yx: np.ndarray) -> float:
    """Sum p(y, x) log(p(y, x) / (p(y) p(x))), cell by cell."""
    return sum(
        p_yx[y, x] * (np.log(p_yx[y, x]) - np.log(p_yx[y].sum()) - np.log(p_yx[:, x].sum()))
        for y, x in np.ndindex(p_yx.shape)
        if p_yx[y, x] > 0.0
    )


@given(joints())
def test_against_the_definitions(p: np.ndarray) -> None:
    p_yx = p.sum(2)
    assert entropy(p) == pytest.approx(slow_entropy(p), abs=1e-13)
    assert conditional_entropy(p_yx) == pytest.approx(slow_entropy(p_yx) - slow_entropy(p_yx.sum(0)), abs=1e-13)
    assert mutual_information(p_yx) == pytest.approx(slow_information(p_yx), abs=1e-13)
    assert joint_mutual_information(p) == pytest.approx(slow_information(p.reshape(len(p), -1)), abs=1e-13)


@given(joints())
def test_information_is_symmetric_and_between_zero_and_the_entropies(p: np.ndarray) -> None:
    p_yx = p.sum(2)
    value = mutual_information(p_yx)
    assert value == pytest.approx(mutual_information(p_yx.T), abs=1e-13)
    assert -1e-13 <= value <= min(entropy(p_yx.sum(0)), entropy(p_yx.sum(1))) + 1e-13
    assert value <= joint_mutual_information(p) + 1e-13


def test_closed_forms() -> None:
    assert entropy(np.full((4, 2), 0.125)) == pytest.approx(3.0 * np.log(2.0), abs=1e-15)
    flip = 0.11
    channel = 0.5 * np.array([[1.0 - flip, flip], [flip, 1.0 - flip]])
    noise = -flip * np.log(flip) - (1.0 - flip) * np.log(1.0 - flip)
    assert conditional_entropy(channel) == pytest.approx(noise, abs=1e-15)
    assert mutual_information(channel) == pytest.approx(np.log(2.0) - noise, abs=1e-15)


def test_masses_near_the_smallest_double_do_not_underflow() -> None:
    tiny = 1e-200
    p = np.array([[1.0 - tiny, 0.0], [0.0, tiny]])
    assert mutual_information(p) == pytest.approx(-tiny * np.log(tiny), rel=1e-12)
    assert conditional_entropy(p) == 0.0
