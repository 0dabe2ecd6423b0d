"""Attention maps and hidden states: values by hand, bounds, heads, and a real attention module through tap."""

import math
from typing import Any

import pytest
import torch
from torch import nn

from pidkit import InputError
from pidkit.distill import AttentionMaps, Batch, HiddenStates, LayerPair, Outputs, tap

LABELS = torch.tensor([0])
EYE, FLAT = [[1.0, 0.0], [0.0, 1.0]], [[0.5, 0.5], [0.5, 0.5]]


def maps_loss(teacher: torch.Tensor, student: torch.Tensor, **options: Any) -> torch.Tensor:
    logits = torch.zeros(len(student), 2)
    pair = LayerPair("t", "s", tuple(teacher.shape[1:]), tuple(student.shape[1:]))
    batch = Batch(Outputs(logits, {"s": student}), {"teacher": Outputs(logits, {"t": teacher})})
    return AttentionMaps([pair], **options)(batch, LABELS)


def test_attention_maps_by_hand() -> None:
    # eye / sqrt 2 and flat / 1 have inner product (.5 + .5) / sqrt 2: squared distance 2 - 2 / sqrt 2 = 2 - sqrt 2.
    # The second head agrees: the mean over the heads is half of it.
    teacher, student = torch.tensor([[EYE, FLAT]]), torch.tensor([[FLAT, FLAT]])
    assert float(maps_loss(teacher, student)) == pytest.approx((2.0 - math.sqrt(2.0)) / 2.0, abs=1e-6)


def test_a_map_without_a_head_axis_is_one_head() -> None:
    # As `nn.MultiheadAttention` gives the mean over its heads.
    found = maps_loss(torch.tensor([EYE]), torch.tensor([[FLAT]]))
    assert float(found) == pytest.approx(2.0 - math.sqrt(2.0), abs=1e-6)


def test_the_mean_over_the_heads_matches_networks_of_different_heads() -> None:
    # The teacher's heads eye and its mirror have the mean flat, which is the student's one head.
    teacher, student = torch.tensor([[EYE, EYE[::-1]]]), torch.tensor([[FLAT]])
    assert float(maps_loss(teacher, student, heads="mean")) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("length", [2, 50])
def test_the_worst_disagreement_is_two_whatever_the_length(length: int) -> None:
    """All attention on the first key against all on the last."""
    first, last = torch.zeros(2, 3, 2, length, length).unbind(0)
    first[..., 0] = 1.0
    last[..., -1] = 1.0
    assert float(maps_loss(first, last)) == pytest.approx(2.0, abs=1e-5)


class Attending(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.embed, self.attend = nn.Linear(3, width), nn.MultiheadAttention(width, 2, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = self.embed(x)
        return self.attend(tokens, tokens, tokens, average_attn_weights=False)[0].mean(1)


def test_the_maps_of_an_attention_module_come_through_tap() -> None:
    torch.manual_seed(0)
    networks = tap(
        teacher=Attending(6),
        student=Attending(4),
        layers=["embed", "attend"],
        example=torch.zeros(1, 5, 3),
        reduce={"att*": lambda out: out[1]},
    )
    tokens, maps = networks.pairs
    assert (maps.teacher_shape, maps.student_shape) == ((2, 5, 5), (2, 5, 5))
    batch = networks(torch.randn(4, 5, 3))
    assert torch.allclose(batch.student.layer("attend").sum(-1), torch.ones(4, 2, 5))
    loss = AttentionMaps([maps])(batch, LABELS) + HiddenStates([tokens])(batch, LABELS)
    loss.backward()
    assert float(networks.student.attend.in_proj_weight.grad.abs().sum()) > 0.0
    by_hand = 0.0
    outputs = (batch.teacher.layer("attend").reshape(8, 25), batch.student.layer("attend").reshape(8, 25))
    for theirs, ours in zip(*outputs, strict=True):
        by_hand += float((theirs / theirs.norm() - ours / ours.norm()).square().sum().detach()) / 8
    assert float(AttentionMaps([maps])(batch, LABELS).detach()) == pytest.approx(by_hand, abs=1e-6)


def test_hidden_states_by_hand() -> None:
    # Two tokens of width 2: (1, 0), (2, 1); W = (1, 3) gives 1 and 5; the teacher's are 0 and 4: (1 + 1) / 2.
    objective = HiddenStates([LayerPair("t", "s", (2, 1), (2, 2))])
    with torch.no_grad():
        objective.regressors[0].weight.copy_(torch.tensor([[[1.0], [3.0]]]))
    student, teacher = torch.tensor([[[1.0, 0.0], [2.0, 1.0]]]), torch.tensor([[[0.0], [4.0]]])
    logits = torch.zeros(1, 2)
    batch = Batch(Outputs(logits, {"s": student}), {"teacher": Outputs(logits, {"t": teacher})})
    assert float(objective(batch, LABELS).detach()) == pytest.approx(1.0)
    assert objective.regressors[0].bias is None


@pytest.mark.parametrize(
    ("shapes", "options", "message"),
    [
        (((4, 9, 9), (2, 9, 9)), {}, r"'t' of shape \(4, 9, 9\) .* 's' of shape \(2, 9, 9\), with 4 and 2 heads; pass"),
        (((2, 9, 9), (2, 5, 5)), {}, r"different queries or keys; tap layers of one sequence"),
        (((2, 9, 9), (2, 9, 8)), {"heads": "mean"}, r"different queries or keys"),
        (((9,), (9,)), {}, r"not both attention maps; tap what puts out \(n, heads, queries, keys\), with reduce="),
        (((2, 9, 9), (2, 9, 9)), {"heads": "max"}, r"heads must be one of 'each', 'mean', 'learned', not 'max'"),
    ],
)
def test_maps_that_are_refused(
    shapes: tuple[tuple[int, ...], tuple[int, ...]], options: dict[str, str], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        AttentionMaps([LayerPair("t", "s", *shapes)], **options)  # type: ignore[arg-type]


def test_hidden_states_that_are_refused() -> None:
    with pytest.raises(InputError, match=r"'t' of shape \(4, 3, 3\) .* not both tokens \(length, width\); use FitNet"):
        HiddenStates([LayerPair("t", "s", (4, 3, 3), (2, 3, 3))])
    with pytest.raises(InputError, match=r"cannot be compared place by place"):
        HiddenStates([LayerPair("t", "s", (9, 4), (8, 4))])
    with pytest.raises(InputError, match=r"pairs must be LayerPairs"):
        HiddenStates([])
    with pytest.raises(InputError, match=r"pairs must be LayerPairs"):
        AttentionMaps([])


def test_repr_shows_the_options() -> None:
    assert repr(AttentionMaps([LayerPair("t", "s", (2, 3, 3), (2, 3, 3))])).startswith(
        "AttentionMaps(\n  heads='each', reduction='mean'"
    )


def test_learned_heads_by_hand() -> None:
    # The student's heads (1, 0) and (0, 1), mixed half and half at first: (1, 1) / sqrt 2; the teacher's one is (1, 0).
    pair = LayerPair("t", "s", (1, 1, 2), (2, 1, 2))
    objective = AttentionMaps([pair], heads="learned")
    assert objective.mixtures[0].tolist() == [[0.5, 0.5]]
    logits = torch.zeros(1, 2)
    student = Outputs(logits, {"s": torch.eye(2).reshape(1, 2, 1, 2)})
    batch = Batch(student, {"teacher": Outputs(logits, {"t": torch.tensor([[[[1.0, 0.0]]]])})})
    loss = objective(batch, torch.tensor([0]))
    assert float(loss.detach()) == pytest.approx(2.0 - 2.0 / 2**0.5)
    loss.backward()
    # d/dW of 2 - 2 W_1 / |W| at (1/2, 1/2): -2 (1 / |W| - W_1^2 / |W|^3), 2 W_1 W_2 / |W|^3 = -+ sqrt 2.
    gradient = objective.mixtures[0].grad
    assert gradient is not None
    assert gradient.flatten().tolist() == pytest.approx([-(2**0.5), 2**0.5])


def test_the_printed_sum_over_heads() -> None:
    pair = LayerPair("t", "s", (3, 2, 2), (3, 2, 2))
    logits, generator = torch.zeros(2, 2), torch.Generator().manual_seed(0)
    maps = torch.rand(2, 2, 3, 2, 2, generator=generator)
    batch = Batch(Outputs(logits, {"s": maps[0]}), {"teacher": Outputs(logits, {"t": maps[1]})})
    mean, total = (AttentionMaps([pair], reduction=reduction) for reduction in ("mean", "sum"))
    torch.testing.assert_close(total(batch, torch.zeros(2).long()), 3 * mean(batch, torch.zeros(2).long()))


def test_hidden_states_projected_from_the_teacher() -> None:
    objective = HiddenStates([LayerPair("t", "s", (2, 3), (2, 1))], projects="teacher")
    assert objective.regressors[0].weight.shape == (1, 3, 1)


def test_attention_maps_of_a_decoder_on_an_encoder_leave_out_the_padded_keys() -> None:
    # Two queries on three keys, of which the last is padding: the same map without it.
    teacher, student = torch.randn(2, 1, 2, 2, 3, generator=torch.Generator().manual_seed(0))
    logits, mask = torch.zeros(1, 2), torch.tensor([[True, True, False]])
    maps = AttentionMaps([LayerPair("t", "s", (2, 2, 3), (2, 2, 3))], heads="learned")
    batch = Batch(Outputs(logits, {"s": student}), {"teacher": Outputs(logits, {"t": teacher})}, mask=mask)
    cut = Batch(Outputs(logits, {"s": student[..., :2]}), {"teacher": Outputs(logits, {"t": teacher[..., :2]})})
    torch.testing.assert_close(maps(batch, LABELS), maps(cut, LABELS))
