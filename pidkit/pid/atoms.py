"""From the minimum of BROJA's one optimisation to the atoms: the equations, for one problem or a batch of them."""

from __future__ import annotations

from typing import Generic, NamedTuple

from pidkit.units import Information


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


def synergy_of(mi_joint: Information, atoms: PairAtoms[Information]) -> Information:
    """Return I(Y;X1,X2) less the three other atoms, in nats: the only atom that the joint beyond its pairs decides."""
    return mi_joint - atoms.redundancy - atoms.unique_1 - atoms.unique_2
