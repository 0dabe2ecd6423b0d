"""A small perceptron in numpy for decoders: three link functions, Adam, and early stopping on held-out rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import expit, log_softmax, softmax

from pidkit.arguments import check_count
from pidkit.errors import InputError, SolverError
from pidkit.nn.budget import TrainingBudget
from pidkit.nn.early_stopping import n_batches, train_with_early_stopping
from pidkit.types import FloatArray, IntArray

UNIFORM_SHARE = 1e-6
"""Share of the uniform distribution that is mixed into every prediction, so that a confident mistake costs at most 14
nats plus the logarithm of the number of classes, and not infinitely many."""

DECODER_OVERFIT = 0.25
"""How much more than held-out rows the training rows may give before a result warns of overfitting: this many nats, and
this share of the held-out value."""

DECODER_BUDGET = TrainingBudget(
    learning_rate=2e-3, weight_decay=1e-4, batch_size=128, max_steps=3000, check_every=20, patience=15
)
"""How long a decoder trains unless it is told."""

LINKS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "identity": lambda output: output,
    "sigmoid": expit,
    "softmax": lambda output: softmax(output, axis=1),
}
"""The maps from outputs to means. Each is the canonical link of its loss, so that the gradient at the output is always
mean - target."""


def with_uniform(q: FloatArray) -> FloatArray:
    """Return probabilities (n, C) with UNIFORM_SHARE of the uniform distribution mixed in: none of them is zero."""
    return np.asarray((1.0 - UNIFORM_SHARE) * q + UNIFORM_SHARE / q.shape[1])


@dataclass(frozen=True)
class Perceptron:
    """Weights and biases, layer by layer; ReLU between them and a link at the end.

    Attributes
    ----------
    weights : tuple of ndarray
        Matrices (n_in + 1, n_out), the last row being the bias.
    link : str
        "identity", "sigmoid" or "softmax".
    """

    weights: tuple[FloatArray, ...]
    link: str

    def outputs(self, x: FloatArray) -> list[FloatArray]:
        """Return the input and what every layer gives, the last before the link."""
        values = [x]
        for i, w in enumerate(self.weights):
            value = values[-1] @ w[:-1] + w[-1]
            values.append(np.maximum(value, 0.0) if i + 1 < len(self.weights) else value)
        return values

    def mean(self, x: FloatArray) -> FloatArray:
        """Return the predicted means of the targets, (n, n_out)."""
        return LINKS[self.link](self.outputs(x)[-1])

    def loss(self, x: FloatArray, target: FloatArray) -> float:
        """Return the loss a row: half squared error, binary or categorical cross-entropy, summed over the outputs."""
        output = self.outputs(x)[-1]
        if self.link == "identity":
            rows = 0.5 * (output - target) ** 2
        elif self.link == "sigmoid":
            rows = np.logaddexp(0.0, output) - target * output
        else:
            rows = -target * log_softmax(output, axis=1)
        return float(rows.sum(axis=1).mean())

    def gradient(self, x: FloatArray, target: FloatArray) -> list[FloatArray]:
        """Return the gradient of `loss` for every matrix, by backpropagation."""
        values = self.outputs(x)
        back = (LINKS[self.link](values[-1]) - target) / len(x)
        gradients = []
        for i in reversed(range(len(self.weights))):
            gradients.append(np.vstack([values[i].T @ back, back.sum(axis=0)]))
            if i:
                back = (back @ self.weights[i][:-1].T) * (values[i] > 0.0)
        return gradients[::-1]


def train_perceptron(
    train: tuple[FloatArray, FloatArray],
    stop: tuple[FloatArray, FloatArray],
    *,
    link: str,
    hidden: tuple[int, ...],
    rng: np.random.Generator,
    budget: TrainingBudget,
) -> Perceptron:
    """Fit targets (n, n_out) to inputs (n, d) on `train`, and keep the weights with the lowest loss on `stop`.

    Sources: Kingma & Ba, Adam, ICLR 2015; Loshchilov & Hutter, 2019 (decoupled decay); He et al., 2015 (first weights).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(300, 2))
    >>> pair = (x[:200], x[:200] @ [[1.0], [2.0]]), (x[200:], x[200:] @ [[1.0], [2.0]])
    >>> net = train_perceptron(*pair, link="identity", hidden=(), rng=rng, budget=TrainingBudget(learning_rate=0.02))
    >>> net.loss(*pair[1]) < 1e-3
    True
    """
    x, target = train
    sizes = (x.shape[1], *hidden, target.shape[1])
    weights = [
        np.vstack([rng.standard_normal((i, o)) * np.sqrt(2.0 / i), np.zeros((1, o))]) for i, o in pairwise(sizes)
    ]
    # The last layer starts at zero with the bias of the mean: the first prediction is the null decoder's.
    weights[-1] = np.vstack([np.zeros((sizes[-2], sizes[-1])), _inverse_link(link, target.mean(axis=0))[None]])
    learner = _Adam(Perceptron(tuple(weights), link), train, stop, budget)
    report = train_with_early_stopping(learner, _batches(len(x), budget, rng), budget, start=learner.score())
    if report.stopped == "diverged":
        raise SolverError(f"the decoder diverged at step {report.steps}; lower learning_rate or rescale the data")
    return learner.best


class _Adam:
    """A perceptron as the loop trains it, by Adam with decoupled decay of all weights but the biases."""

    def __init__(
        self,
        net: Perceptron,
        train: tuple[FloatArray, FloatArray],
        stop: tuple[FloatArray, FloatArray],
        budget: TrainingBudget,
    ) -> None:
        """Keep the first weights: no step may be better than they are."""
        self.net, self.best, self.train, self.stop, self.budget = net, net, train, stop, budget
        self.n_steps = 0
        self.first, self.second = ([np.zeros_like(w) for w in net.weights] for _ in range(2))

    def step(self, rows: IntArray) -> bool:
        """Move the weights; whether they are finite shows in the next score."""
        self.n_steps += 1
        weights = list(self.net.weights)
        for i, slope in enumerate(self.net.gradient(self.train[0][rows], self.train[1][rows])):
            first = self.first[i] = 0.9 * self.first[i] + 0.1 * slope
            second = self.second[i] = 0.999 * self.second[i] + 0.001 * slope**2
            move = (first / (1.0 - 0.9**self.n_steps)) / (np.sqrt(second / (1.0 - 0.999**self.n_steps)) + 1e-8)
            decay = np.where(np.arange(len(slope)) < len(slope) - 1, self.budget.weight_decay, 0.0)[:, None]
            weights[i] = weights[i] - self.budget.learning_rate * (move + decay * weights[i])
        self.net = Perceptron(tuple(weights), self.net.link)
        return True

    def score(self) -> float:
        """Return minus the loss on the rows of `stop`, or nan, with which training has diverged."""
        loss = self.net.loss(*self.stop)
        return -loss if np.isfinite(loss) else math.nan

    def keep(self) -> None:
        """Remember the weights."""
        self.best = self.net


def _batches(n_rows: int, budget: TrainingBudget, rng: np.random.Generator) -> Iterator[IntArray]:
    """Yield shuffled batches of indices for ever, pass after pass."""
    while True:
        yield from reversed(np.array_split(rng.permutation(n_rows), n_batches(n_rows, budget)))


def _inverse_link(link: str, mean: FloatArray) -> FloatArray:
    """Return the outputs whose link is `mean`, kept off 0 and 1."""
    if link == "identity":
        return mean
    inside = np.clip(mean, 1e-3, 1.0 - 1e-3)
    return np.log(inside) - (np.log1p(-inside) if link == "sigmoid" else 0.0)


def check_hidden(hidden: object) -> tuple[int, ...]:
    """Return `hidden` if it is a tuple of layer sizes, else raise InputError."""
    if not isinstance(hidden, tuple):
        raise InputError(f"hidden must be a tuple of layer sizes such as (64,), not {hidden!r}")
    return tuple(check_count("every size in hidden", size) for size in hidden)


def overfitted(train_value: float, value: float) -> tuple[str, ...]:
    """Return the warning that the training rows give much more than the held-out ones, if they do; both in nats."""
    if train_value - value <= max(DECODER_OVERFIT, DECODER_OVERFIT * abs(value)):
        return ()
    return (
        f"overfitted: the training rows give {train_value:.2f} nats, the held-out ones {value:.2f}; the value is low: "
        "give more samples or a smaller decoder",
    )
