"""The logits among what a network puts out: by name, by index, or by a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from torch import Tensor

from pidkit.errors import InputError

LOGITS = "(logits)"
"""The name of what a network puts out, beside those of its layers: qualified names have no parentheses."""

LogitPick = str | int | Callable[[Any], Tensor]
"""Where a network's logits are: a key or an attribute, an index of a tuple, or a function of what it puts out."""


def check_pick(pick: Any) -> LogitPick | None:
    """Return where the logits are, or None, or raise InputError if `logits` does not say that."""
    if isinstance(pick, bool) or not (pick is None or isinstance(pick, str | int | np.integer) or callable(pick)):
        raise InputError(f"logits must be a name, an index or a callable, or map networks to these, not {pick!r}")
    found: LogitPick | None = int(pick) if isinstance(pick, np.integer) else pick
    return found


def picked_logits(output: Any, pick: LogitPick | None, *, of: str) -> Any:
    """Return the logits of what a network puts out; None leaves it as it is.

    Raises
    ------
    InputError
        If there is no such entry; the message names the network, `of`, and what there is.

    Examples
    --------
    >>> import torch
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
