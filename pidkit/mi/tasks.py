"""Tasks with known answers: samplers whose mutual information is known, for tests, documentation and benchmarks."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from pidkit.arguments import Rng, check_count, generator, real_number, whole_number
from pidkit.errors import InputError
from pidkit.types import FloatArray, IntArray

SampleArray = FloatArray | IntArray
"""One side of the samples: real columns, or integer labels."""

Sampler = Callable[[int, np.random.Generator], tuple[SampleArray, SampleArray]]

Map = Callable[[FloatArray], FloatArray]
"""From rows (n, d) to rows (n, d')."""


@dataclass(frozen=True)
class Task:
    """A distribution of pairs whose mutual information is known.

    Attributes
    ----------
    name : str
    mi : float
        I(A; B) in nats.
    d_a, d_b : int
        Columns of each side.
    kind : str
        "gaussian", "continuous", "mixed" (one side holds labels) or "discrete".
    sampler : callable
        From a number of samples and a Generator to a and b.
    """

    name: str
    mi: float
    d_a: int
    d_b: int
    kind: str
    sampler: Sampler

    def sample(self, n: int, *, rng: Rng = 0) -> tuple[SampleArray, SampleArray]:
        """Draw n pairs: a (n, d_a) and b (n, d_b); labels are (n,) integers.

        Examples
        --------
        >>> a, b = TASKS["swiss roll"].sample(100, rng=1)
        >>> a.shape, b.shape
        ((100, 2), (100, 1))
        """
        return self.sampler(check_count("n", n), generator(rng))


def gaussian_task(name: str, covariance: npt.ArrayLike, d_a: int) -> Task:
    """Return the task of a Gaussian whose first d_a columns are a: I = ½ log(det S_aa det S_bb / det S).

    Raises
    ------
    InputError
        If `covariance` is not symmetric and positive definite, or d_a leaves a side without columns.

    Examples
    --------
    >>> round(gaussian_task("coins", [[1.0, 0.75], [0.75, 1.0]], 1).mi, 5)
    0.41334
    """
    s: FloatArray = np.asarray(covariance, dtype=np.float64)
    if s.ndim != 2 or s.shape[0] != s.shape[1] or len(s) < 2:
        raise InputError(f"covariance must be square with at least 2 rows; it has shape {s.shape}")
    d_a = whole_number("d_a", d_a, least=1, most=len(s) - 1, limit="the rows of covariance less one")
    if not np.allclose(s, s.T) or np.linalg.eigvalsh(s)[0] <= 0.0:
        raise InputError("covariance must be symmetric and positive definite")
    root = np.linalg.cholesky(s)

    def sampler(n: int, rng: np.random.Generator) -> tuple[SampleArray, SampleArray]:
        z = rng.standard_normal((n, len(s))) @ root.T
        return z[:, :d_a], z[:, d_a:]

    half = [0.5 * float(np.linalg.slogdet(block)[1]) for block in (s[:d_a, :d_a], s[d_a:, d_a:], s)]
    return Task(name, half[0] + half[1] - half[2], d_a, len(s) - d_a, "gaussian", sampler)


def paired_covariance(d: int, correlations: list[float]) -> FloatArray:
    """Return the covariance of d + d standard normals, the first columns of each side correlated in pairs."""
    s = np.eye(2 * d)
    for i, rho in enumerate(correlations):
        s[i, d + i] = s[d + i, i] = rho
    return s


def additive_noise_task(name: str, noise: float) -> Task:
    """Return the task X ~ U(0, 1), Y = X + U(-e, e): I = e - log(2 e) for e <= 1/2, else 1 / (4 e).

    Raises
    ------
    InputError
        If `noise` is not a positive number.

    Examples
    --------
    >>> round(additive_noise_task("wide", 0.75).mi, 6)
    0.333333
    """
    noise = real_number("noise", noise, above=0.0)

    def sampler(n: int, rng: np.random.Generator) -> tuple[SampleArray, SampleArray]:
        x = rng.uniform(size=(n, 1))
        return x, x + rng.uniform(-noise, noise, size=(n, 1))

    mi = noise - math.log(2.0 * noise) if noise <= 0.5 else 0.25 / noise
    return Task(name, mi, 1, 1, "continuous", sampler)


def mapped_task(name: str, base: Task, map_a: Map, map_b: Map, *, d_a: int | None = None) -> Task:
    """Return the task of the images of `base` under an injective map of each side, which keep its information.

    Parameters
    ----------
    name : str
    base : Task
    map_a, map_b : callable
        From rows (n, d) to rows (n, d').
    d_a : int, optional
        Columns of the image of a, where `map_a` changes their number.

    Examples
    --------
    >>> mapped_task("cubes", TASKS["normal 1x1"], np.cbrt, np.arcsinh).mi == TASKS["normal 1x1"].mi
    True
    """

    def sampler(n: int, rng: np.random.Generator) -> tuple[SampleArray, SampleArray]:
        a, b = base.sampler(n, rng)
        return map_a(a.astype(np.float64)), map_b(b.astype(np.float64))

    return Task(name, base.mi, base.d_a if d_a is None else d_a, base.d_b, "continuous", sampler)


def normal_cdf(x: FloatArray) -> FloatArray:
    """Return Phi(x), which makes standard normal columns uniform."""
    return np.asarray(ndtr(x))


def half_cube(x: FloatArray) -> FloatArray:
    """Return x |x|^(1/2), which makes the tails heavier."""
    return np.asarray(x * np.sqrt(np.abs(x)))


def swiss_roll(u: FloatArray) -> FloatArray:
    """Roll a column of numbers from 0 to 1 up in the plane: t (cos t, sin t) / 21 with t = 1.5 pi (1 + 2 u)."""
    t = 1.5 * np.pi * (1.0 + 2.0 * u[:, :1])
    return np.hstack([t * np.cos(t), t * np.sin(t)]) / 21.0


def _mixed(n: int, rng: np.random.Generator) -> tuple[SampleArray, SampleArray]:
    """X uniform on 0..4, Y ~ U(X, X + 2): I = log 5 - .8 log 2."""
    x = rng.integers(5, size=n)
    return x, (x + rng.uniform(0.0, 2.0, size=n))[:, None]


def _channel(n: int, rng: np.random.Generator) -> tuple[SampleArray, SampleArray]:
    """A symbol of eight, replaced by a uniform one with probability 0.2: a symmetric channel."""
    x = rng.integers(SYMBOLS, size=n)
    return x, np.where(rng.uniform(size=n) < REPLACED, rng.integers(SYMBOLS, size=n), x)


SYMBOLS, REPLACED = 8, 0.2
"""The alphabet of the task "channel", and the probability that a symbol is replaced by a uniform one."""

_WRONG = REPLACED / SYMBOLS
_RIGHT = 1.0 - REPLACED + _WRONG
_CHANNEL_MI = math.log(SYMBOLS) + _RIGHT * math.log(_RIGHT) + (SYMBOLS - 1) * _WRONG * math.log(_WRONG)

_NORMAL = gaussian_task("normal 1x1", paired_covariance(1, [0.75]), 1)
_PAIR = gaussian_task("pair 5x5", paired_covariance(5, [0.8, 0.8]), 5)

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        _NORMAL,
        additive_noise_task("additive noise", 0.1),
        mapped_task("swiss roll", _NORMAL, lambda x: swiss_roll(normal_cdf(x)), normal_cdf, d_a=2),
        gaussian_task("dense 5x5", 0.5 * np.eye(10) + 0.5, 5),
        _PAIR,
        mapped_task("half-cube 5x5", _PAIR, half_cube, half_cube),
        gaussian_task("strong 5x5", paired_covariance(5, [0.9] * 5), 5),
        gaussian_task("very strong 5x5", paired_covariance(5, [0.956] * 5), 5),
        gaussian_task("dense 25x25", 0.5 * np.eye(50) + 0.5, 25),
        gaussian_task("pair 25x25", paired_covariance(25, [0.8, 0.8]), 25),
        gaussian_task("many pairs 25x25", paired_covariance(25, [0.3] * 25), 25),
        Task("mixed", math.log(5.0) - 0.8 * math.log(2.0), 1, 1, "mixed", _mixed),
        Task("channel", _CHANNEL_MI, 1, 1, "discrete", _channel),
    )
}
"""By name. Sources: Czyz et al., Beyond normal, NeurIPS 2023; Gao et al., NeurIPS 2017; Kraskov et al., 2004."""
