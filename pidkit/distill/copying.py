"""A student that starts with copies of its teacher's layers, rounded to few bits where it is asked."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from pidkit.arguments import items_of, whole_number
from pidkit.distill.fake_quantisation import rounded
from pidkit.distill.initialise import PROJECTABLE
from pidkit.errors import InputError


def copy_weights(
    teacher: nn.Module,
    student: nn.Module,
    layers: Iterable[str | tuple[str, str]] | None = None,
    *,
    bits: int | None = None,
) -> tuple[str, ...]:
    """Copy a teacher's layers, with their buffers, into a student's in place, and return the student's that got one.

    Parameters
    ----------
    teacher, student : nn.Module
    layers : iterable of str or (str, str), optional
        Pairs (layer of the teacher, layer of the student), or one name for both: blocks or single layers, such as every
        second block of the teacher. None takes every layer without parts whose name and shapes are the same in both.
    bits : int, optional
        Round the weights of linear and convolutional layers by output channel, as `fake_quantise` does; None copies
        them as they are. Biases, norms and embeddings are copied whole.

    Raises
    ------
    InputError
        If a layer is unknown, two layers do not have the same parameters, `bits` is out of its range, or nothing was
        copied.

    Source: Goswami, "Notes on distillation", 2025, algorithm 1; Sanh et al., "DistilBERT", 2019, who copy every second
    layer.

    Examples
    --------
    >>> teacher, student = (nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, n)) for n in (3, 2))
    >>> copy_weights(teacher, student)
    ('0',)
    >>> torch.equal(teacher[0].weight, student[0].weight)
    True
    """
    bits = None if bits is None else whole_number("bits", bits, least=2, most=16)
    if layers is None:
        theirs = {name: one for name, one in teacher.named_modules() if not list(one.children())}
        ours = {name: one for name, one in student.named_modules() if not list(one.children())}
        pairs = [
            (name, name)
            for name, one in ours.items()
            if name in theirs and one.state_dict() and _shapes(one) == _shapes(theirs[name])
        ]
        if not pairs:
            raise InputError("layers are left out, and no layer has the same name and shapes in both; name pairs")
    else:
        pairs = [(one, one) if isinstance(one, str) else one for one in items_of("layers", layers)]
        if not pairs:
            raise InputError("layers is empty; name what is to be copied, or leave it out")
    found = [(_layer(teacher, first, "teacher"), _layer(student, second, "student")) for first, second in pairs]
    for (source, target), pair in zip(found, pairs, strict=True):
        if _shapes(source) != _shapes(target):
            raise InputError(f"layers holds {pair}, which do not have the same parameters; project_layer maps others")
    for source, target in found:
        target.load_state_dict(source.state_dict())
        for layer in target.modules():
            if bits is not None and isinstance(layer, PROJECTABLE):
                with torch.no_grad():
                    layer.weight.copy_(rounded(layer.weight, bits))
    return tuple(second for _, second in pairs)


def _shapes(layer: nn.Module) -> dict[str, tuple[int, ...]]:
    """Return the shapes of parameters and buffers by name."""
    return {name: tuple(value.shape) for name, value in layer.state_dict().items()}


def _layer(model: nn.Module, name: str, of: str) -> nn.Module:
    """Return a layer by its name."""
    known: dict[str, nn.Module] = dict(model.named_modules())
    if name not in known:
        raise InputError(f"layers holds {name!r}, which the {of} does not have")
    return known[name]
