"""Hypothesis strategies: random joints p[y, x1, x2] of every awkward kind, and problems with a known answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

KINDS = ("dense", "peaked", "sparse", "deterministic", "duplicated", "zero-mass symbol", "wide range", "counts")


@dataclass(frozen=True)
class Solved:
    """A joint with the redundancy, unique_1, unique_2 and synergy that it must have, in bits."""

    p: np.ndarray
    atoms: tuple[float, float, float, float]


def random_joint(rng: np.random.Generator, shape: tuple[int, int, int], kind: str = "dense") -> np.ndarray:
    """Return a random joint of one kind."""
    p = rng.gamma(0.1 if kind == "peaked" else 1.0, size=shape) + 1e-12
    if kind == "sparse":
        p *= rng.random(shape) < 0.4
    elif kind == "deterministic":
        y = rng.integers(shape[0], size=shape[1:])
        p *= np.where(np.arange(shape[0])[:, None, None] == y, 1.0, 1e-6)
    elif kind == "duplicated":
        p[:, -1] = 0.3 * p[:, 0]
    elif kind == "zero-mass symbol":
        p[-1 if shape[0] > 1 else 0, :, 0] = 0.0
        p[:, 0] *= shape[1] == 1
        p[0] *= shape[0] == 1
    elif kind == "wide range":
        p *= 10.0 ** (-14.0 * rng.random(shape))
    elif kind == "counts":
        p = rng.multinomial(60, np.full(p.size, 1.0 / p.size)).reshape(shape).astype(float)
    p[0, 0, 0] += not p.any()
    return p / p.sum()


@st.composite
def joints(draw: st.DrawFn, largest: int = 6) -> np.ndarray:
    """Draw joints of 1 to `largest` symbols an axis, of every kind."""
    shape = draw(st.tuples(*[st.integers(1, largest)] * 3))
    return random_joint(draw(generators()), shape, draw(st.sampled_from(KINDS)))


def generators() -> st.SearchStrategy[np.random.Generator]:
    """Draw random generators (that shrink to small seeds)."""
    return st.integers(0, 2**32 - 1).map(np.random.default_rng)


@st.composite
def solved(draw: st.DrawFn, largest: int = 5) -> Solved:
    """Draw problems with a known answer: equal sources, a lone source, independent copies, a keyed parity."""
    rng = draw(generators())
    n_y, n_1, n_2 = draw(st.tuples(*[st.integers(1, largest)] * 3))
    pair = rng.dirichlet(np.ones(n_y * n_1)).reshape(n_y, n_1)
    kind = draw(st.sampled_from(["equal sources", "lone source", "independent copy", "keyed parity"]))
    if kind == "equal sources":
        p = pair[:, :, None] * np.eye(n_1)
        return Solved(p, (information(pair), 0.0, 0.0, 0.0))
    if kind == "lone source":
        p = pair[:, :, None] * rng.dirichlet(np.ones(n_2))
        return Solved(p, (0.0, information(pair), 0.0, 0.0))
    if kind == "independent copy":
        mass = np.outer(rng.dirichlet(np.ones(n_1)), rng.dirichlet(np.ones(n_2)))
        p = np.zeros((n_1 * n_2, n_1, n_2))
        p.reshape(n_1 * n_2, -1)[np.arange(n_1 * n_2), np.arange(n_1 * n_2)] = mass.ravel()
        return Solved(p, (0.0, entropy(mass.sum(1)), entropy(mass.sum(0)), 0.0))
    # X2 is a uniform key, X1 = (Y + key) mod n_y: neither says anything alone, both together say all.
    p_y, p = pair.sum(1), np.zeros((n_y, n_y, n_y))
    y, key = np.indices((n_y, n_y))
    p[y, (y + key) % n_y, key] = p_y[:, None] / n_y
    return Solved(p, (0.0, 0.0, 0.0, entropy(p_y)))


def entropy(p: np.ndarray) -> float:
    """Return H in bits, written out."""
    return -sum(x * np.log2(x) for x in np.ravel(p) if x > 0.0)


def information(p: np.ndarray) -> float:
    """Return I between the two axes of a table in bits, from its entropies."""
    return entropy(p.sum(0)) + entropy(p.sum(1)) - entropy(p)
