"""Groups of parameters, their learning rates, and parameters that nobody would train."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from pidkit import InputError
from pidkit.distill import CrossEntropy, Objective, Phase, Phases
from pidkit.distill.training import Linear, Milestones, TrainerOptions
from pidkit.distill.training.optimisers import learning_rates, make_optimiser, parameter_groups, set_learning_rates
from tests.distill.toys import composed, tapped


class Reports(Objective):
    def __init__(self, groups: Callable[..., Any]) -> None:
        super().__init__()
        self.a, self.b = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(3))
        self._groups = groups

    def groups(self) -> dict[str, list[nn.Parameter]]:
        return self._groups(self)


def test_groups_rates_and_decay() -> None:
    networks = tapped()
    groups = parameter_groups(networks.student, composed(networks))
    assert list(groups) == ["student", "teacher_filters", "student_filters", "sigma"]
    options = TrainerOptions(learning_rate=0.1, learning_rates={"sigma": 0.01}, weight_decays={"sigma": 0.0})
    optimiser = make_optimiser(groups, options)
    assert learning_rates(optimiser) == {"student": 0.1, "teacher_filters": 0.1, "student_filters": 0.1, "sigma": 0.01}
    assert [group["weight_decay"] for group in optimiser.param_groups] == [5e-4, 5e-4, 5e-4, 0.0]
    assert isinstance(optimiser, torch.optim.SGD)
    assert all(group["nesterov"] and group["momentum"] == 0.9 for group in optimiser.param_groups)
    assert isinstance(make_optimiser(groups, TrainerOptions(optimiser="adamw")), torch.optim.AdamW)
    assert not make_optimiser(groups, TrainerOptions(momentum=0.0)).param_groups[0]["nesterov"]


def test_plain_momentum_adam_and_betas() -> None:
    groups = parameter_groups(tapped().student, CrossEntropy())
    assert not make_optimiser(groups, TrainerOptions(nesterov=False)).param_groups[0]["nesterov"]
    adam = make_optimiser(groups, TrainerOptions(optimiser="adam", betas=(0.5, 0.9)))
    assert type(adam) is torch.optim.Adam
    assert adam.param_groups[0]["betas"] == (0.5, 0.9)
    for betas, message in (
        ((0.9,), "betas must be two numbers"),
        ((0.9, 1.0), "betas must be"),
        (0.9, "betas must be"),
    ):
        with pytest.raises(InputError, match=message):
            TrainerOptions(betas=betas)  # type: ignore[arg-type]


def test_norms_and_biases_need_not_decay() -> None:
    networks = tapped()
    groups = parameter_groups(networks.student, composed(networks))
    optimiser = make_optimiser(groups, TrainerOptions(decayed="matrices", weight_decays={"sigma": 0.1}))
    decays = {
        (group["name"], p.ndim): group["weight_decay"] for group in optimiser.param_groups for p in group["params"]
    }
    assert {decay for (_, axes), decay in decays.items() if axes > 1} == {5e-4}
    assert {decay for (_, axes), decay in decays.items() if axes == 1} == {0.0}
    assert sum(len(group["params"]) for group in optimiser.param_groups) == sum(map(len, groups.values()))
    assert learning_rates(optimiser) == dict.fromkeys(groups, 0.05)


def test_learning_rates_follow_the_phase_and_the_step() -> None:
    networks = tapped()
    options = TrainerOptions(
        learning_rate=1.0,
        schedule={Phase.STUDENT: Milestones(epochs=(3,)), Phase.WARM_UP: Linear(length=1, per="step")},
    )
    optimiser = make_optimiser(parameter_groups(networks.student, CrossEntropy()), options)
    phases = Phases(warm_up=1, cycle=4, teacher_share=0.25)

    def rate(epoch: int, over: float) -> float:
        set_learning_rates(optimiser, options, phases, epoch, over)
        return learning_rates(optimiser)["student"]

    # warm-up, filter, student, student, student, filter
    assert [rate(epoch, 0.0) for epoch in range(6)] == pytest.approx([1.0, 1.0, 1.0, 0.1, 0.1, 1.0])
    assert [rate(epoch, 0.5) for epoch in range(6)] == pytest.approx([0.5, 1.0, 1.0, 0.1, 0.1, 1.0])


def test_frozen_parameters_of_the_student_are_left_out() -> None:
    networks = tapped()
    networks.student[0].requires_grad_(False)
    assert len(parameter_groups(networks.student, CrossEntropy())["student"]) == 4


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (lambda o: {"critics": [o.a]}, r"Reports.groups\(\) does not report 'b', which would never learn"),
        (lambda o: {"critics": [o.a, o.b], "sigma": [o.b]}, r"shape \(3,\) is in the groups 'critics' and 'sigma'"),
        (lambda o: {"heads": [o.a, o.b]}, "reports 'heads'; the groups are 'teacher_filters'"),
    ],
)
def test_wrong_reports_are_refused(groups: Callable[..., Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        parameter_groups(nn.Linear(1, 1), Reports(groups))


def test_nothing_to_learn_is_refused() -> None:
    with pytest.raises(InputError, match="nothing learns"):
        parameter_groups(nn.Linear(1, 1).requires_grad_(False), CrossEntropy())
