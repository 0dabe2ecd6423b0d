"""A small perceptron in numpy for decoders: three link functions, Adam, and early stopping on held-out rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import expit, log_softmax, softmax

from pidkit.arguments import check_count, keep_checked, real_number
from pidkit.errors import InputError, SolverError
from pidkit.types import FloatArray

UNIFORM_SHARE = 1e-6
"""Share of the uniform distribution that is mixed into every prediction, so that a confident mistake costs at most 14
nats plus the logarithm of the number of classes, and not infinitely many."""

DECODER_OVERFIT = 0.25
"""How much more than held-out rows the training rows may give before a result warns of overfitting: this many nats, and
this share of the held-out value."""

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
class Budget:
    """How long to train a decoder; the same for every layer and epoch that are compared.

    Attributes
    ----------
    learning_rate, weight_decay : float
        Of Adam; the decay is decoupled.
    batch_size : int
    max_steps : int
    check_every : int
        Steps between looks at the held-out loss.
    patience : int
        Looks without a new best after which to stop.

    Raises
    ------
    InputError
        If a number is out of its range.
    """

    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    batch_size: int = 128
    max_steps: int = 3000
    check_every: int = 20
    patience: int = 15

    def __post_init__(self) -> None:
        """Check the numbers."""
        keep_checked(
            self,
            learning_rate=real_number("learning_rate", self.learning_rate, above=0.0),
            weight_decay=real_number("weight_decay", self.weight_decay, least=0.0),
            batch_size=check_count("batch_size", self.batch_size),
            max_steps=check_count("max_steps", self.max_steps),
            check_every=check_count("check_every", self.check_every),
            patience=check_count("patience", self.patience),
        )


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
    budget: Budget,
) -> Perceptron:
    """Fit targets (n, n_out) to inputs (n, d) on `train`, and keep the weights with the lowest loss on `stop`.

    Sources: Kingma & Ba, Adam, ICLR 2015; Loshchilov & Hutter, 2019 (decoupled decay); He et al., 2015 (first weights).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(300, 2))
    >>> pair = (x[:200], x[:200] @ [[1.0], [2.0]]), (x[200:], x[200:] @ [[1.0], [2.0]])
    >>> net = train_perceptron(*pair, link="identity", hidden=(), rng=rng, budget=Budget(learning_rate=0.02))
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
    first, second = [np.zeros_like(w) for w in weights], [np.zeros_like(w) for w in weights]
    net = Perceptron(tuple(weights), link)
    best, best_loss, best_step = net, net.loss(*stop), 0
    n_batches = max(1, round(len(x) / budget.batch_size))
    batches: list[np.ndarray[tuple[int], np.dtype[np.int64]]] = []
    for step in range(1, budget.max_steps + 1):
        batches = batches or np.array_split(rng.permutation(len(x)), n_batches)
        rows = batches.pop()
        for i, slope in enumerate(net.gradient(x[rows], target[rows])):
            first[i] = 0.9 * first[i] + 0.1 * slope
            second[i] = 0.999 * second[i] + 0.001 * slope**2
            move = (first[i] / (1.0 - 0.9**step)) / (np.sqrt(second[i] / (1.0 - 0.999**step)) + 1e-8)
            decay = np.where(np.arange(len(slope)) < len(slope) - 1, budget.weight_decay, 0.0)[:, None]
            weights[i] = weights[i] - budget.learning_rate * (move + decay * weights[i])
        net = Perceptron(tuple(weights), link)
        if step % budget.check_every == 0:
            loss = net.loss(*stop)
            if not np.isfinite(loss):
                raise SolverError(f"the decoder diverged at step {step}; lower learning_rate or rescale the data")
            if loss < best_loss:
                best, best_loss, best_step = net, loss, step
            elif step - best_step >= budget.patience * budget.check_every:
                break
    return best


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
