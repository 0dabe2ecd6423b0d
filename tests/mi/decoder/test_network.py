"""The numpy perceptron: gradients against finite differences, closed forms of its fits."""

from itertools import pairwise

import numpy as np
import pytest

from pidkit import InputError, SolverError
from pidkit.mi.decoder.network import DECODER_BUDGET, Perceptron, check_hidden, overfitted, train_perceptron
from pidkit.nn import TrainingBudget


def a_problem(link: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    x, target = rng.normal(size=(7, 3)), rng.normal(size=(7, 2))
    if link == "sigmoid":
        target = rng.uniform(size=(7, 2))
    if link == "softmax":
        target = np.eye(2)[rng.integers(2, size=7)]
    return x, target


@pytest.mark.parametrize("link", ["identity", "sigmoid", "softmax"])
@pytest.mark.parametrize("hidden", [(), (4,), (4, 3)])
def test_gradient_is_the_slope_of_the_loss(link: str, hidden: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    x, target = a_problem(link, rng)
    sizes = (3, *hidden, 2)
    weights = [rng.normal(size=(i + 1, o)) for i, o in pairwise(sizes)]
    gradient = Perceptron(tuple(weights), link).gradient(x, target)
    for layer, slope in enumerate(gradient):
        for cell in np.ndindex(slope.shape):
            ends = []
            for step in (1e-6, -1e-6):
                moved = [w.copy() for w in weights]
                moved[layer][cell] += step
                ends.append(Perceptron(tuple(moved), link).loss(x, target))
            assert slope[cell] == pytest.approx((ends[0] - ends[1]) / 2e-6, abs=1e-6)


def test_a_linear_fit_is_least_squares() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 3))
    y = x @ rng.normal(size=(3, 2)) + 0.5 + 0.1 * rng.normal(size=(600, 2))
    budget = TrainingBudget(learning_rate=0.01, weight_decay=0.0)
    net = train_perceptron((x, y), (x, y), link="identity", hidden=(), rng=rng, budget=budget)
    exact = np.linalg.lstsq(np.hstack([x, np.ones((600, 1))]), y, rcond=None)[0]
    assert np.abs(net.weights[0] - exact).max() < 0.02


def test_the_state_kept_is_the_best_on_the_held_out_rows() -> None:
    rng = np.random.default_rng(0)
    train, stop = (
        (rng.normal(size=(30, 20)), rng.normal(size=(30, 1))),
        (rng.normal(size=(500, 20)), np.zeros((500, 1))),
    )
    net = train_perceptron(train, stop, link="identity", hidden=(50,), rng=rng, budget=DECODER_BUDGET)
    start = 0.5 * train[1].mean() ** 2
    assert net.loss(*stop) <= start + 1e-12


def test_the_same_generator_gives_the_same_net() -> None:
    x, y = a_problem("softmax", np.random.default_rng(0))
    nets = [
        train_perceptron(
            (x, y), (x, y), link="softmax", hidden=(3,), rng=np.random.default_rng(1), budget=DECODER_BUDGET
        )
        for _ in range(2)
    ]
    assert all((u == v).all() for u, v in zip(nets[0].weights, nets[1].weights, strict=True))


def test_divergence_is_an_error() -> None:
    x, y = a_problem("identity", np.random.default_rng(0))
    with (
        np.errstate(all="ignore"),
        pytest.raises(SolverError, match=r"^the decoder diverged at step 10; lower learning_rate or rescale the data$"),
    ):
        train_perceptron(
            (x, y), (x, y), link="identity", hidden=(4, 4), rng=np.random.default_rng(0), budget=TrainingBudget(1e200)
        )


def test_hidden_layers_are_checked() -> None:
    check_hidden((3, 4))
    with pytest.raises(InputError, match=r"^hidden must be a tuple of layer sizes such as \(64,\), not 64$"):
        check_hidden(64)
    with pytest.raises(InputError, match=r"^every size in hidden must be a whole number >= 1, not 0$"):
        check_hidden((3, 0))


def test_overfitting_is_measured_in_nats_and_as_a_share() -> None:
    assert overfitted(1.0, 0.9) == ()
    assert overfitted(12.0, 10.0) == ()
    assert overfitted(1.0, 0.5)[0].startswith("overfitted: the training rows give 1.00 nats, the held-out ones 0.50;")
