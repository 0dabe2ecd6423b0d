"""Collect outputs of networks on a held-out sample in the middle of a training run, without changing the run."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pidkit.distill.batch import LOGITS
from pidkit.errors import InputError
from pidkit.nn.features import left_as_found
from pidkit.nn.taps import Taps, eager_model


@contextlib.contextmanager
def undisturbed(*models: nn.Module) -> Iterator[None]:
    """Run a block with models in eval mode, without gradients and in full precision, and restore everything afterwards.

    Beside what `left_as_found` restores, the random states of numpy and Python are put back. Autocast is switched off
    for the block: a pass under it would leave weights without a graph in its cache, and the numbers would depend on
    whether the caller used it.

    Examples
    --------
    >>> with torch.autocast("cpu", dtype=torch.bfloat16):
    ...     with undisturbed(nn.Linear(2, 2)):
    ...         print(torch.is_autocast_enabled("cpu"))
    ...     torch.is_autocast_enabled("cpu")
    False
    True
    """
    of_numpy, of_python = np.random.get_state(), random.getstate()  # noqa: NPY002  (the state that others use)
    kinds = {"cpu", *(parameter.device.type for model in models for parameter in model.parameters())}
    try:
        with contextlib.ExitStack() as stack:
            for kind in sorted(kinds):
                stack.enter_context(torch.autocast(kind, enabled=False))
            stack.enter_context(torch.inference_mode(mode=False))
            stack.enter_context(left_as_found(*models))
            yield
    finally:
        np.random.set_state(of_numpy)  # noqa: NPY002
        random.setstate(of_python)


def passes(
    model: nn.Module,
    layers: Iterable[str],
    x: Tensor,
    *,
    batch_size: int,
    forward: Callable[[Tensor], Any] | None = None,
    tapped: Callable[[nn.Module, list[str]], Taps] = Taps,
) -> Iterator[tuple[dict[str, Tensor], Any]]:
    """Run a model on `x` in batches; yield the outputs of its layers, cut off from the graph, and what was returned.

    Parameters
    ----------
    model : nn.Module
    layers : iterable of str
        Qualified names; perhaps none.
    x : Tensor, shape (n, ...)
        Moved batch by batch to the device of the model and, where both are floating, to its dtype.
    batch_size : int
    forward : callable, optional
        What to run, if not the model itself: something that runs it once.
    tapped : callable
        Makes the taps of layers: those of networks keep of an output what `tap` was told to keep.
    """
    model = eager_model(model)
    names = list(layers)
    run = model if forward is None else forward
    first = next(iter([*model.parameters(), *model.buffers()]), x)
    dtype = first.dtype if x.is_floating_point() and first.is_floating_point() else None
    with contextlib.ExitStack() as stack:
        taps = stack.enter_context(tapped(model, names)) if names else None
        for batch in torch.split(x, batch_size):
            returned = run(batch.to(first.device, dtype, copy=True))  # some networks change their input in place
            yield {} if taps is None else taps.take(), returned


class RowCollector:
    """Flat rows (n, d) of several outputs, gathered batch by batch on the CPU, in single precision at least."""

    def __init__(self) -> None:
        """Start without rows."""
        self._parts: dict[str, list[Tensor]] = {}

    def add(self, name: str, output: object, n: int) -> None:
        """Add the rows that an output has for a batch of `n` samples.

        Raises
        ------
        InputError
            If it is no tensor with one row a sample.
        """
        if not isinstance(output, Tensor) or output.ndim == 0 or len(output) != n:
            what = f"shape {tuple(output.shape)}" if isinstance(output, Tensor) else type(output).__name__
            raise InputError(f"{name!r} must put out a tensor with one row a sample, {n} of them; it puts out {what}")
        kind = torch.float64 if output.dtype == torch.float64 else torch.float32
        self._parts.setdefault(name, []).append(output.reshape(n, -1).to("cpu", kind))

    def take(self) -> dict[str, Tensor]:
        """Return the rows of every output, and begin anew."""
        rows = {name: torch.cat(parts) for name, parts in self._parts.items()}
        self._parts.clear()
        return rows


def check_finite(rows: Tensor, name: str) -> Tensor:
    """Return rows whose numbers are all finite, else raise InputError."""
    if not bool(rows.isfinite().all()):
        raise InputError(f"{name} puts out NaN or infinity on the sample; the training has diverged")
    return rows


def collect_rows(
    model: nn.Module,
    outputs: Iterable[str],
    x: Tensor,
    *,
    batch_size: int,
    tapped: Callable[[nn.Module, list[str]], Taps] = Taps,
) -> dict[str, Tensor]:
    """Return flat rows of layers, and of the logits where `LOGITS` is among them, and leave the model as it was.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv1d(1, 2, 3), nn.Flatten())
    >>> rows = collect_rows(model, ["0", LOGITS], torch.ones(4, 1, 5), batch_size=3)
    >>> {name: tuple(held.shape) for name, held in rows.items()}
    {'0': (4, 6), '(logits)': (4, 6)}
    """
    names = list(outputs)
    rows, done = RowCollector(), 0
    with undisturbed(model):
        layers_of_batches = passes(
            model, [name for name in names if name != LOGITS], x, batch_size=batch_size, tapped=tapped
        )
        for layers, logits in layers_of_batches:
            n = min(batch_size, len(x) - done)
            done += n
            for name in names:
                rows.add(name, logits if name == LOGITS else layers[name], n)
    return rows.take()
