"""The joints that BROJA solvers are timed on: gates, dense random ones, sparse empirical ones, and large marginals."""

import numpy as np

from pidkit import gate


def dense(n_y, n_1, n_2, seed=0):
    """A joint drawn uniformly from the simplex."""
    return np.random.default_rng(seed).dirichlet(np.ones(n_y * n_1 * n_2)).reshape(n_y, n_1, n_2)


def empirical(n_y, n_1, n_2, n_samples=2000, seed=0):
    """Counts of samples in which both sources follow the target with noise, as codes of two networks do."""
    rng = np.random.default_rng(seed)
    y = rng.integers(n_y, size=n_samples)
    sources = []
    for n, noise in ((n_1, 0.3), (n_2, 0.4)):
        width = max(1, n // n_y)
        own = y * n // n_y + rng.integers(width, size=n_samples)
        sources.append(np.where(rng.random(n_samples) < noise, rng.integers(n, size=n_samples), own % n))
    p = np.zeros((n_y, n_1, n_2))
    np.add.at(p, (y, *sources), 1.0 / n_samples)
    return p


def marginals(n_y, n_1, n_2, seed=0):
    """Two random pair marginals with a common P(y); the dense joint, too large to hold, is never made."""
    rng = np.random.default_rng(seed)
    p_y = rng.dirichlet(np.ones(n_y))
    return tuple(rng.dirichlet(np.ones(n), size=n_y) * p_y[:, None] for n in (n_1, n_2))


JOINTS = {
    "gates (AND)": lambda: gate("AND").joint,
    "dense 2x2x2": lambda: dense(2, 2, 2),
    "dense 3x3x3": lambda: dense(3, 3, 3),
    "dense 5x5x5": lambda: dense(5, 5, 5),
    "dense 10x10x10": lambda: dense(10, 10, 10),
    "samples 10x10x10": lambda: empirical(10, 10, 10),
    "dense 10x20x20": lambda: dense(10, 20, 20),
    "samples 10x50x50": lambda: empirical(10, 50, 50),
    "dense 10x50x50": lambda: dense(10, 50, 50),
    "dense 100x30x30": lambda: dense(100, 30, 30),
}
"""By name, each made anew: n_y x n_x1 x n_x2, "samples" counted from 2000 of them."""
