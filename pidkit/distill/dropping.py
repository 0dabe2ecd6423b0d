"""Layers that a network can do without: how much its loss rises when each is skipped, and a copy without some."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from pidkit.arguments import check_count
from pidkit.distill.labels import cross_entropy
from pidkit.errors import InputError
from pidkit.nn.features import left_as_found
from pidkit.nn.taps import find_layers


def layer_sensitivities(
    model: nn.Module, layers: str | Iterable[str], x: Tensor, labels: Tensor, *, batch_size: int = 256
) -> dict[str, float]:
    """Return by how much the mean cross-entropy rises, in nats, when each layer hands on its input.

    Parameters
    ----------
    model : nn.Module
        Left as it was found.
    layers : str or iterable of str
        Names or globs of layers that put out what they take in by shape, such as residual or transformer blocks.
    x : Tensor, shape (n, ...)
        Held-out inputs: on training data a layer that merely memorises counts.
    labels : Tensor of int64, shape (n, ...)
    batch_size : int

    Returns
    -------
    dict of str to float
        Least first. A negative number is a layer that does harm on these data.

    Raises
    ------
    InputError
        If a layer is unknown, does not run, or changes the shape of its input.

    Notes
    -----
    One layer at a time: two layers that stand in for each other both look dispensable. Drop one, distil, measure again.

    Source: Goswami, "Notes on distillation", 2025, algorithm 2.

    Examples
    --------
    >>> import torch
    >>> model = nn.Sequential(nn.Identity(), nn.Linear(2, 2), nn.Linear(2, 2))
    >>> found = layer_sensitivities(model, ["0"], torch.ones(4, 2), torch.arange(4) % 2)
    >>> found
    {'0': 0.0}
    """
    names, batch_size = find_layers(model, layers), check_count("batch_size", batch_size)
    if len(x) == 0 or len(x) != len(labels):
        raise InputError(f"x and labels must have as many rows, at least one, not {len(x)} and {len(labels)}")
    with left_as_found(model):
        whole = _loss(model, x, labels, batch_size)
        found = {name: _without(model, name, x, labels, batch_size) - whole for name in names}
    return dict(sorted(found.items(), key=lambda one: one[1]))


def drop_layers(model: nn.Module, layers: str | Iterable[str]) -> nn.Module:
    """Return a copy of a network in which the named layers are `nn.Identity`: a student to distil the whole one into.

    Raises
    ------
    InputError
        If a layer is unknown, or is the network itself.

    Examples
    --------
    >>> drop_layers(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)), "0")[0]
    Identity()
    """
    names = find_layers(model, layers)
    dropped = copy.deepcopy(model)
    for name in names:
        parent, _, last = name.rpartition(".")
        if not last:
            raise InputError("layers holds the network itself, of which nothing would be left")
        setattr(dropped.get_submodule(parent), last, nn.Identity())
    return dropped


def _loss(model: nn.Module, x: Tensor, labels: Tensor, batch_size: int) -> float:
    """Return the mean cross-entropy."""
    total = 0.0
    for rows, answers in zip(torch.split(x, batch_size), torch.split(labels, batch_size), strict=True):
        total += len(rows) * float(cross_entropy(model(rows.clone()), answers))
    return total / len(x)


def _without(model: nn.Module, name: str, x: Tensor, labels: Tensor, batch_size: int) -> float:
    """Return the mean cross-entropy when a layer is skipped."""
    seen: list[Tensor | None] = []

    def keep(layer: nn.Module, inputs: tuple[Any, ...]) -> None:
        # A copy: some layers change their input in place.
        seen.append(inputs[0].clone() if inputs and isinstance(inputs[0], Tensor) else None)

    def skip(layer: nn.Module, inputs: tuple[Any, ...], output: Any) -> Tensor:
        first = seen[-1]
        if first is None or not isinstance(output, Tensor) or first.shape != output.shape:
            raise InputError(
                f"layers holds {name!r}, which does not put out one tensor of the shape of its first input"
            )
        return first

    layer = model.get_submodule(name)
    hooks = layer.register_forward_pre_hook(keep), layer.register_forward_hook(skip)
    try:
        loss = _loss(model, x, labels, batch_size)
    finally:
        for hook in hooks:
            hook.remove()
    if not seen:
        raise InputError(f"layers holds {name!r}, which does not run")
    return loss
