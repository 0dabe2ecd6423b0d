"""Taps: read the outputs of named layers of a network, without keeping graphs, hooks or more memory than asked for."""

from __future__ import annotations

import difflib
import fnmatch
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, Self, get_args

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from pidkit.arguments import Rng, check_count, flag, integer_seed, items_of, one_of
from pidkit.errors import InputError
from pidkit.nn.layouts import is_channels_first
from pidkit.nn.wrapped import SEVERAL_DEVICES, check_one_device
from pidkit.nn.wrapped import eager_model as eager_model

Reduction = Callable[[Any], Tensor]
"""A function from the output of a layer, of whatever type, to a tensor with one row for each sample."""

Reduce = str | Reduction | Mapping[str, str | Reduction]
"""How `Taps` reduces outputs: "none", "mean" or a callable for all layers, or a mapping of layers to these."""

Call = Literal["only", "first", "last"]
"""Which output to keep of a layer that runs several times in a forward pass; "only" refuses such layers."""


def find_layers(model: nn.Module, layers: str | Iterable[str]) -> tuple[str, ...]:
    """Return the qualified names of the layers that names and globs stand for.

    In the order asked for, those of one glob in the order of `model.named_modules()`, and each once. In a glob "*"
    stands for any characters, dots among them, so that "*" alone stands for every module, containers too.

    Parameters
    ----------
    model : torch.nn.Module
        A compiled model (`torch.compile`) and one in DataParallel or DistributedDataParallel count as the model that
        they wrap: no "_orig_mod." and no "module." in the names.
    layers : str or iterable of str
        Such as "features.3", ["conv1", "fc"] or "layer?.*.conv2".

    Raises
    ------
    InputError
        If `model` is no module, nothing was asked for, or a name or glob fits no layer; near matches are named.

    Examples
    --------
    >>> find_layers(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)), ["2", "[0-1]"])
    ('2', '0', '1')
    """
    known = [name for name, _ in eager_model(model).named_modules() if name]
    patterns = [layers] if isinstance(layers, str) else list(items_of("layers", layers))
    if not patterns or not all(isinstance(name, str) for name in patterns):
        raise InputError(f"layers must be one name or glob or several, such as ['conv1', 'blocks.*'], not {layers!r}")
    names: dict[str, None] = {}
    for name in patterns:
        matches = [name] if name in known else fnmatch.filter(known, name)
        if not matches:
            kind = type(model).__name__
            raise InputError(f"layers holds {name!r}, which fits no layer of {kind}{_near(name, known)}")
        names.update(dict.fromkeys(matches))
    return tuple(names)


def _near(name: str, known: Sequence[str]) -> str:
    """Return a hint at names that the caller may have meant: those with the same ending, and those spelt alike."""
    ending = [other for other in known if other.endswith(f".{name}")]
    close = dict.fromkeys([*ending, *difflib.get_close_matches(name, known, n=3)])
    shown = list(close)[:3] or list(known)[:5]
    if not shown:
        return "; it has no named layers"
    if not close:
        return f"; it has {', '.join(map(repr, shown))}{' and others' if len(known) > len(shown) else ''}"
    return f"; did you mean {' or '.join(map(repr, shown))}?"


def fits_layer(pattern: str, name: str) -> bool:
    """Return whether a name or glob stands for the layer of that name."""
    return pattern == name or fnmatch.fnmatchcase(name, pattern)


def _by_layer(reduce: Reduce, names: Sequence[str]) -> dict[str, str | Reduction]:
    """Return what is kept of every layer.

    Raises
    ------
    InputError
        If something asked for is no reduction, or a mapping names what is not tapped.
    """
    reductions = reduce if isinstance(reduce, Mapping) else {"*": reduce}
    for pattern, reduction in reductions.items():
        if reduction not in ("none", "mean") and not callable(reduction):
            raise InputError(f"reduce must be 'none', 'mean' or a callable, not {reduction!r}")
        if not any(fits_layer(pattern, name) for name in names):
            raise InputError(f"reduce names {pattern!r}, which fits no tapped layer; those are {', '.join(names)}")
    return {name: next((reductions[key] for key in reductions if fits_layer(key, name)), "none") for name in names}


class Taps:
    """Read the outputs of named layers during forward passes: a context manager, whose hooks live as long as it does.

    Parameters
    ----------
    model : torch.nn.Module
    layers : str or iterable of str
        Qualified names or globs: `find_layers`.
    reduce : "none", "mean", callable, or mapping of str to these
        What the hook keeps of an output: all of it; the mean of each channel of maps (n, channels, ...); or what the
        callable makes of it, whatever it is. "mean" is refused where the channels may be another axis: for tokens (n,
        time, width) pass `lambda out: out.mean(1)`. In a mapping the first name or glob that fits a layer counts, and
        "none" where none does.
    max_features : int, optional
        Flatten each row and, where it is longer, add its entries with random signs into this many sums (the count
        sketch: linear, and inner products stay as they are on average). The same every time for a layer and an `rng`.
    call : "only", "first" or "last"
        Which output to keep of a layer that runs several times in one forward pass; "only" refuses such layers.
    detach : bool
        True: no graph is kept. False: the graph is, to train through the outputs. They are cloned either way, so that
        what the network changes in place afterwards does not reach them.
    rng : int or numpy.random.Generator
        What the signs and sums are drawn from; of a Generator one integer is drawn, once.

    Attributes
    ----------
    names : tuple of str
        The layers, in order.
    listening : bool
        False: the hooks pass over what runs, until it is True again.

    Raises
    ------
    InputError
        From the constructor for unknown layers and options, and a DataParallel on several devices; from a forward pass
        for outputs that cannot be kept.

    Notes
    -----
    Code that was compiled before the taps were entered does not see them. Enter them before the first compiled call,
    or run the pass eagerly, as `collect_features` does.

    Source of the sketch: Charikar, Chen and Farach-Colton, ICALP 2002; Weinberger et al., ICML 2009.

    Examples
    --------
    >>> model = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    >>> with Taps(model, "0") as taps:
    ...     _ = model(torch.ones(5, 2))
    ...     taps.take()["0"].shape
    torch.Size([5, 3])
    """

    def __init__(
        self,
        model: nn.Module,
        layers: str | Iterable[str],
        *,
        reduce: Reduce = "none",
        max_features: int | None = None,
        call: Call = "only",
        detach: bool = True,
        rng: Rng = 0,
    ) -> None:
        """Check the options and find the layers; hooks are attached on entering."""
        check_one_device(model)
        self.names = find_layers(model, layers)
        reductions = _by_layer(reduce, self.names)
        self._max_features = None if max_features is None else check_count("max_features", max_features)
        self._call = one_of("call", call, get_args(Call))
        self._model = eager_model(model)
        self._reductions = reductions
        self._detach, self._seed = flag("detach", detach), integer_seed(rng)
        self.listening = True
        self._kept: dict[str, Tensor] = {}
        self._sketches: dict[tuple[str, int], tuple[Tensor, Tensor]] = {}
        self._handles: list[RemovableHandle] = []

    def __enter__(self) -> Self:
        """Attach the hooks.

        Raises
        ------
        InputError
            If they are attached already.
        """
        if self._handles:
            raise InputError("taps are entered already; make new ones, or leave the first block")
        modules = dict(self._model.named_modules())
        try:
            for name in self.names:
                self._handles.append(modules[name].register_forward_hook(self._hook(name)))
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the hooks, also after an exception."""
        self.remove()

    def remove(self) -> None:
        """Remove the hooks and forget what was kept."""
        while self._handles:
            self._handles.pop().remove()
        self._kept.clear()

    def forget(self) -> None:
        """Forget what was kept, as after a forward pass that failed half way; the hooks stay."""
        self._kept.clear()

    def take(self) -> dict[str, Tensor]:
        """Return the outputs of the last forward pass by layer, in the order of `names`, and forget them.

        Raises
        ------
        InputError
            If a layer did not run since the last call.
        """
        missing = [name for name in self.names if name not in self._kept]
        if missing:
            self._kept.clear()
            advice = "leave it out, or, if compiled code ran before the taps were there, call torch.compiler.reset()"
            raise InputError(f"layers holds {missing[0]!r}, which did not run in the forward pass; {advice}")
        taken = {name: self._kept[name] for name in self.names}
        self._kept.clear()
        return taken

    def _hook(self, name: str) -> Callable[[nn.Module, Any, Any], None]:
        def keep(module: nn.Module, inputs: Any, output: Any) -> None:
            if not self.listening:
                return
            if getattr(module, "_is_replica", False):
                raise InputError(f"layers holds {name!r}, which DataParallel runs, and {SEVERAL_DEVICES}")
            if name in self._kept and self._call == "first":
                return
            if name in self._kept and self._call == "only":
                advice = "pass call='first' or 'last', or tap the modules around it"
                raise InputError(f"layers holds {name!r}, which runs more than once in a forward pass; {advice}")
            self._kept[name] = self._reduced(name, output, module)

        return keep

    def _reduced(self, name: str, output: Any, module: nn.Module) -> Tensor:
        """Return what is kept of an output: selected, pooled, sketched, cut off from the graph, and a copy."""
        reduction = self._reductions[name]
        tensor = reduction(output) if callable(reduction) else output
        if not isinstance(tensor, Tensor) or tensor.ndim == 0:
            what = "a number" if isinstance(tensor, Tensor) else type(tensor).__name__
            advice = "pass reduce=, a callable that picks the tensor, such as lambda out: out[0]"
            raise InputError(f"layer {name!r} puts out {what}, not a tensor with one row a sample; {advice}")
        if reduction == "mean" and tensor.ndim > 2:
            if not is_channels_first(tuple(tensor.shape), module):
                means = "lambda out: out.mean((2, 3)) for maps with the channels first, out.mean(1) for tokens"
                advice = f"pass reduce=, a callable such as {means}"
                shape = tuple(tensor.shape)
                raise InputError(f"layer {name!r} puts out shape {shape}, whose channels may be any axis; {advice}")
            tensor = tensor.flatten(2).mean(2)
        if self._detach:
            tensor = tensor.detach()
        if self._max_features is not None:
            tensor = tensor.flatten(1) if tensor.ndim > 1 else tensor.unsqueeze(1)
            if tensor.shape[1] > self._max_features:
                return self._sketched(name, tensor)
        return tensor.clone()

    def _sketched(self, name: str, rows: Tensor) -> Tensor:
        """Return rows (n, d) as (n, max_features): entry i is added, with a random sign, to one of equal buckets."""
        width, d = int(self._max_features or 1), rows.shape[1]
        if (name, d) not in self._sketches:
            generator = torch.Generator().manual_seed(zlib.crc32(name.encode()) ^ self._seed)
            bucket = torch.randperm(d, generator=generator) % width
            sign = 2 * torch.randint(2, (d,), generator=generator) - 1
            self._sketches[name, d] = (bucket.to(rows.device), sign.to(rows))
        bucket, sign = self._sketches[name, d]
        return rows.new_zeros(rows.shape[0], width).index_add(1, bucket, rows * sign)
