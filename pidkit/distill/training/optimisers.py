"""One optimiser over everything that learns, with a parameter group for each part, and its learning rates."""

from __future__ import annotations

from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from pidkit.distill.objective import Objective
from pidkit.distill.phases import Phases
from pidkit.distill.training.options import PARAMETER_GROUPS, TrainerOptions
from pidkit.distill.training.schedules import factor_at
from pidkit.errors import InputError


def parameter_groups(student: nn.Module, objective: Objective) -> dict[str, list[nn.Parameter]]:
    """Return everything that learns, by group: the student, then the objective's own groups.

    Raises
    ------
    InputError
        If a parameter is in two groups; if the objective holds one that none of its groups reports, which would never
        learn; or if nothing learns.
    """
    groups = {"student": [parameter for parameter in student.parameters() if parameter.requires_grad]}
    for group, parameters in objective.groups().items():
        if group not in PARAMETER_GROUPS[1:]:
            known = ", ".join(map(repr, PARAMETER_GROUPS[1:]))
            raise InputError(f"{type(objective).__name__}.groups() reports {group!r}; the groups are {known}")
        groups[group] = [parameter for parameter in parameters if parameter.requires_grad]
    owner: dict[int, str] = {}
    for group, parameters in groups.items():
        for parameter in parameters:
            if id(parameter) in owner:
                raise InputError(
                    f"a parameter of shape {tuple(parameter.shape)} is in the groups {owner[id(parameter)]!r} and "
                    f"{group!r}; an objective must report only its own, each once"
                )
            owner[id(parameter)] = group
    for name, parameter in objective.named_parameters():
        if parameter.requires_grad and id(parameter) not in owner:
            raise InputError(
                f"{type(objective).__name__}.groups() does not report {name!r}, which would never learn; add it to a "
                "group, or set requires_grad=False"
            )
    if not owner:
        raise InputError("nothing learns: no parameter of the student or the objective requires a gradient")
    return {group: parameters for group, parameters in groups.items() if parameters}


def make_optimiser(groups: dict[str, list[nn.Parameter]], options: TrainerOptions) -> Optimizer:
    """Return SGD, Adam or AdamW, with the learning rate and the weight decay of every group.

    One optimiser for all: parameters that a phase leaves without a gradient are passed over, momentum and weight decay
    included, so that frozen parts stay exactly as they are.
    """
    described = []
    for group, parameters in groups.items():
        few = [p for p in parameters if p.ndim < 2] if options.decayed == "matrices" else []
        rest = [p for p in parameters if p.ndim >= 2] if options.decayed == "matrices" else parameters
        for some, decay in ((rest, options.weight_decay_of(group)), (few, 0.0)):
            if some:
                rate = options.learning_rate_of(group)
                described.append({"params": some, "lr": rate, "weight_decay": decay, "name": group})
    if options.optimiser != "sgd":
        return (AdamW if options.optimiser == "adamw" else Adam)(described, betas=options.betas)
    nesterov = options.nesterov and options.momentum > 0.0
    return SGD(described, lr=options.learning_rate, momentum=options.momentum, nesterov=nesterov)


def set_learning_rates(optimiser: Optimizer, options: TrainerOptions, phases: Phases, epoch: int, over: float) -> None:
    """Set the learning rates of an epoch of which a share is over: each group's own times the factor of the schedule.

    They are functions of epoch and step alone: a scheduler would have a state to be saved.
    """
    factor = factor_at(options.schedules, phases, epoch, over)
    for group in optimiser.param_groups:
        group["lr"] = options.learning_rate_of(group["name"]) * factor


def learning_rates(optimiser: Optimizer) -> dict[str, float]:
    """Return the present learning rate of every group."""
    return {group["name"]: float(group["lr"]) for group in optimiser.param_groups}
