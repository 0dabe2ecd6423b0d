"""The states of torch's global random generators, gathered from every process and restored in each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from pidkit.distill.training.processes import gathered, rank_and_size


def random_state() -> dict[str, Any]:
    """Return the states of torch's global generators in every process, the CPU's and, where in use, CUDA's."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
    states = gathered((torch.get_rng_state(), cuda))
    return {"cpu": [cpu for cpu, _ in states], "cuda": [list(devices) for _, devices in states]}


def check_random_state(state: dict[str, Any]) -> dict[str, Any]:
    """Return a state if this process can be put into it, else raise what torch, or a missing entry, makes of it."""
    rank, _ = rank_and_size()
    torch.Generator().set_state(state["cpu"][rank])
    _ = state["cuda"][rank]
    return state


def set_random_state(state: Mapping[str, Any]) -> None:
    """Put torch's global generators of this process where they were."""
    rank, _ = rank_and_size()
    torch.set_rng_state(state["cpu"][rank])
    if state["cuda"][rank]:
        torch.cuda.set_rng_state_all(state["cuda"][rank])
