"""Checkpoints: everything a run needs to go on as if it had never stopped, in one file written whole or not at all."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from pidkit.arrays.saving import write_atomic
from pidkit.errors import InputError
from pidkit.records.resume import check_same_settings

CHECKPOINT_FILE = "checkpoint.pt"
"""The name of the checkpoint in the folder of a run."""

CHECKPOINT_FORMAT = 1
"""The version of the layout of a checkpoint; other versions are refused."""


def save_checkpoint(folder: Path, state: Mapping[str, Any]) -> None:
    """Write the state (plain containers, numbers and tensors) to the folder, replacing the checkpoint before it."""
    buffer = io.BytesIO()
    torch.save({"format": CHECKPOINT_FORMAT, **state}, buffer)
    write_atomic(folder / CHECKPOINT_FILE, buffer.getvalue())


def load_checkpoint(folder: Path, settings: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the state in the folder; None if there is none. Nothing but containers, numbers and tensors is unpickled.

    Raises
    ------
    InputError
        If the file is no checkpoint of this format, or of a run with other settings; the first difference is named.
    """
    file = folder / CHECKPOINT_FILE
    if not file.exists():
        return None
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever its unpickler and its archive reader do
        raise InputError(f"path holds {file}, which torch cannot read ({error}); move it away") from error
    if not isinstance(state, dict) or state.get("format") != CHECKPOINT_FORMAT:
        raise InputError(f"path holds {file}, which is no checkpoint of a Trainer; move it away")
    check_same_settings(folder, state["settings"], settings)
    loaded: dict[str, Any] = state
    return loaded


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files that killed processes left in a folder."""
    for name in (CHECKPOINT_FILE, "history.json"):
        for leftover in folder.glob(f".{name}.*.tmp"):
            leftover.unlink(missing_ok=True)
