"""The features of a teacher's layers, for what is fitted to them before training starts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from pidkit.arguments import check_count
from pidkit.distill.batch import LOGITS
from pidkit.distill.kept import KeptOutputs
from pidkit.distill.networks import Networks
from pidkit.distill.padding import pooled_layer, without_padding
from pidkit.distill.picking import picked_mask
from pidkit.distill.places import as_places
from pidkit.errors import InputError
from pidkit.nn.features import collect_features, left_as_found
from pidkit.nn.inputs import Inputs, batches_of, copied_to
from pidkit.nn.taps import Reduction, eager_model, find_layers


def teacher_features(
    model: nn.Module, layers: str | Iterable[str], x: Inputs, *, batch_size: int, pool: bool = False
) -> dict[str, Tensor]:
    """Return the rows (n, d) of layers for inputs x by qualified name; see `collect_features`.

    Parameters
    ----------
    model : nn.Module
        The teacher, or `Networks` with one teacher, whose layers are then meant and read as they are tapped, from their
        cache where they have one. Where the networks have a mask, padding is left out.
    pool : bool
        Average the channels over the places.

    Raises
    ------
    InputError
        If a layer is unknown, networks hold several teachers, one with a mask does not tap the layer, or as
        `collect_features`.
    """
    teacher, kept = _teacher_of(model), model.kept if isinstance(model, Networks) else KeptOutputs()
    names = find_layers(teacher, layers)
    if isinstance(model, Networks) and (
        has_cached(model, name := next(iter(model.teachers)), names) or model.mask is not None
    ):
        if missing := set(names) - set(model.teacher_layers(name)):
            advice = "name it in tap(layers=...), so that the mask of the networks is known for it"
            raise InputError(f"layers holds {min(missing)!r}, which the networks do not tap; {advice}")
        parts: dict[str, list[Tensor]] = {layer: [] for layer in names}
        with left_as_found(teacher):
            for batch, answers in cached_batches(model, name, x, batch_size=check_count("batch_size", batch_size)):
                mask = picked_mask(batch, model.mask)
                for layer, rows in parts.items():
                    whole = answers[layer]
                    mask_of = None if mask is None else mask.to(whole.device)
                    out = pooled_layer(whole, mask_of) if pool else without_padding(whole, mask_of)
                    kind = torch.float64 if out.dtype == torch.float64 else torch.float32
                    rows.append(out.reshape(len(out), -1).to("cpu", kind))
        return {layer: torch.cat(rows) for layer, rows in parts.items()}
    reduce = {name: kept.reduction(name) for name in names}
    if pool:
        reduce = {name: how if how == "mean" else Pooled(how) for name, how in reduce.items()}
    return collect_features(teacher, names, x, batch_size=batch_size, reduce=reduce, call=kept.call)


def has_cached(networks: Networks, name: str, outputs: Iterable[str]) -> bool:
    """Return whether networks have a cache for outputs of a teacher, as they are when it runs eagerly."""
    model = networks.teachers[name].get_submodule("model")
    known = {LOGITS, *networks.teacher_layers(name)}
    return networks.cache is not None and eager_model(model) is model and known.issuperset(outputs)


def cached_batches(
    networks: Networks, name: str, x: Inputs, *, batch_size: int
) -> Iterator[tuple[Inputs, dict[str, Tensor]]]:
    """Yield batches of inputs, and what a teacher puts out for them with its tapped layers, by way of the cache."""
    teacher = networks.teachers[name]
    for batch in batches_of(x, batch_size):
        yield batch, networks.teacher_outputs(name, copied_to(batch, teacher))


@dataclass(frozen=True)
class Pooled:
    """A reduction followed by the mean of each channel over the places."""

    reduction: str | Reduction

    def __call__(self, output: Any) -> Tensor:
        """Return the means, shape (n, channels)."""
        return as_places(self.reduction(output) if callable(self.reduction) else output).mean(2)


def _teacher_of(model: nn.Module) -> nn.Module:
    """Return a network, or the only teacher of tapped networks."""
    if not isinstance(model, Networks):
        return model
    if len(model.teachers) != 1:
        names = ", ".join(map(repr, model.teachers))
        raise InputError(f"networks hold the teachers {names}; pass the model of one, networks.teachers[name].model")
    teacher = next(iter(model.teachers.values()))
    inner: nn.Module = teacher.model  # type: ignore[assignment]
    return inner
