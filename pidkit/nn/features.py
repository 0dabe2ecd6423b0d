"""Collect the features of a network on a fixed set of inputs, and leave the network exactly as it was found."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from pidkit.arguments import Rng, check_count
from pidkit.errors import InputError
from pidkit.nn.seeding import own_random_state
from pidkit.nn.taps import Call, Reduce, Taps, eager_model


@contextlib.contextmanager
def left_as_found(*models: nn.Module) -> Iterator[None]:
    """Put models into eval mode without gradients, and leave everything as it was, also after an exception.

    Restored: train or eval mode of every submodule, every buffer (its values, and the tensor itself), and the random
    state of torch on the CPU and, where it is in use, on CUDA. Parameters and their gradients are not touched, and no
    graph is recorded. Code compiled by `torch.compile` runs eagerly meanwhile (torch >= 2.6), so that hooks are seen.

    Raises
    ------
    InputError
        If a lazy module has no shape yet: a pass would give it one.

    Examples
    --------
    >>> model = nn.Sequential(nn.BatchNorm1d(2), nn.Dropout()).train()
    >>> with left_as_found(model):
    ...     model[1].training
    False
    >>> model[1].training
    True
    """
    modules = [module for model in models for module in eager_model(model).modules()]
    for module in modules:
        if any(is_lazy(tensor) for tensor in (*module.parameters(recurse=False), *module.buffers(recurse=False))):
            kind = type(module).__name__
            raise InputError(f"model holds a {kind} that has no shape yet; run one batch through the model first")
    modes = [module.training for module in modules]
    saved = [{key: (b, b.clone()) for key, b in m._buffers.items() if b is not None} for m in modules]
    stance = getattr(torch.compiler, "set_stance", None)
    eager = contextlib.nullcontext() if stance is None else stance("force_eager")
    try:
        with own_random_state(), torch.no_grad(), eager:
            for module in modules:
                module.training = False
            yield
    finally:
        for module, mode, buffers in zip(modules, modes, saved, strict=True):
            module.training = mode
            for key, (buffer, values) in buffers.items():
                module._buffers[key] = buffer
                if not torch.equal(buffer, values):
                    with torch.no_grad():
                        # Observers of quantisation-aware training grow theirs at the first pass.
                        buffer.resize_(values.shape).copy_(values)


def collect_features(
    model: nn.Module,
    layers: str | Iterable[str],
    x: Tensor,
    *,
    batch_size: int = 256,
    reduce: Reduce = "none",
    max_features: int | None = None,
    call: Call = "only",
    rng: Rng = 0,
) -> dict[str, Tensor]:
    """Return the outputs of named layers for inputs, one flat row for each sample, and leave the model as it was.

    The model runs eagerly, in eval mode, in batches. At any time the outputs of one batch are held whole; beside them
    n rows a layer, of at most `max_features` entries.

    Parameters
    ----------
    model : torch.nn.Module
    layers : str or iterable of str
        Qualified names or globs: `find_layers`.
    x : torch.Tensor, shape (n, ...)
        Moved batch by batch to the device of the model and, where both are floating, to its dtype.
    batch_size : int
    reduce, max_features, call, rng
        As in `Taps`.

    Returns
    -------
    dict of str to torch.Tensor
        On the CPU, shape (n, d), float32 (float64 where the layer computes in it), in the order of the layers.

    Raises
    ------
    InputError
        If `x` has no rows, `batch_size` is below 1, a layer's output does not have one row a sample, or as `Taps`.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten())
    >>> {name: tuple(rows.shape) for name, rows in collect_features(model, "*", torch.ones(4, 1, 5, 5)).items()}
    {'0': (4, 18), '1': (4, 18)}
    """
    given: object = x
    if not isinstance(given, Tensor) or given.ndim == 0 or len(given) == 0:
        raise InputError("x must be a tensor with one row a sample, at least one; use torch.as_tensor")
    batch_size = check_count("batch_size", batch_size)
    model = eager_model(model)
    first = next(iter([*model.parameters(), *model.buffers()]), x)
    floating = x.is_floating_point() and first.is_floating_point()
    features: dict[str, Tensor] = {}
    with (
        left_as_found(model),
        Taps(model, layers, reduce=reduce, max_features=max_features, call=call, rng=rng) as taps,
    ):
        for start in range(0, len(x), batch_size):
            batch = x[start : start + batch_size]
            # A copy: some networks change their input in place.
            model(batch.to(first.device, first.dtype if floating else None, copy=True))
            for name, output in taps.take().items():
                if output.shape[0] != len(batch):
                    advice = "pass reduce=, a callable that puts samples first"
                    raise InputError(
                        f"layer {name!r} puts out {output.shape[0]} rows for {len(batch)} samples; {advice}"
                    )
                rows = output.reshape(len(batch), -1)
                if name not in features:
                    kind = torch.float64 if rows.dtype == torch.float64 else torch.float32
                    features[name] = torch.empty(len(x), rows.shape[1], dtype=kind)
                features[name][start : start + len(batch)] = rows
    return features
