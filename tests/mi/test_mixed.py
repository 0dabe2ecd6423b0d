"""Ross and Gao: the truth on mixtures, readable twins, limits."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.special import digamma

from pidkit import InputError
from pidkit.mi import KSG, TASKS, Gao, Ross
from pidkit.mi.samples import standardise


def twin_of_ross(x: np.ndarray, y: np.ndarray, k: int) -> float:
    n, total = len(x), 0.0
    for i in range(n):
        distance = np.abs(x - x[i]).max(1)
        mates = [j for j in range(n) if y[j] == y[i] and j != i]
        k_i = min(k, len(mates))
        rim = sorted(distance[mates])[k_i - 1]
        m_i = sum(distance[j] < rim for j in range(n) if j != i) + 1
        total += digamma(k_i) - digamma(len(mates) + 1) - digamma(m_i)
    return total / n + digamma(n)


def twin_of_gao(a: np.ndarray, b: np.ndarray, k: int) -> float:
    n, total, noise = len(a), 0.0, np.random.default_rng(0)
    jittered = [side + 1e-10 * noise.standard_normal(side.shape) for side in (a, b)]
    for i in range(n):
        same_a, same_b = (a == a[i]).all(1), (b == b[i]).all(1)
        if (same_a & same_b).sum() > k:
            k_i, n_a, n_b = (same_a & same_b).sum(), same_a.sum(), same_b.sum()
        else:
            d_a, d_b = (np.abs(side - side[i]).max(1) for side in jittered)
            rim = np.sort(np.maximum(d_a, d_b))[k]
            k_i, n_a, n_b = k, (d_a < rim).sum(), (d_b < rim).sum()
        total += digamma(k_i) - digamma(n_a) - digamma(n_b)
    return total / n + digamma(n)


def test_both_find_the_truth_of_the_mixed_task() -> None:
    task = TASKS["mixed"]
    for estimator in (Ross(), Gao()):
        values = [estimator.estimate(*task.sample(5000, rng=s), unit="nats").value for s in range(3)]
        assert np.mean(values) == pytest.approx(task.mi, abs=0.03)


@pytest.mark.parametrize("k", [1, 3])
def test_ross_is_its_readable_twin(k: int) -> None:
    rng = np.random.default_rng(k)
    y = rng.integers(4, size=120)
    x = rng.normal(size=(120, 2)) + y[:, None]
    x = (x - x.mean(0)) / x.std(0)
    assert Ross(k=k).estimate(x, y, unit="nats").value == pytest.approx(twin_of_ross(x, y, k), abs=1e-9)


@pytest.mark.parametrize("k", [1, 3])
def test_gao_is_its_readable_twin(k: int) -> None:
    rng = np.random.default_rng(k)
    a = np.where(rng.uniform(size=150) < 0.5, 0.0, rng.normal(size=150))
    b = np.stack([a + rng.normal(size=150), rng.integers(2, size=150)], axis=1)
    a, b = (standardise(x.reshape(150, -1)) for x in (a, b))
    assert Gao(k=k).estimate(a, b, unit="nats").value == pytest.approx(twin_of_gao(a, b, k), abs=1e-9)


def test_gao_without_ties_is_ksg() -> None:
    a, b = TASKS["normal 1x1"].sample(300)
    assert Gao().estimate(a, b).value == pytest.approx(KSG().estimate(a, b).value, abs=1e-12)


def test_gao_of_symbols_is_nearly_the_plug_in() -> None:
    task = TASKS["channel"]
    assert Gao().estimate(*task.sample(4000), unit="nats").value == pytest.approx(task.mi, abs=0.05)


def test_ross_takes_labels_on_either_side_and_of_any_sort() -> None:
    x, y = TASKS["mixed"].sample(500)
    value = Ross().estimate(x, y).value
    assert Ross().estimate(y, x).value == value
    assert Ross().estimate(y, [f"class {i}" for i in x]).value == value
    assert Ross().estimate(y, x[:, None]).value == value
    assert Ross(discrete="a").estimate(x.astype(float), y).value == value
    assert Ross().estimate(y, x).cap_name == "H(B)"


def test_ross_leaves_out_classes_of_one_and_says_so() -> None:
    rng = np.random.default_rng(0)
    y = np.r_[np.arange(200) % 2, 2]
    x = rng.normal(size=201) + 3 * y
    estimate = Ross().estimate(x, y)
    assert estimate.warnings == ("left out 1 samples that are alone in their class",)
    assert estimate.value == pytest.approx(Ross().estimate(x[:200], y[:200]).value, abs=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: Ross().estimate(x, x), r"^neither a nor b looks like labels; say which side is: discrete='a' or"),
        (lambda x: Ross().estimate([0, 1, 0, 1], [0, 1, 1, 0]), r"^both a and b look like labels; say which side is:"),
        (lambda x: Ross().estimate(x, np.arange(20)), r"^b has a class of its own for every sample; use KSG for"),
        (lambda x: Ross().estimate(x, np.arange(19) % 2), r"^a and b must have one row a sample, in the same order;"),
        (lambda x: Ross(discrete="c"), r"^discrete must be one of 'auto', 'a', 'b', not 'c'$"),  # type: ignore[arg-type]
        (lambda x: Gao(k=0.5), r"^k must be a whole number >= 1, not 0.5; pass an int$"),  # type: ignore[arg-type]
        (lambda x: Gao(k=30).estimate(x, x), r"^a and b hold 20 samples; k = 30 needs at least 32$"),
    ],
)
def test_what_cannot_be_used_is_refused(call: Callable[..., Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        call(np.random.default_rng(0).normal(size=20))


@pytest.mark.parametrize("estimator", [Ross(discrete="b"), Gao()])
def test_a_value_above_the_entropy_of_the_side_that_repeats_is_flagged(estimator: Ross | Gao) -> None:
    rare = (np.arange(1500) < 3).astype(float)
    counts = np.random.default_rng(0).poisson(3.0, size=1500)
    values = []
    for seed in range(6):
        found = estimator.estimate(rare, np.random.default_rng(seed).permutation(counts), rng=seed)
        values.append(found.value)
        assert found.cap == pytest.approx(0.0208, abs=1e-4)
        assert any("above the cap" in text for text in found.warnings) == (found.value > float(found.cap or 0.0))
    assert abs(np.mean(values)) < 0.02
