"""The equations between atoms and information: from BROJA's minimum, and from any redundancy, to the atoms.

They are plain arithmetic, so that numbers, arrays and torch tensors with a gradient go through the same lines.
"""

from __future__ import annotations

from typing import Any, Generic, NamedTuple, Protocol

from pidkit.units import Information


class ThreeAtoms(Protocol):
    """The atoms that the two pair marginals decide, in whatever class they come."""

    @property
    def redundancy(self) -> Any:
        """What either source says about Y."""

    @property
    def unique_1(self) -> Any:
        """What x1 alone says."""

    @property
    def unique_2(self) -> Any:
        """What x2 alone says."""


class PairAtoms(NamedTuple, Generic[Information]):
    """What the two pair marginals decide, in nats: a number each, or an array with one entry a problem."""

    redundancy: Information
    unique_1: Information
    unique_2: Information
    mi_1: Information
    mi_2: Information


def atoms_of(
    minimum: Information,
    *,
    h_y: Information,
    h_x1: Information,
    h_x2: Information,
    h_yx1: Information,
    h_yx2: Information,
) -> PairAtoms[Information]:
    """Return BROJA's atoms of pair marginals whose entropies are known.

    With Delta_P the couplings that have the pair marginals of P, and F* = min over Q in Delta_P of -H_Q(Y|X1,X2),

        unique_1 = min over Q in Delta_P of I_Q(Y; X1 | X2) = H(Y|X2) + F*,
        unique_2 = min over Q in Delta_P of I_Q(Y; X2 | X1) = H(Y|X1) + F*,
        redundancy = I(Y;X1) - unique_1,

    because H(Y|X1) and H(Y|X2) are the same for every Q in Delta_P.

    Parameters
    ----------
    minimum : float or ndarray
        F* in nats, or a bound of it; `unique_1` and `unique_2` of an upper bound are upper bounds.
    h_y, h_x1, h_x2, h_yx1, h_yx2 : float or ndarray
        H(Y), H(X1), H(X2), H(Y,X1) and H(Y,X2) in nats.

    References
    ----------
    Bertschinger, Rauh, Olbrich, Jost & Ay, Quantifying unique information, Entropy 16(4), 2014, the definition of the
    unique information; Definition 3.3 of the RID paper (Dissanayake et al., AISTATS 2025) repeats it.

    Examples
    --------
    Y = X1 is one bit and X2 another: the minimum is 0, since X1 alone decides Y.

    >>> atoms = atoms_of(0.0, h_y=1.0, h_x1=1.0, h_x2=1.0, h_yx1=1.0, h_yx2=2.0)
    >>> atoms.redundancy, atoms.unique_1, synergy_of(1.0, atoms)
    (0.0, 1.0, 0.0)
    """
    mi_1, mi_2 = h_y + h_x1 - h_yx1, h_y + h_x2 - h_yx2
    unique_1, unique_2 = h_yx2 - h_x2 + minimum, h_yx1 - h_x1 + minimum
    return PairAtoms(mi_1 - unique_1, unique_1, unique_2, mi_1, mi_2)


def synergy_of(mi_joint: Any, atoms: ThreeAtoms) -> Any:
    """Return I(Y;X1,X2) less the three other atoms: the only atom that the joint beyond its pairs decides."""
    return mi_joint - atoms.redundancy - atoms.unique_1 - atoms.unique_2


def atoms_of_redundancy(
    redundancy: Information, *, mi_1: Information, mi_2: Information, mi_joint: Information
) -> tuple[Information, Information, Information, Information]:
    """Return redundancy R, unique_1, unique_2 and synergy, as R and the information decide them.

        unique_i = I(Y;X_i) - R,   synergy = I(Y;X1,X2) - I(Y;X1) - I(Y;X2) + R

    Williams & Beer, arXiv:1004.2515, 2010: the lattice of two sources, whatever the measure of redundancy.

    Examples
    --------
    XOR: neither source says anything alone.

    >>> atoms_of_redundancy(0.0, mi_1=0.0, mi_2=0.0, mi_joint=1.0)
    (0.0, 0.0, 0.0, 1.0)
    """
    return redundancy, mi_1 - redundancy, mi_2 - redundancy, mi_joint - mi_1 - mi_2 + redundancy
