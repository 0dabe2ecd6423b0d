"""The protocol of objectives, their weighted sum, cross-entropy by hand, and blocks that freeze."""

import math

import pytest
import torch
from torch import nn

from pidkit import InputError
from pidkit.distill import Batch, CrossEntropy, Objective, Outputs, Phase, WeightedSum
from pidkit.distill.objective import frozen, merged_groups


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


def test_cross_entropy_by_hand() -> None:
    """Probabilities of the labels: 3 / 4 and 1 / 2; the mean of -log is (log(4/3) + log 2) / 2."""
    expected = (math.log(4 / 3) + math.log(2)) / 2
    assert float(CrossEntropy()(batch(LOGITS), LABELS)) == pytest.approx(expected, abs=1e-15)


def test_label_smoothing_by_hand() -> None:
    """Targets are .9 and .1: row 1 gives -.9 log(3/4) - .1 log(1/4), row 2 log 2."""
    expected = (0.9 * math.log(4 / 3) + 0.1 * math.log(4) + math.log(2)) / 2
    assert float(CrossEntropy(label_smoothing=0.2)(batch(LOGITS), LABELS)) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("value", [1.0, -0.1])
def test_label_smoothing_is_checked(value: float) -> None:
    with pytest.raises(InputError, match=r"label_smoothing must lie in \[0, 1\)"):
        CrossEntropy(label_smoothing=value)


@pytest.mark.parametrize("phase", [Phase.WARM_UP, Phase.TEACHER_FILTER])
def test_cross_entropy_has_no_part_in_other_phases(phase: Phase) -> None:
    loss = CrossEntropy()(batch(LOGITS.clone().requires_grad_()), LABELS, phase)
    assert float(loss) == 0.0
    assert not loss.requires_grad


def test_cross_entropy_passes_gradcheck() -> None:
    x = LOGITS.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda logits: CrossEntropy()(batch(logits), LABELS), (x,))


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


def test_weights_count_in_the_students_phase_alone() -> None:
    both = WeightedSum({"a": Constant(1.0, 2.0, 3.0), "b": Constant(10.0, 20.0, 30.0)}, {"b": 0.5})
    x = batch(LOGITS.float())
    assert float(both(x, LABELS).detach()) == 1.0 + 0.5 * 10.0
    assert {name: float(value) for name, value in both.last.items()} == {"a": 1.0, "b": 10.0}
    assert not any(value.requires_grad for value in both.last.values())
    assert float(both(x, LABELS, Phase.WARM_UP).detach()) == 2.0 + 20.0
    assert float(both(x, LABELS, Phase.TEACHER_FILTER).detach()) == 3.0 + 30.0


def test_a_sum_tells_the_epoch_and_merges_groups() -> None:
    a, b = Constant(1.0), Constant(2.0)
    both = WeightedSum({"a": a, "b": WeightedSum({"c": b})})
    both.set_epoch(7)
    assert (a.epoch, b.epoch) == (7, 7)
    assert [id(p) for p in both.groups()["critics"]] == [id(a.values), id(b.values)]
    assert merged_groups([]) == {}


def test_a_sum_keeps_its_state() -> None:
    first, second = (WeightedSum({"a": Constant(value)}) for value in (1.0, 2.0))
    second.load_state_dict(first.state_dict())
    assert float(second(batch(LOGITS), LABELS).detach()) == 1.0


@pytest.mark.parametrize(
    ("terms", "weights", "message"),
    [
        ({}, None, "terms must be a mapping of names to objectives, at least one"),
        ({"a": nn.Linear(1, 1)}, None, "terms must be a mapping of names to objectives"),
        ({"a": CrossEntropy()}, {"b": 1.0}, "weights holds 'b', which is no term; the terms are 'a'"),
        ({"a": CrossEntropy()}, {"a": -1.0}, "the weight of 'a' must be a finite number >= 0, not -1.0"),
        ({"a": CrossEntropy()}, {"a": float("inf")}, "the weight of 'a' must be a finite number"),
    ],
)
def test_bad_sums_are_refused(
    terms: dict[str, CrossEntropy | nn.Linear], weights: dict[str, float] | None, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        WeightedSum(terms, weights)  # type: ignore[arg-type]


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
