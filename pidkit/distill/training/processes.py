"""Several processes by torch.distributed: rank and number, sums over all processes, and DistributedDataParallel."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn


def rank_and_size() -> tuple[int, int]:
    """Return the number of this process and how many there are; (0, 1) unless torch.distributed is initialised."""
    if dist.is_available() and dist.is_initialized():
        return dist.get_rank(), dist.get_world_size()
    return 0, 1


def wrap_distributed(module: nn.Module) -> nn.Module:
    """Return the module in DistributedDataParallel if there are several processes, else as it is.

    Frozen parts get no gradient in a phase, hence find_unused_parameters=True.
    """
    if rank_and_size()[1] == 1:
        return module
    return nn.parallel.DistributedDataParallel(module, find_unused_parameters=True)


def summed(values: Tensor) -> Tensor:
    """Return the sum of a tensor over all processes."""
    if rank_and_size()[1] > 1:
        values = values.clone()
        dist.all_reduce(values)
    return values


def gathered(value: Any) -> list[Any]:
    """Return the values that all processes have, in the order of their ranks."""
    size = rank_and_size()[1]
    if size == 1:
        return [value]
    values: list[Any] = [None] * size
    dist.all_gather_object(values, value)
    return values


def barrier() -> None:
    """Wait until every process is here."""
    if rank_and_size()[1] > 1:
        dist.barrier()


@torch.no_grad()
def share_buffers(module: nn.Module) -> None:
    """Give every process the buffers of the first, as DistributedDataParallel does before a forward pass."""
    if rank_and_size()[1] > 1:
        for buffer in module.buffers():
            dist.broadcast(buffer, 0)
