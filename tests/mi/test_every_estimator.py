"""What every estimator of mutual information promises, each with its case in `estimators.py`."""

import copy
import functools
import warnings
from typing import Any

import numpy as np
import pytest

from pidkit import InputError, MIEstimate, PidkitWarning, estimate_mi
from pidkit.mi import ESTIMATORS
from pidkit.mi.result import KINDS
from tests.global_state import left_alone
from tests.mi.estimators import CASES

every_estimator = pytest.mark.parametrize("name", CASES)
pytestmark = pytest.mark.filterwarnings("ignore::pidkit.PidkitWarning")

N = 600


def estimate(name: Any, a: np.ndarray, b: np.ndarray, **options: Any) -> MIEstimate:
    return estimate_mi(a, b, estimator=name, **{"rng": 0, "unit": "nats", **CASES[name].options(), **options})


def brief(name: Any, a: np.ndarray, b: np.ndarray, **options: Any) -> MIEstimate:
    """Estimate with critics that are hardly trained, where the value itself does not matter."""
    given = CASES[name].options()
    if "budget" in given:
        given["budget"] = type(given["budget"])(max_steps=20)
    return estimate(name, a, b, **{**given, **options})


@functools.cache
def full(name: Any) -> MIEstimate:
    return estimate(name, *CASES[name].sample(N, 0))


def test_every_name_has_a_case() -> None:
    assert list(CASES) == list(ESTIMATORS)


@every_estimator
def test_the_value_is_near_the_truth(name: Any) -> None:
    case, found = CASES[name], full(name)
    assert case.mi - case.below <= found.value <= case.mi + case.above


@every_estimator
def test_the_result_says_what_it_is(name: Any) -> None:
    found = full(name)
    assert (found.unit, found.n_samples) == ("nats", N)
    assert found.kind in KINDS
    assert found.estimator
    assert found.seconds > 0.0
    if found.cap is not None and found.value > found.cap * (1.0 + 1e-12):
        assert any("above the cap" in text for text in found.warnings)
    assert (found.cap is None) == (found.cap_name is None)
    assert found.stderr is None or 0.0 <= found.stderr < 0.2


@every_estimator
def test_shuffled_pairs_share_next_to_nothing(name: Any) -> None:
    a, b = CASES[name].sample(N, 0)
    assert abs(estimate(name, a, np.random.default_rng(0).permutation(b)).value) < 0.1


@every_estimator
def test_a_seed_gives_the_same_answer_and_a_generator_that_of_its_state(name: Any) -> None:
    pair = CASES[name].sample(90, 0)
    first, second = (brief(name, *pair, rng=7) for _ in range(2))
    assert first.value == second.value
    assert brief(name, *pair, rng=np.random.default_rng(7)).value == first.value


@every_estimator
def test_bits_are_nats_over_log_two(name: Any) -> None:
    pair = CASES[name].sample(90, 0)
    nats, bits = (brief(name, *pair, unit=unit) for unit in ("nats", "bits"))
    assert bits.unit == "bits"
    assert bits.value == pytest.approx(nats.value / np.log(2.0), rel=1e-9, abs=1e-12)
    assert bits.to("nats").value == pytest.approx(nats.value, rel=1e-9, abs=1e-12)


@every_estimator
def test_samples_and_global_state_are_left_alone(name: Any) -> None:
    a, b = (np.array(side) for side in CASES[name].sample(90, 0))
    kept = copy.deepcopy((a, b))
    a.flags.writeable = b.flags.writeable = False
    with left_alone():
        brief(name, a, b)
    np.testing.assert_array_equal(a, kept[0])
    np.testing.assert_array_equal(b, kept[1])


@every_estimator
def test_its_warnings_are_said_aloud(name: Any) -> None:
    pair = CASES[name].sample(90, 0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = brief(name, *pair)
    said = [str(one.message) for one in caught if issubclass(one.category, PidkitWarning)]
    assert said == [f"{found.estimator}: {text}" for text in found.warnings]


@every_estimator
def test_sides_of_unequal_length_are_refused(name: Any) -> None:
    a, b = CASES[name].sample(90, 0)
    with pytest.raises(InputError, match=r"90.*89|89.*90"):
        brief(name, a, b[:-1])
