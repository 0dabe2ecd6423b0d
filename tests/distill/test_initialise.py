"""Projected weights: by hand, the best of their rank, networks that stay what they were, and what is refused."""

from typing import Any

import pytest
import torch
from torch import nn

from pidkit import InputError
from pidkit.distill import norm_projection, project_layer, singular_projection


def low_rank(n_out: int, n_in: int, rank: int) -> torch.Tensor:
    return torch.randn(n_out, rank) @ torch.randn(rank, n_in)


def test_a_linear_layer_by_hand() -> None:
    # W = [[1, 2], [3, 4], [5, 6]], b = (1, 2, 3); P_out averages the first two, P_in adds the inputs:
    # the mean row (2, 3) times (1, 1) is 5, the third row gives 11; biases 1.5 and 3.
    teacher, student = nn.Linear(2, 3), nn.Linear(1, 2)
    with torch.no_grad():
        teacher.weight.copy_(torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
        teacher.bias.copy_(torch.tensor([1.0, 2.0, 3.0]))
    p_out = torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    found = project_layer(teacher, student, in_projection=torch.tensor([[1.0, 1.0]]), out_projection=p_out)
    assert student.weight.tolist() == [[5.0], [11.0]]
    assert student.bias.tolist() == [1.5, 3.0]
    assert torch.equal(found, p_out.double())


def test_a_convolution_is_projected_at_every_tap_of_its_kernel() -> None:
    torch.manual_seed(0)
    teacher, student = nn.Conv2d(4, 6, 3), nn.Conv2d(2, 3, 3)
    p_in = torch.randn(2, 4, dtype=torch.float64)
    p_out = project_layer(teacher, student, in_projection=p_in)
    for row in range(3):
        for column in range(3):
            wanted = p_out @ teacher.weight[:, :, row, column].double() @ p_in.T
            assert torch.allclose(student.weight[:, :, row, column].double(), wanted, atol=1e-6)


@pytest.mark.parametrize("by", ["singular", "norm"])
def test_layers_of_one_size_are_copied(by: str) -> None:
    teacher, student = nn.Conv1d(4, 6, 3), nn.Conv1d(4, 6, 3)
    project_layer(teacher, student, by=by)  # type: ignore[arg-type]
    assert torch.equal(student.weight, teacher.weight)
    assert student.bias is not None
    assert teacher.bias is not None
    assert torch.equal(student.bias, teacher.bias)


def test_a_linear_network_of_low_rank_is_reproduced_exactly() -> None:
    """W_2 P^T P W_1 = W_2 W_1 where the rows of P span the outputs of the first layer."""
    torch.manual_seed(0)
    teacher: Any = nn.Sequential(nn.Linear(5, 8, bias=False), nn.Linear(8, 3))
    student: Any = nn.Sequential(nn.Linear(5, 2, bias=False), nn.Linear(2, 3))
    with torch.no_grad():
        teacher[0].weight.copy_(low_rank(8, 5, 2))
    hidden = project_layer(teacher[0], student[0])
    project_layer(teacher[1], student[1], in_projection=hidden)
    x = torch.randn(20, 5)
    assert torch.allclose(student(x), teacher(x), atol=1e-5)


def test_picked_channels_pass_a_relu_as_they_are_in_the_teacher() -> None:
    torch.manual_seed(0)
    teacher, student = nn.Conv2d(3, 8, 3), nn.Conv2d(3, 4, 3)
    picked = project_layer(teacher, student, by="norm")
    x = torch.randn(2, 3, 6, 6)
    channels = picked.argmax(1)
    assert torch.allclose(student(x).relu(), teacher(x).relu()[:, channels], atol=1e-6)


def test_a_network_whose_other_channels_are_dead_is_reproduced_exactly() -> None:
    torch.manual_seed(0)
    teacher: Any = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3))
    student: Any = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3))
    with torch.no_grad():
        teacher[0].weight[::2] = 0.0
        teacher[0].bias[::2] = 0.0
    hidden = project_layer(teacher[0], student[0], by="norm")
    project_layer(teacher[2], student[2], in_projection=hidden, by="norm")
    x = torch.randn(20, 5)
    assert torch.allclose(student(x), teacher(x), atol=1e-6)


def test_inputs_without_a_projection_get_one() -> None:
    torch.manual_seed(0)
    teacher, student = nn.Linear(6, 4), nn.Linear(3, 4)
    project_layer(teacher, student)
    p_in = singular_projection(teacher.weight, 3, axis=1)
    assert torch.allclose(student.weight.double(), teacher.weight.double() @ p_in.T, atol=1e-6)


@pytest.mark.parametrize("shape", [(6, 4), (6, 2, 3, 3), (5, 1)])
@pytest.mark.parametrize("axis", [0, 1])
def test_singular_projections_are_orthonormal_and_keep_the_most(shape: tuple[int, ...], axis: int) -> None:
    torch.manual_seed(0)
    weight = torch.randn(shape)
    rows = weight.double().movedim(axis, 0).flatten(1)
    spectrum = torch.linalg.svdvals(rows).square()
    for n in range(1, shape[axis] + 1):
        projection = singular_projection(weight, n, axis=axis)
        assert torch.allclose(projection @ projection.T, torch.eye(n, dtype=torch.float64), atol=1e-10)
        assert float((projection @ rows).square().sum()) == pytest.approx(float(spectrum[:n].sum()))
        assert bool((projection.amax(1) >= -projection.amin(1)).all())


def test_norm_projection_keeps_the_order_of_the_channels() -> None:
    weight = torch.tensor([[3.0], [0.1], [-5.0], [1.0]])
    assert norm_projection(weight, 2).tolist() == [[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]


def test_a_missing_bias_of_the_teacher_is_zero_in_the_student() -> None:
    student = nn.Linear(3, 2)
    project_layer(nn.Linear(3, 4, bias=False), student)
    assert student.bias.tolist() == [0.0, 0.0]


def test_gradients_and_dtype_of_the_student_stay() -> None:
    student = nn.Linear(3, 2).double()
    project_layer(nn.Linear(3, 4), student)
    assert student.weight.requires_grad
    assert student.weight.is_leaf
    assert student.weight.dtype == torch.float64


@pytest.mark.parametrize(
    ("teacher", "student", "options", "message"),
    [
        (nn.Linear(3, 4), nn.Conv1d(3, 2, 1), {}, r"of one kind, not Linear and Conv1d"),
        (nn.BatchNorm1d(3), nn.BatchNorm1d(3), {}, r"must both be linear or both convolutions.* not BatchNorm1d"),
        (nn.Conv2d(3, 4, 3), nn.Conv2d(3, 2, 5), {}, r"have kernels \(3, 3\) and \(5, 5\); only channels can be"),
        (nn.Conv2d(4, 4, 3, groups=2), nn.Conv2d(2, 2, 3), {}, r"groups=1; grouped channels cannot be mixed"),
        (nn.Linear(3, 4), nn.Linear(3, 2, bias=False), {}, r"teacher has a bias and student has none; give"),
        (nn.Linear(3, 4), nn.Linear(3, 5), {}, r"n must be at most the channels of the teacher, 4, not 5"),
        (nn.Linear(3, 4), nn.Linear(3, 2), {"by": "pca"}, r"by must be 'singular' or 'norm', not 'pca'"),
        (
            nn.Linear(3, 4),
            nn.Linear(2, 2),
            {"in_projection": torch.ones(3, 2)},
            r"in_projection must have shape \(2, 3\) for these layers, not \(3, 2\)",
        ),
        (
            nn.Linear(3, 4),
            nn.Linear(3, 2),
            {"out_projection": torch.ones(2, 2)},
            r"out_projection must have shape \(2, 4\) for these layers, not \(2, 2\)",
        ),
    ],
)
def test_what_is_refused(teacher: nn.Module, student: nn.Module, options: dict[str, Any], message: str) -> None:
    before = [parameter.detach().clone() for parameter in student.parameters()]
    with pytest.raises(InputError, match=message):
        project_layer(teacher, student, **options)  # type: ignore[arg-type]
    assert all(torch.equal(old, new) for old, new in zip(before, student.parameters(), strict=True))
