"""Initialise a student's layers by projecting the weights of its teacher's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from pidkit.arguments import one_of, whole_number
from pidkit.errors import InputError

Projected = nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d
"""A layer whose weight has outputs and inputs as its first two axes."""

PROJECTABLE = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
"""The same as a tuple of classes, to ask whether teacher and student are of one kind."""


ProjectionName = Literal["singular", "norm"]
"""The ways to choose a projection."""


def project_layer(
    teacher: Projected,
    student: Projected,
    *,
    in_projection: Tensor | None = None,
    out_projection: Tensor | None = None,
    by: ProjectionName = "singular",
) -> Tensor:
    """Set a student's layer to its teacher's seen through projections: W_S = P_out W_T P_in^T, b_S = P_out b_T.

    A student channel is then a combination P of teacher channels, before the layer and after it, and at every tap of a
    kernel alike. Go through the network in order and hand each layer's result to the next as `in_projection`, so that
    both mean the same channels by it.

    Parameters
    ----------
    teacher, student : nn.Linear, nn.Conv1d, nn.Conv2d or nn.Conv3d
        Of one kind and kernel; the student's weight and bias are written in place.
    in_projection : Tensor, shape (student inputs, teacher inputs), optional
        What the layer before returned. None: the identity for equal numbers of inputs, else chosen by `by`.
    out_projection : Tensor, shape (student outputs, teacher outputs), optional
        None: the identity for equal numbers of outputs, else chosen by `by` for the weight that sees the projected
        inputs.
    by : "singular" or "norm"
        How projections are chosen: `singular_projection`, which keeps most of a linear map but mixes channels; or
        `norm_projection`, which picks channels, so that a ReLU in between leaves them what they are in the teacher.

    Returns
    -------
    Tensor, shape (student outputs, teacher outputs)
        The projection of the outputs, in float64.

    Raises
    ------
    InputError
        If the layers differ in kind, kernel or groups, the student has more channels than the teacher or lacks the
        bias of the teacher, a projection has the wrong shape, or `by` is unknown.

    Source: Goswami, "Notes on Distillation", 2025, eq. 7 and 8.

    Examples
    --------
    >>> teacher, student = nn.Linear(4, 6), nn.Linear(4, 3)
    >>> chosen = project_layer(teacher, student)
    >>> torch.allclose(student.weight.double(), chosen @ teacher.weight.double())
    True
    """
    one_of("by", by, PROJECTIONS)
    _check_layers(teacher, student)
    choose = PROJECTIONS[by]
    weight = teacher.weight.detach().double()
    p_in = _projection("in_projection", in_projection, weight, student.weight.shape[1], 1, choose)
    seen = torch.einsum("oi...,ji->oj...", weight, p_in)
    p_out = _projection("out_projection", out_projection, seen, student.weight.shape[0], 0, choose)
    with torch.no_grad():
        student.weight.copy_(torch.einsum("po,oj...->pj...", p_out, seen))
        if student.bias is not None:
            student.bias.zero_()
            if teacher.bias is not None:
                student.bias.copy_(p_out @ teacher.bias.double())
    return p_out


def singular_projection(weight: Tensor, n: int, *, axis: int = 0) -> Tensor:
    """Return the `n` leading singular vectors of a weight unfolded along an axis, as orthonormal rows of fixed sign.

    Of all projections on n dimensions it keeps most of the sum of squares of the weight: truncated SVD for a matrix,
    and for a kernel the same with all other axes flattened.

    Parameters
    ----------
    weight : Tensor
    n : int
    axis : int
        0 for outputs, 1 for inputs.

    Returns
    -------
    Tensor of float64, shape (n, weight.shape[axis])

    Raises
    ------
    InputError
        If `n` is not between 1 and the size of the axis, or there is no such axis.

    Examples
    --------
    >>> singular_projection(torch.diag(torch.tensor([1.0, 3.0, 2.0])), 2)
    tensor([[0., 1., 0.],
            [0., 0., 1.]], dtype=torch.float64)
    """
    rows = _unfolded(weight, n, axis)
    # Of the Gram matrix, which has as many vectors as channels, also where there are fewer columns.
    vectors = torch.linalg.eigh(rows @ rows.T).eigenvectors
    leading: Tensor = vectors.flip(1)[:, :n].T.contiguous()
    # Singular vectors have no sign of their own, and a ReLU after the layer does: the greatest entry is positive.
    return leading * leading.gather(1, leading.abs().argmax(1, keepdim=True)).sign()


def norm_projection(weight: Tensor, n: int, *, axis: int = 0) -> Tensor:
    """Return the rows of the identity that pick the `n` channels of greatest norm along an axis, in their order.

    Parameters
    ----------
    weight, n, axis
        As in `singular_projection`.

    Returns
    -------
    Tensor of float64, shape (n, weight.shape[axis])

    Raises
    ------
    InputError
        If `n` is not between 1 and the size of the axis, or there is no such axis.

    Examples
    --------
    >>> norm_projection(torch.diag(torch.tensor([1.0, 3.0, 2.0])), 2)
    tensor([[0., 1., 0.],
            [0., 0., 1.]], dtype=torch.float64)
    """
    rows = _unfolded(weight, n, axis)
    largest = rows.square().sum(1).topk(n).indices.sort().values
    return torch.eye(len(rows), dtype=torch.float64, device=rows.device)[largest]


PROJECTIONS: dict[ProjectionName, Callable[..., Tensor]] = {"singular": singular_projection, "norm": norm_projection}
"""The ways of choosing a projection, by the names that `project_layer` takes as `by`."""


def _unfolded(weight: Tensor, n: int, axis: int) -> Tensor:
    """Return a weight in float64 with `axis` as rows and all the rest as columns."""
    axis = whole_number("axis", axis, least=-weight.ndim, most=weight.ndim - 1)
    whole_number("n", n, least=1, most=weight.shape[axis], limit="the channels of the teacher")
    return weight.detach().double().movedim(axis, 0).flatten(1)


def _projection(
    name: str, given: Tensor | None, weight: Tensor, n: int, axis: int, choose: Callable[..., Tensor]
) -> Tensor:
    """Return the projection that was given, the identity, or one that is chosen, shape (n, weight.shape[axis])."""
    size = weight.shape[axis]
    if given is not None:
        if given.shape != (n, size):
            raise InputError(f"{name} must have shape {(n, size)} for these layers, not {tuple(given.shape)}")
        return given.detach().to(weight)
    return torch.eye(n).to(weight) if n == size else choose(weight, n, axis=axis)


def _check_layers(teacher: Projected, student: Projected) -> None:
    """Raise InputError unless the two layers are of one kind and kernel and can be projected."""
    if not any(isinstance(teacher, kind) and isinstance(student, kind) for kind in PROJECTABLE):
        kinds = f"{type(teacher).__name__} and {type(student).__name__}"
        raise InputError(f"teacher and student must both be linear or both convolutions of one kind, not {kinds}")
    if teacher.weight.shape[2:] != student.weight.shape[2:]:
        kernels = f"{tuple(teacher.weight.shape[2:])} and {tuple(student.weight.shape[2:])}"
        raise InputError(f"teacher and student have kernels {kernels}; only channels can be projected")
    if getattr(teacher, "groups", 1) != 1 or getattr(student, "groups", 1) != 1:
        raise InputError("teacher and student must be convolutions with groups=1; grouped channels cannot be mixed")
    if teacher.bias is not None and student.bias is None:
        raise InputError("teacher has a bias and student has none; give the student's layer a bias")
