"""The logits among what a network puts out, and the mask among its inputs: by name, by index, or by a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from pidkit.errors import InputError
from pidkit.nn.inputs import Inputs
from pidkit.nn.picking import LogitPick, check_pick

LogitPicks = LogitPick | Mapping[str, LogitPick]
"""The same for all networks, or by the name of each teacher and "student"."""

MaskPick = str | Callable[[Inputs], Tensor]
"""Where the mask of the places that count is: the name of an input, or a function of the inputs."""


def check_picks(picks: object, networks: list[str]) -> dict[str, LogitPick | None]:
    """Return where the logits of each network are, or raise InputError if `logits` does not say that."""
    by_name = picks if isinstance(picks, Mapping) else dict.fromkeys(networks, picks)
    found: dict[str, LogitPick | None] = {}
    for name, pick in by_name.items():
        if name not in networks:
            raise InputError(f"logits names {name!r}, which is no network; there are {', '.join(map(repr, networks))}")
        found[name] = check_pick(pick)
    return found


def check_mask(pick: object) -> None:
    """Raise InputError unless `mask` says where the mask is, or nothing."""
    if pick is not None and not isinstance(pick, str) and not callable(pick):
        raise InputError(f"mask must be the name of an input or a callable of the inputs, not {pick!r}")


def picked_mask(x: Inputs, pick: MaskPick | None) -> Tensor | None:
    """Return the mask of the places that count, as bools; None where none is picked.

    Raises
    ------
    InputError
        If there is no such input, or it is no tensor.

    Examples
    --------
    >>> picked_mask({"attention_mask": torch.tensor([[1, 1, 0]])}, "attention_mask")
    tensor([[ True,  True, False]])
    """
    if pick is None:
        return None
    if isinstance(pick, str):
        if not isinstance(x, Mapping) or pick not in x:
            there = ", ".join(map(repr, x)) if isinstance(x, Mapping) else "one tensor without a name"
            raise InputError(f"mask is {pick!r}, which is no input; there is {there}")
        mask: object = x[pick]
    else:
        mask = pick(x)
    if not isinstance(mask, Tensor):
        raise InputError(f"mask must give a tensor of the places that count, not a {type(mask).__name__}")
    return mask.to(torch.bool)
