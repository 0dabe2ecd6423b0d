"""The 40 tasks of the public benchmark "Beyond Normal", sampled by formulas that know their mutual information."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from scipy.special import digamma, gammaln, ndtr

from pidkit.arguments import check_count
from pidkit.mi.tasks import (
    Map,
    SampleArray,
    Task,
    additive_noise_task,
    gaussian_task,
    half_cube,
    mapped_task,
    normal_cdf,
    paired_covariance,
    swiss_roll,
)
from pidkit.types import FloatArray

CORRELATION = 0.75
"""Correlation of the bivariate normal that every task of one column a side is made from."""

PAIR_CORRELATION = 0.8
"""Correlation of each of the two pairs of columns in the "2-pair" tasks."""


def student_information(dof: float, d_a: int, d_b: int) -> float:
    """Return h(d_a) + h(d_b) - h(d_a + d_b) in nats, of a multivariate Student t of uncorrelated columns.

    Its differential entropy is h(d) = (dof + d)/2 [psi((dof + d)/2) - psi(dof/2)] - log Gamma((dof + d)/2)
    + log Gamma(dof/2) + d/2 log(dof pi).

    References
    ----------
    Arellano-Valle, Contreras-Reyes & Genton, Scandinavian Journal of Statistics 40, 2013, eq. 7.

    Examples
    --------
    >>> round(student_information(1, 1, 1), 6)
    0.224171
    """

    def entropy(d: int) -> float:
        half = 0.5 * (dof + d)
        return float(
            half * (digamma(half) - digamma(0.5 * dof))
            - gammaln(half)
            + gammaln(0.5 * dof)
            + 0.5 * d * math.log(dof * math.pi)
        )

    return entropy(d_a) + entropy(d_b) - entropy(d_a + d_b)


def student_task(name: str, dof: int, d_a: int, d_b: int) -> Task:
    """Return the task of a multivariate Student t with the identity as its dispersion.

    The columns are uncorrelated but share one random scale; I(A; B) is `student_information`.

    Raises
    ------
    InputError
        If `dof`, `d_a` or `d_b` is not an integer of at least 1.

    Examples
    --------
    >>> round(student_task("Cauchy", 1, 1, 1).mi, 6)
    0.224171
    """
    dof, d_a, d_b = check_count("dof", dof), check_count("d_a", d_a), check_count("d_b", d_b)

    def sampler(n: int, rng: np.random.Generator) -> tuple[SampleArray, SampleArray]:
        z = rng.standard_normal((n, d_a + d_b)) / np.sqrt(rng.chisquare(dof, size=(n, 1)) / dof)
        return z[:, :d_a], z[:, d_a:]

    return Task(name, student_information(dof, d_a, d_b), d_a, d_b, "continuous", sampler)


def spiral(i: int, j: int) -> Map:
    """Return the map that turns columns i and j of every row x of d columns by the angle |x|^2 / d."""

    def turn(x: FloatArray) -> FloatArray:
        angle = (x**2).sum(axis=1) / x.shape[1]
        turned = x.copy()
        turned[:, i] = np.cos(angle) * x[:, i] - np.sin(angle) * x[:, j]
        turned[:, j] = np.sin(angle) * x[:, i] + np.cos(angle) * x[:, j]
        return turned

    return turn


def _wiggly_a(x: FloatArray) -> FloatArray:
    return np.asarray(x + 0.4 * np.sin(x) + 0.2 * np.sin(1.7 * x + 1.0) + 0.03 * np.sin(3.3 * x - 2.5))


def _wiggly_b(x: FloatArray) -> FloatArray:
    return np.asarray(x - 0.4 * np.sin(0.4 * x) + 0.17 * np.sin(1.3 * x + 3.5) + 0.02 * np.sin(4.3 * x - 2.5))


def _mixture_quantile(share: float, low: float, high: float) -> Map:
    """Return the map from a standard normal to the mixture of N(low, 1), with probability `share`, and N(high, 1)."""
    grid = np.linspace(low - 9.0, high + 9.0, 200_001)
    heights = share * ndtr(grid - low) + (1.0 - share) * ndtr(grid - high)
    rising = np.r_[True, np.diff(heights) > 0.0]
    return lambda x: np.interp(ndtr(x), heights[rising], grid[rising])


def _one_column() -> Iterator[Task]:
    normal = gaussian_task("normal 1x1", paired_covariance(1, [CORRELATION]), 1)
    cauchy = student_task("Student t 1x1 (dof 1)", 1, 1, 1)
    yield normal
    yield mapped_task("normal CDF 1x1", normal, normal_cdf, normal_cdf)
    yield additive_noise_task("additive noise 0.1", 0.1)
    yield additive_noise_task("additive noise 0.75", 0.75)
    yield mapped_task("bimodal 1x1", normal, _mixture_quantile(0.3, 0.0, 5.0), _mixture_quantile(0.5, -1.0, 3.0))
    yield mapped_task("wiggly 1x1", normal, _wiggly_a, _wiggly_b)
    yield mapped_task("half-cube 1x1", normal, half_cube, half_cube)
    yield cauchy
    yield mapped_task("asinh Student t 1x1 (dof 1)", cauchy, np.arcsinh, np.arcsinh)
    yield mapped_task("swiss roll 2x1", normal, lambda x: swiss_roll(normal_cdf(x)), normal_cdf, d_a=2)


def _several_columns() -> Iterator[Task]:
    pairs = {
        d: gaussian_task(f"2-pair {d}x{d}", paired_covariance(d, [PAIR_CORRELATION] * 2), d) for d in (2, 3, 5, 25)
    }
    for d in (2, 3, 5, 25, 50):
        yield gaussian_task(f"dense {d}x{d}", 0.5 * np.eye(2 * d) + 0.5, d)
    yield from pairs.values()
    for d, dof in ((2, 1), (2, 2), (3, 2), (3, 3), (5, 2), (5, 3)):
        yield student_task(f"Student t {d}x{d} (dof {dof})", dof, d, d)
    uniform = {d: mapped_task(f"normal CDF {d}x{d}", pairs[d], normal_cdf, normal_cdf) for d in (3, 5, 25)}
    yield from uniform.values()
    for d in (3, 5, 25):
        yield mapped_task(f"half-cube {d}x{d}", pairs[d], half_cube, half_cube)
    for d in (3, 5, 25):
        yield mapped_task(f"spiral {d}x{d}", pairs[d], spiral(0, 1), spiral(1, 2))
    for d in (3, 5, 25):
        yield mapped_task(f"spiral normal CDF {d}x{d}", uniform[d], spiral(0, 1), spiral(1, 2))
    for d, dof in ((2, 1), (3, 2), (5, 2)):
        base = student_task("base", dof, d, d)
        yield mapped_task(f"asinh Student t {d}x{d} (dof {dof})", base, np.arcsinh, np.arcsinh)


BEYOND_NORMAL: dict[str, Task] = {task.name: task for task in (*_one_column(), *_several_columns())}
"""The 40 tasks by name, in the benchmark's order. Source: Czyz, Grabowski, Vogt, Beerenwinkel & Marx, Beyond normal:
on the evaluation of mutual information estimators, NeurIPS 2023."""
