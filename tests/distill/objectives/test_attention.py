"""Attention transfer: both norms by hand, how they differ, what they do not see, gradients where they could break."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pidkit import InputError
from pidkit.distill import AttentionTransfer, Batch, LayerPair, Outputs

LABELS = torch.tensor([0])


def attention_loss(teacher: torch.Tensor, student: torch.Tensor, **options: Any) -> torch.Tensor:
    logits = torch.zeros(len(student), 2)
    pair = LayerPair("t", "s", tuple(teacher.shape[1:]), tuple(student.shape[1:]))
    batch = Batch(Outputs(logits, {"s": student}), {"teacher": Outputs(logits, {"t": teacher})})
    return AttentionTransfer([pair], **options)(batch, LABELS)


def maps(*channels: list[float]) -> torch.Tensor:
    """One sample of channels over one row of places."""
    return torch.tensor(channels, dtype=torch.float64)[None, :, None, :]


@pytest.mark.parametrize(
    ("teacher", "p"),
    [
        # p = 2: squares (3, 4); two channels: means of squares (1 + 5, 3 + 5) / 2 = (3, 4); p = 1: |A| = (3, 4).
        (maps([math.sqrt(3.0), -2.0]), 2.0),
        (maps([1.0, math.sqrt(3.0)], [math.sqrt(5.0), math.sqrt(5.0)]), 2.0),
        (maps([3.0, -4.0]), 1.0),
    ],
)
def test_both_norms_by_hand(teacher: torch.Tensor, p: float) -> None:
    # q_T = (3, 4) / 5 = (.6, .8), q_S = (1, 0); squares of the difference .16 + .64 = .8: mean .4, norm sqrt(.8).
    student = maps([7.0, 0.0])
    assert float(attention_loss(teacher, student, p=p)) == pytest.approx(0.4)
    assert float(attention_loss(teacher, student, p=p, norm="paper")) == pytest.approx(math.sqrt(0.8))


def test_tokens_are_maps_with_channels_last() -> None:
    tokens = maps([math.sqrt(3.0), -2.0])[:, :, 0].transpose(1, 2)
    assert float(attention_loss(tokens, torch.tensor([[[7.0], [0.0]]]))) == pytest.approx(0.4)


def test_means_are_over_samples_and_sums_over_pairs() -> None:
    teacher = torch.cat([maps([math.sqrt(3.0), 2.0]), maps([5.0, 0.0])])  # the second sample agrees: distance 0
    student = torch.cat([maps([7.0, 0.0])] * 2)
    pair = LayerPair("t", "s", (1, 1, 2), (1, 1, 2))
    logits = torch.zeros(2, 2)
    batch = Batch(Outputs(logits, {"s": student}), {"teacher": Outputs(logits, {"t": teacher})})
    assert float(AttentionTransfer([pair])(batch, LABELS)) == pytest.approx(0.2)
    assert float(AttentionTransfer([pair, pair], norm="paper")(batch, LABELS)) == pytest.approx(math.sqrt(0.8))


@given(seed=st.integers(0, 2**31), n_places=st.integers(2, 30), p=st.floats(1.0, 4.0))
def test_for_one_sample_code_is_the_square_of_paper_divided_by_the_places(seed: int, n_places: int, p: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    teacher, student = (torch.randn(1, c, 1, n_places, generator=generator, dtype=torch.float64) for c in (3, 2))
    code, paper = (float(attention_loss(teacher, student, p=p, norm=norm)) for norm in ("code", "paper"))
    assert code == pytest.approx(paper**2 / n_places, abs=1e-12)
    assert paper <= math.sqrt(2.0) + 1e-12


def test_signs_scales_and_the_number_of_channels_do_not_matter() -> None:
    torch.manual_seed(0)
    teacher, student = torch.randn(4, 3, 2, 2), torch.randn(4, 2, 2, 2)
    value = attention_loss(teacher, student)
    same = attention_loss(-10 * teacher, torch.cat([student, -student], 1) * torch.rand(4, 1, 1, 1).add(0.1))
    assert torch.allclose(value, same)


@pytest.mark.parametrize("norm", ["code", "paper"])
@pytest.mark.parametrize("p", [1.0, 1.5, 2.0])
def test_gradients_stay_finite_for_equal_maps_and_for_a_dead_layer(norm: str, p: float) -> None:
    for student in (torch.ones(2, 1, 2, 2), torch.zeros(2, 1, 2, 2)):
        student.requires_grad_(True)
        loss = attention_loss(torch.ones(2, 1, 2, 2), student, norm=norm, p=p)
        loss.backward()
        assert torch.isfinite(loss)
        assert student.grad is not None
        assert torch.isfinite(student.grad).all()


def test_the_gradient_of_code_vanishes_towards_the_teacher_and_that_of_paper_does_not() -> None:
    sizes = {}
    for norm in ("code", "paper"):
        student = maps([1.0, 1.0 + 1e-4]).requires_grad_(True)
        attention_loss(maps([1.0, 1.0]), student, norm=norm).backward()
        sizes[norm] = float(student.grad.abs().max())
    assert sizes["code"] < 1e-3
    assert sizes["paper"] > 0.1


@pytest.mark.parametrize(
    ("shapes", "options", "message"),
    [
        (((4,), (2,)), {}, r"'t' of shape \(4,\) and student layer 's' of shape \(2,\), of one place"),
        (((4, 1, 1), (2, 1, 1)), {}, r"of one place, where attention has no choice; tap maps or tokens"),
        (((4, 8, 8), (2, 4, 4)), {}, r"'t' of shape \(4, 8, 8\) and student layer 's' .* cannot be compared"),
        (((4, 4, 4), (2, 4, 4)), {"p": 0.5}, r"p must be a finite number >= 1, not 0\.5"),
        (((4, 4, 4), (2, 4, 4)), {"p": math.nan}, r"p must be a finite number >= 1, not nan"),
        (((4, 4, 4), (2, 4, 4)), {"norm": "l1"}, r"norm must be 'code' or 'paper', not 'l1'"),
    ],
)
def test_what_is_refused(
    shapes: tuple[tuple[int, ...], tuple[int, ...]], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        AttentionTransfer([LayerPair("t", "s", *shapes)], **options)


def test_repr_shows_the_options() -> None:
    assert repr(AttentionTransfer([LayerPair("t", "s", (4, 2, 2), (2, 2, 2))])) == "AttentionTransfer(p=2, norm='code')"
