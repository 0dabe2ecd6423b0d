"""Models that `torch.compile` or parallel training wraps: the model inside, and where its layers run."""

from __future__ import annotations

from torch import nn
from torch.nn.parallel import DataParallel, DistributedDataParallel

from pidkit.errors import InputError

SEVERAL_DEVICES = (
    "every device would run a copy of the layers on its part of the batch; train with "
    "torch.nn.parallel.DistributedDataParallel, one process a device, or tap its .module on one"
)
"""Why taps refuse DataParallel, and what to do."""


def eager_model(model: nn.Module) -> nn.Module:
    """Return `model`, or the module inside one that `torch.compile` or parallel training made, which shares it."""
    inner = getattr(model, "_orig_mod", model)
    if not isinstance(inner, nn.Module):
        raise InputError(f"model must be a torch.nn.Module, not {type(model).__name__}")
    return eager_model(inner.module) if isinstance(inner, DataParallel | DistributedDataParallel) else inner


def check_one_device(model: nn.Module) -> None:
    """Refuse a model whose batches DataParallel would share out among several devices."""
    inner = getattr(model, "_orig_mod", model)
    if isinstance(inner, DataParallel) and len(inner.device_ids) > 1:
        raise InputError(f"model is a DataParallel on {len(inner.device_ids)} devices, and {SEVERAL_DEVICES}")
