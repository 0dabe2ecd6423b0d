"""What is kept of the tapped layers of either network: reductions and layouts by layer, and which call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from torch import Tensor, nn

from pidkit.arguments import one_of
from pidkit.distill.resizing import NAMED_REDUCTIONS
from pidkit.distill.teacher_cache.identity import plain
from pidkit.errors import InputError
from pidkit.nn.layouts import Layout, is_channels_first, is_tokens, rearranged
from pidkit.nn.taps import Call, Reduce, Reduction, Taps, fits_layer

Layouts = Layout | Mapping[str, Layout]
"""Where channels lie: in all layers, or by name or glob of layers of either network."""


@dataclass(frozen=True)
class KeptOutputs:
    """The options of `tap` that say what becomes of a layer's output; they hold for layers of both networks."""

    reduce: Reduce = "none"
    layout: Layouts | None = None
    call: Call = "only"
    masked: bool = False

    def check(self, tapped: set[str]) -> None:
        """Raise InputError where an option is unknown or names a layer that is tapped in no network."""
        layouts = self.layout.values() if isinstance(self.layout, Mapping) else [self.layout]
        for layout in layouts:
            if layout is not None:
                one_of("layout", layout, get_args(Layout))
        for name, option in (("reduce", self.reduce), ("layout", self.layout)):
            for key in option if isinstance(option, Mapping) else ():
                if not any(fits_layer(key, layer) for layer in tapped):
                    layers = ", ".join(map(repr, sorted(tapped))) or "none"
                    raise InputError(f"{name} names {key!r}, which fits no tapped layer; tapped are {layers}")

    def taps(self, model: nn.Module, names: Iterable[str], *, detach: bool = True) -> Taps:
        """Return the taps of layers of one network."""
        names = list(names)
        reduce: dict[str, str | Reduction] = {name: self.reduction(name) for name in names}
        return Taps(model, names, reduce=reduce, call=self.call, detach=detach)

    def check_layout(self, name: str, module: nn.Module, output: Tensor) -> None:
        """Raise InputError where nothing says which axis of a layer's output holds the channels."""
        if output.ndim < 3 or _of_layer(self.layout, name) is not None:
            return
        shape, picked = tuple(output.shape), callable(self.reduction(name))
        known = is_tokens(shape, module) if output.ndim == 3 else is_channels_first(shape, None if picked else module)
        if not known:
            raise InputError(
                f"layer {name!r} puts out shape {shape}, whose channels may be axis 1 or {output.ndim - 1}; pass "
                "layout='channels-first' or 'channels-last' to tap, or one by layer, such as layout={"
                f"{name!r}: 'channels-last'}}"
            )

    def described(self, name: str) -> list[Any]:
        """Return in plain values what is kept of a layer, callables by their code."""
        return [plain(self.reduction(name)), self.call]

    def reduction(self, name: str) -> str | Reduction:
        """Return what is kept of a layer, its channels brought to where objectives look for them."""
        given, layout = _of_layer(self.reduce, name) or "none", _of_layer(self.layout, name)
        named: Reduction | None = NAMED_REDUCTIONS.get(given) if isinstance(given, str) else None
        reduction: str | Reduction = given if named is None else named
        if layout is None:
            return reduction
        return _OfTokens(reduction, layout) if self.masked else _Rearranged(reduction, layout)


@dataclass(frozen=True)
class _Rearranged:
    """A reduction followed by `rearranged`."""

    reduction: str | Reduction
    layout: Layout

    def __call__(self, output: Any) -> Any:
        picked = self.reduction(output) if callable(self.reduction) else output
        if not isinstance(picked, Tensor) or picked.ndim < 3:
            return picked
        if self.reduction == "mean":
            channels = 1 if self.layout == "channels-first" else picked.ndim - 1
            return picked.mean([axis for axis in range(1, picked.ndim) if axis != channels])
        return rearranged(picked, self.layout)


@dataclass(frozen=True)
class _OfTokens(_Rearranged):
    """The same where a mask says which tokens are padding."""

    def __call__(self, output: Any) -> Any:
        if self.reduction == "mean" and isinstance(output, Tensor) and output.ndim == 3:
            advice = "leave it out: objectives that average over tokens leave padding out themselves"
            raise InputError(f"reduce is 'mean', over padding too, where mask says which tokens count; {advice}")
        return super().__call__(output)


def _of_layer(option: Any, name: str) -> Any:
    """Return the option of one layer: the first key of a mapping that fits it, or None."""
    if not isinstance(option, Mapping):
        return option
    return next((option[key] for key in option if fits_layer(key, name)), None)
