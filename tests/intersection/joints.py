"""Joints for the tests of intersection information: the table of published values, and random ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from pidkit import gate


def outcomes(*tsy: str, probabilities: list[float] | None = None) -> np.ndarray:
    """Return p[y, x1, x2] of outcomes written "T S Y", uniform unless probabilities are given."""
    symbols = [tuple(map(int, word)) for word in tsy]
    shape = np.max(symbols, axis=0) + 1
    p = np.zeros((shape[2], shape[0], shape[1]))
    for (t, s, y), mass in zip(symbols, probabilities or [1.0 / len(tsy)] * len(tsy), strict=True):
        p[y, t, s] += mass
    return p


def dirichlet(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Return a joint drawn uniformly from all joints of a shape."""
    return np.random.default_rng(seed).dirichlet(np.ones(np.prod(shape))).reshape(shape)


@dataclass(frozen=True)
class Known:
    """A joint with its values in bits: I_wedge, I_alpha, I_prec, I_MMI."""

    p: np.ndarray
    wedge: float
    alpha: float
    prec: float
    mmi: float


_CORRELATED = [0.35, 0.15, 0.15, 0.35]

TABLE = {
    "XOR": Known(gate("XOR").joint, 0, 0, 0, 0),
    "AND": Known(gate("AND").joint, 0, 0.12255625, 0.31127812, 0.31127812),
    "OR": Known(gate("OR").joint, 0, 0.12255625, 0.31127812, 0.31127812),
    "RDN": Known(gate("RDN").joint, 1, 1, 1, 1),
    "UNQ": Known(gate("UNQ").joint, 0, 0, 0, 1),
    "RDNXOR": Known(gate("RDNXOR").joint, 1, 1, 1, 1),
    "RDNUNQXOR": Known(gate("RDNUNQXOR").joint, 1, 1, 1, 2),
    "correlated UNQ1": Known(
        outcomes("000", "010", "101", "111", probabilities=_CORRELATED), 0, 0.11870910, 0.11870910, 0.11870910
    ),
    "correlated COPY": Known(outcomes("000", "011", "102", "113", probabilities=_CORRELATED), 0, 0, 0, 1),
    "ReducedOR": Known(outcomes("000", "011", "101", probabilities=[0.5, 0.25, 0.25]), 0, 0, 0.31127812, 0.31127812),
    "ImperfectRDN": Known(
        outcomes("000", "010", "111", probabilities=[0.499, 0.001, 0.5]), 0, 0.98959008, 0.98959008, 0.98959008
    ),
    "PntUnq": Known(outcomes("010", "100", "021", "201"), 0, 0, 0.5, 0.5),
    "SUM": Known(outcomes("000", "011", "101", "112"), 0, 0, 0.5, 0.5),
}
"""The table of intersection information values (Griffith & Ho 2015; Kolchinsky 2022; prototypes to 1e-8)."""

RANDOM_2X2X2 = ((0, 0.0019637858, 0.0030748846), (1, 0.1213287131, 0.1349246012), (2, 0.0035793949, 0.0043355124))
"""Seed, I_alpha and I_prec of random 2x2x2 joints."""


@st.composite
def joints(draw: st.DrawFn, largest: int = 3) -> np.ndarray:
    """Draw dense, sparse and counted joints with masses above 1e-4."""
    shape = draw(st.tuples(*[st.integers(1, largest)] * 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind = draw(st.sampled_from(["dense", "sparse", "counts", "peaked"]))
    p = rng.dirichlet(np.full(np.prod(shape), 0.3 if kind == "peaked" else 1.0)).reshape(shape)
    if kind == "sparse":
        p = p * (rng.random(shape) < 0.5)
    elif kind == "counts":
        p = rng.multinomial(40, p.ravel()).reshape(shape).astype(float)
    p = np.where(p > 1e-4, p, 0.0)
    p[0, 0, 0] += not p.any()
    return p / p.sum()
