"""BROJA atoms of soft joints as torch functions: exact values forward, the dual potentials backward.

A batch of joints is one compiled call on the CPU in float64, whatever the device and the dtype of the tensors; the
backward pass costs no solve at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from pidkit.errors import InputError
from pidkit.pid.atoms import synergy_of
from pidkit.pid.batch import solve_broja_batch
from pidkit.pid.gradients import atom_gradients
from pidkit.pid.result import ATOMS
from pidkit.results import Row, UnitResult, summary_rows
from pidkit.types import Unit
from pidkit.units import NATS_PER_UNIT, check_unit

MASS_ERROR = 1e-4
"""How far a total mass may be from one, or two P(y) from each other, before it is an error: single precision over many
cells explains this much, and it is scaled away."""


@dataclass(frozen=True, eq=False)
class SoftPID(UnitResult):
    """The four atoms of soft joints, which can be differentiated, also after a change of unit.

    Attributes
    ----------
    redundancy, unique_1, unique_2, synergy : Tensor, shape (...)
        In `unit`, one entry a joint.
    unit : str
        "bits" or "nats".
    """

    _information = ATOMS

    redundancy: Tensor
    unique_1: Tensor
    unique_2: Tensor
    synergy: Tensor
    unit: str

    @property
    def atoms(self) -> dict[str, Tensor]:
        """The four atoms by name."""
        return {name: getattr(self, name) for name in ATOMS}

    def _rows(self) -> Sequence[Row]:
        """Return a row for each atom: its mean, smallest and largest value."""
        return summary_rows(self.atoms)


def soft_pid(p: Tensor, *, tol: float | None = None, unit: Unit = "bits") -> SoftPID:
    """Decompose soft joints p[..., y, x1, x2] into atoms that can be differentiated.

    Forward, the certified BROJA atoms; backward, dRed/dp[y,x1,x2] = log P(y,x1)/(P(y)P(x1)) - lam[y,x1] - mu[y,x2] +
    log P(y|x2) and its like, lam and mu the optimal dual potentials (the envelope theorem).

    Parameters
    ----------
    p : Tensor, shape (..., n_y, n_x1, n_x2)
        Joints, target first, each summing to one; what single precision leaves over is scaled away.
    tol : float, optional
        The certified gap to reach in bits; None takes 1e-9.
    unit : str
        "bits" or "nats".

    Returns
    -------
    SoftPID
        Tensors of shape (...), in the dtype and on the device of `p`.

    Raises
    ------
    InputError
        If `p` is no floating tensor of at least three axes, or holds NaN, negative or unnormalised mass.
    SolverError
        If a certified gap stays above `tol`.

    Examples
    --------
    >>> import torch
    >>> logits = torch.zeros(2, 2, 2, requires_grad=True)
    >>> atoms = soft_pid(torch.softmax(logits.flatten(), 0).reshape(2, 2, 2))
    >>> atoms.redundancy.backward()
    >>> bool(logits.grad.abs().max() < 1e-6)  # independence is a minimum of the redundancy
    True
    """
    unit = check_unit(unit)
    factor = 1.0 / NATS_PER_UNIT[unit]
    joint = _normalised(_check(p, "p", 3), 3)
    atoms = _nats(joint.sum(-1), joint.sum(-2), tol)
    mi_joint = _entropy(joint.sum((-1, -2)), 1) + _entropy(joint.sum(-3), 2) - _entropy(joint, 3)
    red, uni_1, uni_2, syn = ((atom * factor).to(p.dtype) for atom in (*atoms, synergy_of(mi_joint, atoms)))
    return SoftPID(redundancy=red, unique_1=uni_1, unique_2=uni_2, synergy=syn, unit=unit)


def soft_pair_atoms(
    p_yx1: Tensor, p_yx2: Tensor, *, tol: float | None = None, unit: Unit = "bits"
) -> tuple[Tensor, Tensor, Tensor]:
    """Return redundancy, unique_1 and unique_2 of soft pair marginals, differentiable; no dense joint is needed.

    Parameters
    ----------
    p_yx1, p_yx2 : Tensor, shape (..., n_y, n_x1) and (..., n_y, n_x2)
        Pair marginals with the same P(y), each summing to one; what single precision leaves over is scaled away. The
        gradient means something along changes that keep P(y) common to both, as all changes of a joint do.
    tol, unit
        As in `soft_pid`.

    Raises
    ------
    InputError
        If the marginals are not such tensors or their P(y) differ.
    SolverError
        If a certified gap stays above `tol`.

    Examples
    --------
    >>> import torch
    >>> red, uni_1, uni_2 = soft_pair_atoms(torch.eye(2) / 2, torch.full((2, 2), 0.25))
    >>> round(float(uni_1), 6)
    1.0
    """
    unit = check_unit(unit)
    factor = 1.0 / NATS_PER_UNIT[unit]
    first, second = _normalised(_check(p_yx1, "p_yx1", 2), 2), _normalised(_check(p_yx2, "p_yx2", 2), 2)
    if first.shape[:-1] != second.shape[:-1]:
        shapes = f"{tuple(first.shape)} and {tuple(second.shape)}"
        raise InputError(f"p_yx1 and p_yx2 must share the batch and the target axis; they have shapes {shapes}")
    wanted, have = first.sum(-1, keepdim=True), second.sum(-1, keepdim=True)
    if float((wanted - have).detach().abs().max()) > MASS_ERROR:
        raise InputError("p_yx1 and p_yx2 have different P(y); both must come from one joint")
    second = second * torch.where(have > 0.0, wanted / have.clamp_min(torch.finfo(have.dtype).tiny), 0.0)
    atoms = _nats(first, _normalised(second, 2), tol)
    return tuple((atom * factor).to(p_yx1.dtype) for atom in atoms)  # type: ignore[return-value]


class _PairAtoms(torch.autograd.Function):
    """(P(y,x1), P(y,x2)) -> (redundancy, unique_1, unique_2) in nats, over a batch."""

    @staticmethod
    def forward(ctx: Any, p_yx1: Tensor, p_yx2: Tensor, tol: float | None) -> tuple[Tensor, Tensor, Tensor]:
        """Solve the batch, and store the gradients that the dual potentials give."""
        first, second = p_yx1.detach().cpu().numpy(), p_yx2.detach().cpu().numpy()
        solutions = solve_broja_batch(first, second, tol=tol, unit="nats")
        gradients = atom_gradients(first, second, solutions.lam, solutions.mu)
        parts = [*gradients.redundancy, *gradients.unique_1, *gradients.unique_2]
        ctx.save_for_backward(*(torch.as_tensor(part.copy(), device=p_yx1.device) for part in parts))
        atoms = (solutions.redundancy, solutions.unique_1, solutions.unique_2)
        red, uni_1, uni_2 = (torch.as_tensor(atom, device=p_yx1.device) for atom in atoms)
        return red, uni_1, uni_2

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        """Multiply the stored gradients by the incoming ones."""
        parts = ctx.saved_tensors
        first = sum(grad[:, None, None] * parts[2 * k] for k, grad in enumerate(grads))
        second = sum(grad[:, None, None] * parts[2 * k + 1] for k, grad in enumerate(grads))
        return first, second, None


class _ThreeAtoms(NamedTuple):
    """The atoms that the pair marginals decide, in nats, one entry a joint."""

    redundancy: Tensor
    unique_1: Tensor
    unique_2: Tensor


def _nats(p_yx1: Tensor, p_yx2: Tensor, tol: float | None) -> _ThreeAtoms:
    """Return the three atoms in nats for any leading axes."""
    lead = p_yx1.shape[:-2]
    flat1, flat2 = p_yx1.reshape(-1, *p_yx1.shape[-2:]), p_yx2.reshape(-1, *p_yx2.shape[-2:])
    red, uni_1, uni_2 = _PairAtoms.apply(flat1, flat2, tol)  # type: ignore[no-untyped-call]
    return _ThreeAtoms(red.reshape(lead), uni_1.reshape(lead), uni_2.reshape(lead))


def _check(p: object, name: str, axes: int) -> Tensor:
    """Return `p` in float64 if it holds soft joints with `axes` axes each, else raise InputError."""
    if not isinstance(p, Tensor) or not p.is_floating_point():
        raise InputError(f"{name} must be a floating torch tensor; for arrays use bivariate_pid or solve_broja_batch")
    if p.ndim < axes or p.numel() == 0:
        raise InputError(f"{name} must have at least {axes} axes and not be empty; it has shape {tuple(p.shape)}")
    if not bool(torch.isfinite(p).all()):
        raise InputError(f"{name} holds NaN or infinite entries; a joint needs finite probabilities")
    if float(p.detach().min()) < 0.0:
        raise InputError(f"{name} holds negative mass; a joint needs probabilities >= 0 (a softmax gives them)")
    return p.double()


def _normalised(p: Tensor, axes: int) -> Tensor:
    """Scale away what rounding left of the total mass; refuse more than that."""
    total = p.sum(tuple(range(-axes, 0)), keepdim=True)
    if float((total.detach() - 1.0).abs().max()) > MASS_ERROR:
        raise InputError("soft joints must each sum to one; divide by the sum over the last axes first")
    return p / total


def _entropy(p: Tensor, axes: int) -> Tensor:
    """Return -sum p log p over the last axes, in nats; its gradient is finite where p is zero."""
    positive = torch.where(p > 0.0, p, 1.0)
    return -(p * positive.log()).sum(tuple(range(-axes, 0)))
