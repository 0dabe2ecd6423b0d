"""The features of a teacher's layers, for what is fitted to them before training starts."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn

from pidkit.distill.networks import Networks
from pidkit.errors import InputError
from pidkit.nn.features import collect_features
from pidkit.nn.taps import Reduction


def teacher_features(
    model: nn.Module, layers: str | Iterable[str], x: Tensor, *, batch_size: int, reduce: str | Reduction = "none"
) -> dict[str, Tensor]:
    """Return the rows (n, d) of layers for inputs x by qualified name; see `collect_features`.

    Parameters
    ----------
    model : nn.Module
        The teacher, or `Networks` with one teacher, whose layers are then meant.

    Raises
    ------
    InputError
        If a layer is unknown, networks hold several teachers, or as `collect_features`.
    """
    return collect_features(_teacher_of(model), layers, x, batch_size=batch_size, reduce=reduce)


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
