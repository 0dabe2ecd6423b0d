"""The logits among what a network puts out, and the mask among its inputs: by name, by index, or by a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pidkit.distill.inputs import Inputs
from pidkit.errors import InputError

LogitPick = str | int | Callable[[Any], Tensor]
"""Where a network's logits are: a key or an attribute, an index of a tuple, or a function of what it puts out."""

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
        if isinstance(pick, bool) or not (pick is None or isinstance(pick, str | int | np.integer) or callable(pick)):
            raise InputError(f"logits must be a name, an index or a callable, or map networks to these, not {pick!r}")
        found[name] = int(pick) if isinstance(pick, np.integer) else pick
    return found


def check_mask(pick: object) -> None:
    """Raise InputError unless `mask` says where the mask is, or nothing."""
    if pick is not None and not isinstance(pick, str) and not callable(pick):
        raise InputError(f"mask must be the name of an input or a callable of the inputs, not {pick!r}")


def picked_logits(output: Any, pick: LogitPick | None, *, of: str) -> Any:
    """Return the logits of what a network puts out; None leaves it as it is.

    Raises
    ------
    InputError
        If there is no such entry; the message names the network, `of`, and what there is.

    Examples
    --------
    >>> picked_logits({"logits": torch.ones(2, 3), "aux": None}, "logits", of="the student").shape
    torch.Size([2, 3])
    >>> picked_logits((torch.zeros(1), torch.ones(2, 3)), "logits", of="the student")
    Traceback (most recent call last):
    pidkit.errors.InputError: logits is 'logits', which the tuple that the student puts out does not have; it has the
    indices 0 to 1
    """
    if pick is None or not isinstance(pick, str | int):
        return output if pick is None else pick(output)
    kind = type(output).__name__
    if isinstance(pick, str):
        if isinstance(output, Mapping) and pick in output:
            return output[pick]
        if not isinstance(output, tuple | list | Tensor) and hasattr(output, pick):
            return getattr(output, pick)
        if isinstance(output, tuple) and pick in getattr(output, "_fields", ()):
            return getattr(output, pick)
    elif isinstance(output, tuple | list) and -len(output) <= pick < len(output):
        return output[pick]
    elif isinstance(output, Mapping) and -len(output) <= pick < len(output):
        return [*output.values()][pick]
    raise InputError(f"logits is {pick!r}, which the {kind} that {of} puts out does not have; it has {_there(output)}")


def _there(output: Any) -> str:
    if isinstance(output, Mapping):
        return ", ".join(map(repr, output)) or "nothing"
    if isinstance(output, tuple | list):
        return f"the indices 0 to {len(output) - 1}"
    return ", ".join(map(repr, getattr(output, "__dict__", {}))) or "no entries"


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
