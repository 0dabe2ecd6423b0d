"""Label decoders: a lower bound that is tight where the decoder is right, on rows the decoder has not seen."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pidkit import InputError
from pidkit.mi import TASKS, LabelDecoder
from pidkit.nn import TrainingBudget


def two_bumps(n: int, seed: int = 0, gap: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Two unit normals 2 gap apart: logistic regression is exactly right."""
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=n)
    return rng.normal(size=n) + 2 * gap * y, y


def truth_of_two_bumps(gap: float = 1.0) -> float:
    z = np.linspace(-12, 12, 200_001)
    density = 0.5 * (np.exp(-0.5 * (z - gap) ** 2) + np.exp(-0.5 * (z + gap) ** 2)) / np.sqrt(2 * np.pi)
    entropy = -(density * np.log(np.maximum(density, 1e-300))).sum() * (z[1] - z[0])
    return entropy - 0.5 * math.log(2.0 * math.pi * math.e)


@pytest.mark.parametrize("model", ["linear", "mlp"])
def test_a_decoder_that_is_right_finds_the_information(model: str) -> None:
    estimate = LabelDecoder(model).estimate(*two_bumps(4000), unit="nats")  # type: ignore[arg-type]
    assert estimate.value == pytest.approx(truth_of_two_bumps(), abs=0.03)
    assert estimate.kind == "lower_bound"
    assert estimate.diagnostics["entropy_y"] - estimate.diagnostics["cross_entropy"] == pytest.approx(estimate.value)


def test_only_the_perceptron_reads_what_is_not_linear() -> None:
    rng = np.random.default_rng(0)
    bits = rng.integers(2, size=(1500, 2))
    a = bits + 0.05 * rng.normal(size=(1500, 2))
    y = bits[:, 0] ^ bits[:, 1]
    assert LabelDecoder("linear").estimate(a, y).value == pytest.approx(0.0, abs=0.02)
    estimate = LabelDecoder("mlp", budget=TrainingBudget(learning_rate=0.01), folds=1).estimate(a, y)
    assert estimate.value == pytest.approx(1.0, abs=0.05)
    assert estimate.cap is not None
    assert estimate.value <= estimate.cap


def test_it_stays_below_the_truth_of_the_mixed_task() -> None:
    x, y = TASKS["mixed"].sample(2000)
    for model in ("linear", "mlp"):
        assert LabelDecoder(model).estimate(y, x, unit="nats").value < TASKS["mixed"].mi + 0.03


def test_noise_is_not_read() -> None:
    rng = np.random.default_rng(0)
    estimate = LabelDecoder().estimate(rng.normal(size=(300, 50)), rng.integers(3, size=300), unit="nats")
    assert -0.1 < estimate.value < 0.02


@pytest.mark.parametrize("model", ["linear", "mlp"])
def test_fit_then_estimate_on_other_rows(model: str) -> None:
    a, y = two_bumps(1000)
    names = np.array(["left", "right"])
    fitted = LabelDecoder(model).fit(a, names[y])  # type: ignore[arg-type]
    a2, y2 = two_bumps(3000, seed=1)
    estimate = fitted.estimate(a2, names[y2], unit="nats")
    assert estimate.value == pytest.approx(truth_of_two_bumps(), abs=0.06)
    assert estimate.n_samples == 3000
    with pytest.raises(InputError, match=r"^b holds the label 'up', which fit never saw; fit on every class$"):
        fitted.estimate(a2[:4], ["left", "right", "up", "left"])
    with pytest.raises(InputError, match=r"^a has 2 columns, but the decoder was fitted to 1$"):
        fitted.estimate(np.stack([a2, a2], 1), names[y2])


def test_the_seed_decides_and_labels_may_be_anything() -> None:
    a, y = two_bumps(300)
    decoder = LabelDecoder("mlp", budget=TrainingBudget(max_steps=60), folds=1)
    value = decoder.estimate(a, y, rng=1).value
    assert decoder.estimate(a, [("t", int(i)) for i in y], rng=1).value == value
    assert decoder.estimate(a, y, rng=2).value != value


def test_overfitting_is_pointed_out() -> None:
    rng = np.random.default_rng(0)
    decoder = LabelDecoder("mlp", budget=TrainingBudget(weight_decay=0.0))
    y = rng.integers(2, size=100)
    a = np.hstack([rng.normal(size=(100, 200)), y[:, None] + 2 * rng.normal(size=(100, 1))])
    estimate = decoder.estimate(a, y)
    assert estimate.value < 0.3
    assert estimate.diagnostics["train_value"] > estimate.value


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda a, y: LabelDecoder("tree"), r"^model must be 'linear' or 'mlp', not 'tree'$"),  # type: ignore[arg-type]
        (lambda a, y: LabelDecoder(hidden=64), r"^hidden must be a tuple of layer sizes such as \(64,\), not 64$"),  # type: ignore[arg-type]
        (
            lambda a, y: LabelDecoder().fit(a, 0 * y),
            r"^b is constant: its information about anything is 0; pass what v",
        ),
        (
            lambda a, y: LabelDecoder().estimate(a, np.r_[2, y[1:]]),
            r"^b has a class with 1 samples; a split needs at least 5 of each: merge or drop small classes, or give",
        ),
        (
            lambda a, y: LabelDecoder().estimate(a[:-1], y),
            r"^a and b must have one row a sample, in the same order; they",
        ),
    ],
)
def test_bad_input_is_refused(call: Callable[..., Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        call(*two_bumps(100))
