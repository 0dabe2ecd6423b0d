"""How long a network takes to answer, for the trade of accuracy against time."""

from __future__ import annotations

import time

import torch
from torch import Tensor, nn

from pidkit.arguments import check_count, whole_number
from pidkit.errors import InputError
from pidkit.nn.features import left_as_found


def inference_seconds(model: nn.Module, x: Tensor, *, n_runs: int = 20, warm_up: int = 3) -> list[float]:
    """Return the wall time in seconds of every one of some passes over a batch, after a few that do not count.

    In eval mode, without gradients, on the device of the model; the model is left as it was found. Report the least or
    the median: what else the machine does only ever adds. Times of networks are compared on one machine, one batch and
    one number of threads (`torch.set_num_threads`).

    Parameters
    ----------
    model : nn.Module
    x : Tensor, shape (n, ...)
        The batch.
    n_runs, warm_up : int
        Passes that count, and those before.

    Raises
    ------
    InputError
        If there is nothing to run.

    Examples
    --------
    >>> len(inference_seconds(nn.Linear(3, 2), torch.ones(4, 3), n_runs=5))
    5
    """
    n_runs, warm_up = check_count("n_runs", n_runs), whole_number("warm_up", warm_up)
    if len(x) == 0:
        raise InputError("x is empty; pass a batch of at least one input")
    first = next(iter([*model.parameters(), *model.buffers()]), x)
    x = x.to(first.device)
    seconds = []
    with left_as_found(model):
        for run in range(warm_up + n_runs):
            began = _now(first.device)
            model(x)
            if run >= warm_up:
                seconds.append(_now(first.device) - began)
    return seconds


def _now(device: torch.device) -> float:
    """Return the time once everything before is done: a GPU works on while Python goes ahead."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
