"""Collect outputs of networks on a held-out sample in the middle of a training run, without changing the run."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from pidkit.distill.batch import LOGITS, Batch
from pidkit.distill.networks import Networks
from pidkit.distill.padding import without_padding
from pidkit.distill.picking import picked_mask
from pidkit.errors import InputError
from pidkit.nn.features import left_as_found
from pidkit.nn.inputs import Inputs, batches_of, copied_to, n_samples, run_on
from pidkit.nn.seeding import others_kept
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
    kinds = {"cpu", *(parameter.device.type for model in models for parameter in model.parameters())}
    with contextlib.ExitStack() as stack:
        stack.enter_context(others_kept())
        for kind in sorted(kinds):
            stack.enter_context(torch.autocast(kind, enabled=False))
        stack.enter_context(torch.inference_mode(mode=False))
        stack.enter_context(left_as_found(*models))
        yield


def passes(
    model: nn.Module,
    layers: Iterable[str],
    x: Inputs,
    *,
    batch_size: int,
    forward: Callable[[Inputs], Any] | None = None,
    tapped: Callable[[nn.Module, list[str]], Taps] = Taps,
) -> Iterator[tuple[Inputs, dict[str, Tensor], Any]]:
    """Run a model on `x` in batches; yield these, the outputs of layers, cut off from the graph, and what was returned.

    Parameters
    ----------
    model : nn.Module
    layers : iterable of str
        Qualified names; perhaps none.
    x : Tensor, shape (n, ...), or mapping of str to Tensor
        Moved batch by batch to the device of the model and, where both are floating, to its dtype.
    batch_size : int
    forward : callable, optional
        What to run, if not the model itself: something that runs it once.
    tapped : callable
        Makes the taps of layers: those of networks keep of an output what `tap` was told to keep.
    """
    model = eager_model(model)
    names = list(layers)
    run = partial(run_on, model) if forward is None else forward
    with contextlib.ExitStack() as stack:
        taps = stack.enter_context(tapped(model, names)) if names else None
        for batch in batches_of(x, batch_size):
            returned = run(copied_to(batch, model))
            yield batch, {} if taps is None else taps.take(), returned


def as_it_is(name: str, output: Any, x: Inputs) -> Any:
    """Return an output as it is."""
    return output


def unpadded(networks: Networks, name: str, output: Tensor, x: Inputs) -> Tensor:
    """Return a layer or the logits with padding zero, where networks have a mask of such inputs."""
    mask = picked_mask(x, networks.mask)
    if mask is None:
        return output
    if name == LOGITS and output.ndim > 2:
        output = output.movedim(networks.class_axis, -1 if output.ndim == 3 else 1)
    return without_padding(output, mask.to(output.device))


def row_of(networks: Networks, network: str, name: str, output: Any, x: Inputs) -> Tensor:
    """Return what is read of an output of "student" or a teacher: of a layer, or of the logits in what it puts out.

    The logits of a `Batch`, which has them with the classes on axis 1, as the network put them out.
    """
    if name == LOGITS and isinstance(output, Batch):
        logits = output.student.logits
        output = logits if logits.ndim < 3 else logits.movedim(1, networks.class_axis)
    elif name == LOGITS:
        output = networks.logits_of(network, output)
    return unpadded(networks, name, output, x)


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
    x: Inputs,
    *,
    batch_size: int,
    tapped: Callable[[nn.Module, list[str]], Taps] = Taps,
    kept: Callable[[str, Any, Inputs], Any] = as_it_is,
) -> dict[str, Tensor]:
    """Return flat rows of layers, and of the logits where `LOGITS` is among them, and leave the model as it was.

    `kept` is what is kept of an output of that name for such inputs.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv1d(1, 2, 3), nn.Flatten())
    >>> rows = collect_rows(model, ["0", LOGITS], torch.ones(4, 1, 5), batch_size=3)
    >>> {name: tuple(held.shape) for name, held in rows.items()}
    {'0': (4, 6), '(logits)': (4, 6)}
    """
    names = list(outputs)
    rows = RowCollector()
    with undisturbed(model):
        layers_of_batches = passes(
            model, [name for name in names if name != LOGITS], x, batch_size=batch_size, tapped=tapped
        )
        for batch, layers, logits in layers_of_batches:
            for name in names:
                output = kept(name, logits if name == LOGITS else layers[name], batch)
                rows.add(name, output, n_samples(batch))
    return rows.take()
