"""The protocol of objectives, and blocks that freeze."""

import math

import pytest
import torch
from torch import nn

from pidkit.distill import Batch, Objective, Outputs, Phase
from pidkit.distill.objective import frozen


def batch(logits: torch.Tensor) -> Batch:
    return Batch(Outputs(logits, {}), {"teacher": Outputs(logits.detach(), {})})


class Constant(Objective):
    """A parameter for each phase, and the epoch it was told."""

    def __init__(self, *values: float) -> None:
        super().__init__()
        self.values = nn.Parameter(torch.tensor(values))
        self.epoch: int | None = None

    def student_loss(self, batch: Batch, labels: torch.Tensor) -> torch.Tensor:
        return self.values[0]

    def warm_up_loss(self, batch: Batch, labels: torch.Tensor) -> torch.Tensor:
        return self.values[1]

    def teacher_filter_loss(self, batch: Batch, labels: torch.Tensor) -> torch.Tensor:
        return self.values[2]

    def groups(self) -> dict[str, list[nn.Parameter]]:
        return {"critics": [self.values]}

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch


LABELS = torch.tensor([0, 1])
LOGITS = torch.tensor([[math.log(3.0), 0.0], [0.0, 0.0]], dtype=torch.float64)


def test_the_phase_picks_the_loss() -> None:
    loss = Constant(1.0, 2.0, 3.0)
    for phase, expected in ((Phase.STUDENT, 1.0), (Phase.WARM_UP, 2.0), (Phase.TEACHER_FILTER, 3.0)):
        assert float(loss(batch(LOGITS), LABELS, phase).detach()) == expected


def test_an_objective_without_a_loss_says_so() -> None:
    with pytest.raises(NotImplementedError, match=r"Objective must define student_loss\(batch, labels\)"):
        Objective()(batch(LOGITS), LABELS)
    assert Objective().groups() == {}


def test_parameters_are_the_students_filters_unless_said_otherwise() -> None:
    class Plain(Objective):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1))

    plain = Plain()
    assert plain.groups() == {"student_filters": [plain.weight]}


def test_frozen_puts_every_mode_back_also_after_an_error() -> None:
    norm, dropout = nn.BatchNorm1d(2), nn.Dropout()
    part = nn.Sequential(norm, dropout)
    norm.eval()

    def fail() -> None:
        assert not dropout.training
        assert not torch.is_grad_enabled()
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"), frozen(part):
        fail()
    assert (part.training, norm.training, dropout.training) == (True, False, True)
    assert torch.is_grad_enabled()
