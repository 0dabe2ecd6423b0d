"""Collect the features of a network on a fixed set of inputs, and leave the network exactly as it was found."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from pidkit.arguments import Rng, check_count, items_of
from pidkit.errors import InputError
from pidkit.nn.inputs import Inputs, batches_of, check_inputs, copied_to, n_samples, named_tensors, run_on
from pidkit.nn.picking import LOGITS, LogitPick, check_pick, picked_logits
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
    x: Inputs,
    *,
    batch_size: int = 256,
    reduce: Reduce = "none",
    max_features: int | None = None,
    call: Call = "only",
    logits: LogitPick | None = None,
    rng: Rng = 0,
) -> dict[str, Tensor]:
    """Return the outputs of named layers for inputs, one flat row for each sample, and leave the model as it was.

    The model runs eagerly, in eval mode, in batches. At any time the outputs of one batch are held whole; beside them
    n rows a layer, of at most `max_features` entries.

    Parameters
    ----------
    model : torch.nn.Module
    layers : str or iterable of str
        Qualified names or globs: `find_layers`. With `logits` there may be none, ().
    x : torch.Tensor, shape (n, ...), or mapping of str to torch.Tensor
        Moved batch by batch to the device of the model and, where both are floating, to its dtype. Tensors by name are
        the model's keyword arguments.
    batch_size : int
    reduce, max_features, call, rng
        As in `Taps`.
    logits : str, int or callable, optional
        Collect what the model puts out too, as "(logits)": by the key or attribute where they are, the index, or a
        function of it, as in `pidkit.distill.tap`; of a model that puts out one tensor ``lambda out: out``.

    Returns
    -------
    dict of str to torch.Tensor
        On the CPU, shape (n, d), float32 (float64 where the layer computes in it), in the order of the layers, the
        logits last.

    Raises
    ------
    InputError
        If `x` has no rows, `batch_size` is below 1, a layer's output does not have one row a sample, the logits are not
        where `logits` says, or as `Taps`.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten())
    >>> {name: tuple(rows.shape) for name, rows in collect_features(model, "*", torch.ones(4, 1, 5, 5)).items()}
    {'0': (4, 18), '1': (4, 18)}
    """
    x = check_inputs("x", x)
    if any(part.ndim == 0 for part in named_tensors(x).values()) or n_samples(x) == 0:
        raise InputError("x must be a tensor with one row a sample, at least one; use torch.as_tensor")
    batch_size = check_count("batch_size", batch_size)
    logits = check_pick(logits)
    model = eager_model(model)
    features: dict[str, Tensor] = {}
    done = 0
    names = [layers] if isinstance(layers, str) else list(items_of("layers", layers))
    with left_as_found(model), contextlib.ExitStack() as stack:
        taps: Taps | None = None
        if names or logits is None:
            made = Taps(model, names, reduce=reduce, max_features=max_features, call=call, rng=rng)
            taps = stack.enter_context(made)
        for batch in batches_of(x, batch_size):
            n = n_samples(batch)
            returned = run_on(model, copied_to(batch, model))
            found = {} if taps is None else taps.take()
            if logits is not None:
                found[LOGITS] = picked_logits(returned, logits, of="the model")
            for name, output in found.items():
                rows = _rows(name, output, n)
                if name not in features:
                    kind = torch.float64 if rows.dtype == torch.float64 else torch.float32
                    features[name] = torch.empty(n_samples(x), rows.shape[1], dtype=kind)
                features[name][done : done + n] = rows
            done += n
    return features


def _rows(name: str, output: object, n: int) -> Tensor:
    """Return an output as flat rows, one a sample."""
    if not isinstance(output, Tensor) or output.ndim == 0:
        kind, what = ("number" if isinstance(output, Tensor) else type(output).__name__), "picks the tensor"
        raise InputError(f"{name!r} is a {kind}, no tensor with one row a sample; pass logits=, a callable that {what}")
    if output.shape[0] != n:
        advice = "pass reduce=, a callable that puts samples first"
        raise InputError(f"layer {name!r} puts out {output.shape[0]} rows for {n} samples; {advice}")
    return output.detach().reshape(n, -1)
