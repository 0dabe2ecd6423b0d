"""The protocol of objectives, and blocks that freeze."""

import math

import pytest
import torch
from torch import nn

from pidkit import InputError
from pidkit.distill import (
    RID,
    TED,
    Batch,
    CrossEntropy,
    LayerPair,
    Objective,
    Outputs,
    Phase,
    SalientMask,
    SeveralTeachers,
    WeightedSum,
)
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


def test_filters_are_not_trained_without_a_word() -> None:
    """Before, an objective called without a phase took the student's, in which f_t got no gradient at all."""
    pair = LayerPair("s", "s", (4,), (4,))
    rows = Outputs(torch.randn(6, 3), {"s": torch.randn(6, 4)})
    batch, labels = Batch(rows, {"teacher": rows}), torch.arange(6) % 3
    for objective in (RID([pair], n_classes=3), TED([pair], n_classes=3)):
        for around in (
            objective,
            WeightedSum({"one": objective}),
            SeveralTeachers({"teacher": objective}),
            SalientMask(objective, keep=0.5),
            WeightedSum({"masked": SalientMask(objective, keep=0.5), "labels": CrossEntropy()}),
        ):
            kind = type(objective).__name__
            with pytest.raises(
                InputError, match=rf"phase must be given to {kind}, .*'warm-up'.*; make Phases\(warm_up=\.\.\.\)"
            ):
                around(batch, labels)
            assert around(batch, labels, Phase.STUDENT).requires_grad
    assert (RID([pair], n_classes=3).filter_phases(), TED([pair], n_classes=3).filter_phases()) == (
        (Phase.WARM_UP, Phase.TEACHER_FILTER),
        (Phase.WARM_UP,),
    )
    assert CrossEntropy().filter_phases() == ()
