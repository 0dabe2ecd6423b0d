"""FitNet: values by hand for vectors, maps and tokens; resolution does not matter; what is refused."""

from typing import Any

import pytest
import torch

from pidkit import InputError
from pidkit.distill import Batch, FitNet, LayerPair, Outputs

LABELS = torch.tensor([0])


def batch_of(teacher: torch.Tensor, student: torch.Tensor) -> Batch:
    logits = torch.zeros(len(student), 2)
    return Batch(Outputs(logits, {"s": student}), {"teacher": Outputs(logits, {"t": teacher})})


def hint(teacher: torch.Tensor, student: torch.Tensor, weight: list[list[float]], bias: list[float]) -> float:
    """A FitNet for these two layers with a given regressor."""
    objective = FitNet([LayerPair("t", "s", tuple(teacher.shape[1:]), tuple(student.shape[1:]))])
    with torch.no_grad():
        objective.regressors[0].weight.copy_(torch.tensor(weight)[:, :, None])
        objective.regressors[0].bias.copy_(torch.tensor(bias))
    return float(objective(batch_of(teacher, student), LABELS).detach())


def test_vectors_by_hand() -> None:
    # r(S) = (1*1 + 2*2 + 0, 0*1 + 1*2 + 1) = (5, 3); T = (6, 1); mean of 1 and 4.
    assert hint(torch.tensor([[6.0, 1.0]]), torch.tensor([[1.0, 2.0]]), [[1.0, 2.0], [0.0, 1.0]], [0.0, 1.0]) == 2.5


def test_maps_by_hand() -> None:
    # One student channel 1, 2 over two places; r = (2 S, -S): (2, 4) and (-1, -2); T = 0: (4 + 16 + 1 + 4) / 4.
    student = torch.tensor([1.0, 2.0]).reshape(1, 1, 1, 2)
    assert hint(torch.zeros(1, 2, 1, 2), student, [[2.0], [-1.0]], [0.0, 0.0]) == 6.25


def test_tokens_by_hand() -> None:
    # Two tokens of width one, 1 and 2, as above with channels last.
    student = torch.tensor([1.0, 2.0]).reshape(1, 2, 1)
    assert hint(torch.zeros(1, 2, 2), student, [[2.0], [-1.0]], [0.0, 0.0]) == 6.25


def test_resolution_does_not_change_the_loss_and_pairs_add_up() -> None:
    torch.manual_seed(0)
    teacher, student = torch.randn(3, 4, 2, 2), torch.randn(3, 2, 2, 2)
    fine = [x.repeat_interleave(2, 2).repeat_interleave(2, 3) for x in (teacher, student)]
    coarse_pair, fine_pair = (LayerPair("t", "s", (4, n, n), (2, n, n)) for n in (2, 4))
    coarse, finer, both = FitNet([coarse_pair]), FitNet([fine_pair]), FitNet([coarse_pair, coarse_pair])
    finer.load_state_dict(coarse.state_dict())
    for regressor in both.regressors:
        regressor.load_state_dict(coarse.regressors[0].state_dict())
    batch = batch_of(teacher, student)
    value = coarse(batch, LABELS)
    assert torch.allclose(finer(batch_of(*fine), LABELS), value)
    assert torch.allclose(both(batch, LABELS), 2 * value)


def test_without_a_bias_zero_stays_zero() -> None:
    objective = FitNet([LayerPair("t", "s", (4,), (2,))], bias=False)
    assert float(objective(batch_of(torch.zeros(3, 4), torch.zeros(3, 2)), LABELS).detach()) == 0.0


@pytest.mark.parametrize(("theirs", "ours"), [((4, 8, 8), (2, 4, 4)), ((4,), (2, 4, 4)), ((16, 4), (8, 4))])
def test_layers_of_different_places_are_refused_by_name_and_shape(
    theirs: tuple[int, ...], ours: tuple[int, ...]
) -> None:
    with pytest.raises(InputError, match=r"teacher layer 't' of shape .* and student layer 's' of shape .* place by"):
        FitNet([LayerPair("t", "s", theirs, ours)])


def test_no_pairs_are_refused() -> None:
    with pytest.raises(InputError, match=r"pairs must be LayerPairs, at least one"):
        FitNet([])


def test_the_teachers_side_by_hand() -> None:
    # r(T) = 2 t = 4 for the student's 1: (4 - 1)^2, slope in the student -2 (4 - 1).
    objective = FitNet([LayerPair("t", "s", (1,), (1,))], bias=False, projects="teacher")
    with torch.no_grad():
        objective.regressors[0].weight.fill_(2.0)
    student = torch.tensor([[1.0]], requires_grad=True)
    loss = objective(batch_of(torch.tensor([[2.0]]), student), LABELS)
    loss.backward()
    assert float(loss.detach()) == 9.0
    assert student.grad is not None
    assert float(student.grad) == -6.0


@pytest.mark.parametrize(("projects", "entries"), [("student", 4 * 9), ("teacher", 2 * 9)])
def test_the_printed_sum_is_half_the_entries_of_the_target_times_the_mean(projects: Any, entries: int) -> None:
    torch.manual_seed(0)
    pair, batch = LayerPair("t", "s", (4, 3, 3), (2, 3, 3)), batch_of(torch.randn(5, 4, 3, 3), torch.randn(5, 2, 3, 3))
    mean = FitNet([pair], projects=projects)
    total = FitNet([pair], projects=projects, reduction="sum")
    total.load_state_dict(mean.state_dict())
    torch.testing.assert_close(total(batch, LABELS), 0.5 * entries * mean(batch, LABELS))
