"""Canonical joints with their known atoms, by which every decomposition is judged.

The atoms are BROJA's, as closed forms in the binary entropy h(x) = -x log2 x - (1 - x) log2 (1 - x), in bits.
"""

from __future__ import annotations

import difflib
import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from pidkit.errors import InputError
from pidkit.interop import joint_from_outcomes
from pidkit.types import FloatArray

Outcome = tuple[object, object, object]
"""Symbols (x1, x2, y), in the order in which the literature writes its tables."""

BITS = (0, 1)
"""The two values of a fair bit, from which the gates are built."""


@dataclass(frozen=True)
class Gate:
    """A joint with known BROJA atoms.

    Attributes
    ----------
    name : str
    description : str
    joint : ndarray, shape (n_y, n_x1, n_x2)
        p[y, x1, x2], read-only.
    redundancy, unique_1, unique_2, synergy : float
        The exact atoms, in bits.
    source : str
        Where the joint, or its decomposition, was first discussed.
    """

    name: str
    description: str
    joint: FloatArray = field(repr=False)
    redundancy: float
    unique_1: float
    unique_2: float
    synergy: float
    source: str


def _h(x: float) -> float:
    """Return the entropy of a coin, in bits."""
    return -x * math.log2(x) - (1.0 - x) * math.log2(1.0 - x)


def _uniform(outcomes: Iterable[Outcome]) -> dict[Outcome, float]:
    """Give every outcome the same mass."""
    listed = list(outcomes)
    return dict.fromkeys(listed, 1.0 / len(listed))


def _gate(
    name: str, description: str, masses: Mapping[Outcome, float], atoms: tuple[float, float, float, float], source: str
) -> Gate:
    """Build a gate from its outcomes and its atoms (redundancy, unique_1, unique_2, synergy)."""
    joint = joint_from_outcomes(masses, axes="x1 x2 y")
    joint.flags.writeable = False
    return Gate(name, description, joint, *atoms, source)


_GRIFFITH = "Griffith & Koch, Quantifying synergistic mutual information, 2014"
_BERTSCHINGER = "Bertschinger, Rauh, Olbrich, Jost & Ay, Entropy 16(4), 2014"
_HARDER = "Harder, Salge & Polani, Physical Review E 87, 2013"
_TWO_BITS = list(itertools.product(BITS, BITS))
_AND_INFORMATION = _h(0.25) - 0.5  # I(Y; X1) of AND, OR and ReducedOR

_TABLE = (
    _gate("RDN", "both sources are the target bit", _uniform((a, a, a) for a in BITS), (1, 0, 0, 0), _GRIFFITH),
    _gate(
        "UNQ", "the target is both independent source bits",
        _uniform((a, b, (a, b)) for a, b in _TWO_BITS), (0, 1, 1, 0), _GRIFFITH,
    ),
    _gate("XOR", "the parity of two bits", _uniform((a, b, a ^ b) for a, b in _TWO_BITS), (0, 0, 0, 1), _GRIFFITH),
    _gate(
        "AND", "the conjunction of two bits",
        _uniform((a, b, a & b) for a, b in _TWO_BITS), (_AND_INFORMATION, 0, 0, 0.5), _BERTSCHINGER,
    ),
    _gate(
        "OR", "the disjunction of two bits",
        _uniform((a, b, a | b) for a, b in _TWO_BITS), (_AND_INFORMATION, 0, 0, 0.5), _BERTSCHINGER,
    ),
    _gate("SUM", "the sum of two bits", _uniform((a, b, a + b) for a, b in _TWO_BITS), (0.5, 0, 0, 1), _BERTSCHINGER),
    _gate(
        "XORAND", "the parity and the conjunction of two bits",
        _uniform((a, b, (a ^ b, a & b)) for a, b in _TWO_BITS), (0.5, 0, 0, 1), _BERTSCHINGER,
    ),
    _gate(
        "RDNXOR", "a shared bit beside a parity",
        _uniform(((a, r), (b, r), (a ^ b, r)) for a, b, r in itertools.product(BITS, repeat=3)),
        (1, 0, 0, 1), _GRIFFITH,
    ),
    _gate(
        "RDNUNQXOR", "a shared bit, a bit of each source's own, and a parity",
        _uniform(
            ((a, r, c), (b, r, d), (a ^ b, r, c, d)) for a, b, r, c, d in itertools.product(BITS, repeat=5)
        ),
        (1, 1, 1, 1), _GRIFFITH,
    ),
    _gate(
        "ReducedOR", "OR without the outcome (1, 1)", {(0, 0, 0): 0.5, (0, 1, 1): 0.25, (1, 0, 1): 0.25},
        (_AND_INFORMATION, 0, 0, 1.0 - _AND_INFORMATION), "Ince, Entropy 19(7), 2017",
    ),
    _gate(
        "PntUnq", "one source at a time knows the target, the other says nothing",
        _uniform([(0, 1, 0), (1, 0, 0), (0, 2, 1), (2, 0, 1)]), (0.5, 0, 0, 0.5), "Finn & Lizier, Entropy 20(4), 2018",
    ),
    _gate(
        "ImperfectRDN", "RDN where the second source errs once in a thousand",
        {(0, 0, 0): 0.499, (0, 1, 0): 0.001, (1, 1, 1): 0.5},
        (1.0 - 0.501 * _h(0.001 / 0.501), 0.501 * _h(0.001 / 0.501), 0, 0), "Ince, Entropy 19(7), 2017",
    ),
    _gate(
        "UNQ1", "the target is the first source, the second is noise",
        _uniform((a, b, a) for a, b in _TWO_BITS), (0, 1, 0, 0), _BERTSCHINGER,
    ),
    _gate(
        "COPY", "the target is both sources, which agree with probability .7",
        {(a, b, (a, b)): 0.35 if a == b else 0.15 for a, b in _TWO_BITS}, (1.0 - _h(0.3), _h(0.3), _h(0.3), 0), _HARDER,
    ),
    _gate(
        "DIFF", "the difference between uniques and redundancy matters: outcomes 000, 001, 010, 101",
        _uniform([(0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 1)]),
        (_h(0.25) - 0.75 * _h(1.0 / 3.0), 1.0 - _h(0.25), 1.0 - _h(0.25), 0),
        "James, Emenheiser & Crutchfield, Journal of Physics A 52, 2019",
    ),
)  # fmt: skip

GATES: Mapping[str, Gate] = MappingProxyType({gate.name: gate for gate in _TABLE})
"""Every gate by name."""


def gate(name: str) -> Gate:
    """Return the canonical joint called `name`, with its known atoms.

    Raises
    ------
    InputError
        If there is no such gate; the message lists near matches.

    Examples
    --------
    >>> gate("AND").joint.shape, gate("AND").synergy
    ((2, 2, 2), 0.5)
    """
    if not isinstance(name, str) or name not in GATES:  # type: ignore[redundant-expr]
        near = difflib.get_close_matches(str(name).upper(), [known.upper() for known in GATES], n=1, cutoff=0.5)
        meant = next((known for known in GATES if near and known.upper() == near[0]), None)
        hint = f"did you mean {meant!r}? " if meant else ""
        raise InputError(f"there is no gate {name!r}; {hint}The gates are {', '.join(GATES)}")
    return GATES[name]
