"""The settings of a run as plain values: all that a resumed run must share with the run that it continues."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from torch import nn

from pidkit.distill.objective import Objective
from pidkit.distill.phases import Phases
from pidkit.distill.training.data import Augment, DataSplit
from pidkit.distill.training.mixing import Mix
from pidkit.distill.training.options import TrainerOptions
from pidkit.distill.training.processes import rank_and_size
from pidkit.errors import InputError
from pidkit.nn.taps import eager_model


def describe_run(
    *,
    student: nn.Module,
    objective: Objective,
    phases: Phases,
    options: TrainerOptions,
    train: DataSplit,
    validation: DataSplit | None,
    augment: Augment | None,
    mix: Mix | None = None,
) -> dict[str, Any]:
    """Return what a resumed run must share, as plain values."""
    settings = phases.state_dict()
    del settings["epoch"]
    return {
        "options": options.settings(),
        "phases": settings,
        "objective": describe_objective(objective),
        "student": describe_module(eager_model(student)),
        "objective_state": describe_module(objective),
        "train": train.describe(),
        "validation": None if validation is None else validation.describe(),
        "augment": _described(augment),
        "mix": _described(mix),
        "n_processes": rank_and_size()[1],
    }


def _described(augment: Augment | Mix | None) -> str | None:
    """Return an augmentation by its name, with its options where it is a dataclass."""
    if augment is None or dataclasses.is_dataclass(augment):
        return None if augment is None else repr(augment)
    return str(getattr(augment, "__qualname__", type(augment).__qualname__))


def check_filters_learn(objective: Objective, phases: Phases, n_epochs: int) -> None:
    """Raise InputError where an objective has filters to fit and no epoch of the run has a phase that does."""
    there = {phases.at(epoch) for epoch in range(n_epochs)}
    for part in objective.modules():
        fitted_in = part.filter_phases() if isinstance(part, Objective) else ()
        if fitted_in and not there.intersection(fitted_in):
            names = " or ".join(repr(phase.value) for phase in fitted_in)
            raise InputError(
                f"phases has no {names} epoch, in which the filters of {type(part).__name__} learn; pass "
                "Phases(warm_up=n), with a teacher_share for RID"
            )


def describe_module(module: nn.Module) -> dict[str, str]:
    """Return the shapes and dtypes of what a module's parameters and buffers are."""
    tensors = [*module.named_parameters(), *module.named_buffers()]
    return {name: f"{tuple(tensor.shape)} {tensor.dtype}" for name, tensor in tensors}


def describe_objective(objective: Objective) -> dict[str, Any]:
    """Return the class and the plain public attributes of every objective within one, as they are in epoch 0."""
    objective.set_epoch(0)
    described: dict[str, Any] = {}
    for name, module in objective.named_modules():
        if isinstance(module, Objective):
            plain = {key: _plain(value) for key, value in vars(module).items() if not key.startswith("_")}
            del plain["training"]
            attributes = {key: value for key, value in plain.items() if value is not None}
            described[name or "objective"] = {"class": type(module).__qualname__, **attributes}
    return described


def _plain(value: object) -> Any:
    """Return numbers, strings and non-empty containers of these as they are; None for anything else."""
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple | list):
        parts = [_plain(part) for part in value]
        return parts if parts and None not in parts else None
    if isinstance(value, Mapping):
        entries = {str(key): _plain(part) for key, part in value.items()}
        return entries if entries and None not in entries.values() else None
    return None
