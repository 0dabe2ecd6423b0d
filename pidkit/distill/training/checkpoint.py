"""Checkpoints: everything a run needs to go on as if it had never stopped, in one file written whole or not at all."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pidkit.arrays.checksums import digest_of
from pidkit.arrays.saving import write_atomic
from pidkit.errors import InputError
from pidkit.records.resume import check_same_settings

CHECKPOINT_FILE = "checkpoint.pt"
"""The name of the checkpoint in the folder of a run."""

CHECKPOINT_FORMAT = 3
"""The version of the layout of a checkpoint; other versions are refused."""


def save_checkpoint(folder: Path, state: Mapping[str, Any]) -> None:
    """Write the state (plain containers, numbers and tensors) to the folder, replacing the checkpoint before it."""
    buffer = io.BytesIO()
    torch.save({"format": CHECKPOINT_FORMAT, "digest": digest_of(_arrays(dict(state))), **state}, buffer)
    write_atomic(folder / CHECKPOINT_FILE, buffer.getvalue())


def load_checkpoint(folder: Path, settings: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the state in the folder; None if there is none. Nothing but containers, numbers and tensors is unpickled.

    Raises
    ------
    InputError
        If the file is no checkpoint of this format, was damaged or changed, or is of a run with other settings (the
        first difference is named).
    """
    file = folder / CHECKPOINT_FILE
    if not file.exists():
        return None
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever its unpickler and its archive reader do
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"path holds {file}, which torch cannot read ({reason}); move it away") from error
    if not isinstance(state, dict) or state.pop("format", None) != CHECKPOINT_FORMAT:
        raise InputError(f"path holds {file}, which is no checkpoint of a Trainer; move it away")
    if state.pop("digest", None) != digest_of(_arrays(state)):
        raise InputError(f"path holds {file}, which is damaged: its digest is that of other content; move it away")
    check_same_settings(folder, state.get("settings", {}), settings)
    loaded: dict[str, Any] = state
    return loaded


def _arrays(content: Any) -> Any:
    """Return nested containers with tensors as what `digest_of` takes: dtype, shape and the bytes in an array."""
    if isinstance(content, Tensor):
        raw = content.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        return ("tensor", str(content.dtype), list(content.shape), raw.numpy())
    if isinstance(content, Mapping):
        return {key: _arrays(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return (list if isinstance(content, list) else tuple)(_arrays(value) for value in content)
    return content
