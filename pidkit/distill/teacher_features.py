"""The features of a teacher's layers, for what is fitted to them before training starts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from pidkit.distill.kept import KeptOutputs
from pidkit.distill.networks import Networks
from pidkit.distill.places import as_places
from pidkit.errors import InputError
from pidkit.nn.features import collect_features
from pidkit.nn.taps import Reduction, find_layers


def teacher_features(
    model: nn.Module, layers: str | Iterable[str], x: Tensor, *, batch_size: int, pool: bool = False
) -> dict[str, Tensor]:
    """Return the rows (n, d) of layers for inputs x by qualified name; see `collect_features`.

    Parameters
    ----------
    model : nn.Module
        The teacher, or `Networks` with one teacher, whose layers are then meant and read as they are tapped.
    pool : bool
        Average the channels over the places.

    Raises
    ------
    InputError
        If a layer is unknown, networks hold several teachers, or as `collect_features`.
    """
    teacher, kept = _teacher_of(model), model.kept if isinstance(model, Networks) else KeptOutputs()
    names = find_layers(teacher, layers)
    reduce = {name: kept.reduction(name) for name in names}
    if pool:
        reduce = {name: how if how == "mean" else Pooled(how) for name, how in reduce.items()}
    return collect_features(teacher, names, x, batch_size=batch_size, reduce=reduce, call=kept.call)


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
