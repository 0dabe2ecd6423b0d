"""Inputs of networks, one tensor or several by name, with a row for each sample: checked, copied, moved and indexed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from pidkit.errors import InputError

Inputs = Tensor | Mapping[str, Tensor]
"""What a network takes: a tensor (n, ...), or keyword arguments, each a tensor with one row a sample."""


def check_inputs(name: str, x: object) -> Inputs:
    """Return inputs if they are one tensor, or tensors by name with one row a sample.

    Raises
    ------
    InputError
        If they are neither.

    Examples
    --------
    >>> import torch
    >>> check_inputs("x", {"input_ids": torch.ones(2, 5), "attention_mask": torch.ones(3, 5)})
    Traceback (most recent call last):
    pidkit.errors.InputError: x must hold inputs with one row a sample each; their shapes are input_ids (2, 5),
    attention_mask (3, 5)
    """
    if isinstance(x, Tensor):
        return x
    if not isinstance(x, Mapping):
        advice = "several inputs go into a mapping, by the names that the networks' forward gives them"
        raise InputError(f"{name} must be a tensor of inputs, or several by name, not a {type(x).__name__}; {advice}")
    if not x or not all(isinstance(part, Tensor) and part.ndim > 0 for part in x.values()):
        kinds = ", ".join(f"{key} {type(part).__name__}" for key, part in x.items()) or "none"
        raise InputError(f"{name} must hold tensors with one row a sample; it holds {kinds}")
    if len({len(part) for part in x.values()}) > 1:
        shapes = ", ".join(f"{key} {tuple(part.shape)}" for key, part in x.items())
        raise InputError(f"{name} must hold inputs with one row a sample each; their shapes are {shapes}")
    return x


def n_samples(x: Inputs) -> int:
    """Return the number of samples."""
    return len(x) if isinstance(x, Tensor) else len(next(iter(x.values())))


def named_tensors(x: Inputs) -> dict[str, Tensor]:
    """Return the tensors by name; that of a single one is empty."""
    return {"": x} if isinstance(x, Tensor) else {str(name): part for name, part in x.items()}


def each_tensor(x: Inputs, change: Callable[[Tensor], Tensor]) -> Inputs:
    """Return inputs with a function applied to every tensor.

    Examples
    --------
    >>> import torch
    >>> each_tensor({"a": torch.zeros(2)}, torch.exp)
    {'a': tensor([1., 1.])}
    """
    return change(x) if isinstance(x, Tensor) else {name: change(part) for name, part in x.items()}


def on_device(x: Inputs, device: torch.device) -> Inputs:
    """Return inputs on a device."""
    return each_tensor(x, lambda part: part.to(device, non_blocking=True))


def run_on(model: nn.Module, x: Inputs) -> Any:
    """Return what a model puts out: for inputs by name they are its keyword arguments."""
    return model(x) if isinstance(x, Tensor) else model(**x)


def batches_of(x: Inputs, batch_size: int) -> Iterator[Inputs]:
    """Yield the samples in order, so many at a time.

    Examples
    --------
    >>> [len(batch["a"]) for batch in batches_of({"a": torch.ones(5, 2)}, 2)]
    [2, 2, 1]
    """
    for start in range(0, n_samples(x), batch_size):
        yield each_tensor(x, lambda part, at=start: part[at : at + batch_size])  # type: ignore[misc]


def copied_to(x: Inputs, model: nn.Module) -> Inputs:
    """Return a copy of inputs on the device of a model and, where both are floating, in its dtype.

    A copy, since some networks change their input in place.
    """
    like = next(iter([*model.parameters(), *model.buffers()]), None)

    def copied(part: Tensor) -> Tensor:
        if like is None:
            return part.clone()
        floating = part.is_floating_point() and like.is_floating_point()
        return part.to(like.device, like.dtype if floating else None, copy=True)

    return each_tensor(x, copied)
