"""Prompts: outputs and gradients by hand, a prompt learned from another, and what does not fit."""

import pytest
import torch
from torch import Tensor, nn

from pidkit.distill import KD, Prompted, tap
from pidkit.errors import InputError
from pidkit.nn.seeding import own_random_state


class Running(nn.Module):
    """The mean, or the sum, of the tokens so far, times a matrix: a causal model in one line."""

    def __init__(self, width: int, n_classes: int, *, mean: bool = True) -> None:
        super().__init__()
        self.read = nn.Linear(width, n_classes, bias=False)
        self.mean = mean

    def forward(self, x: Tensor) -> Tensor:
        counts = torch.arange(1, x.shape[1] + 1, dtype=x.dtype)[:, None]
        return self.read(x.cumsum(1) / (counts if self.mean else 1.0))


def causal() -> Running:
    model = Running(1, 2).double()
    model.read.weight.data = torch.tensor([[1.0], [-1.0]], dtype=torch.float64)
    return model


def test_outputs_are_those_after_the_prompt() -> None:
    x = torch.tensor([[[3.0], [0.0]]], dtype=torch.float64)
    answers = Prompted(causal(), torch.tensor([[1.0], [2.0]], dtype=torch.float64))(x)
    # Means of 1, 2, 3 and of 1, 2, 3, 0.
    assert answers[0].tolist() == [[2.0, -2.0], [1.5, -1.5]]
    whole = Prompted(causal(), torch.tensor([[1.0], [2.0]]), keep_prompt=True)(x)
    assert whole[0, :, 0].tolist() == [1.0, 1.5, 2.0, 1.5]
    numbers = Prompted(nn.Embedding.from_pretrained(torch.eye(4)), torch.tensor([3, 2]))(torch.tensor([[0, 1]]))
    assert torch.equal(numbers, torch.eye(4)[:2][None])


def test_the_gradient_of_a_learned_prompt_by_hand_and_the_model_gets_none() -> None:
    model = causal()
    student = Prompted(model, torch.tensor([[0.0]]).double(), learned=True)
    teacher = Prompted(causal(), torch.tensor([[2.0]]).double())
    x = torch.tensor([[[0.0]]], dtype=torch.float64)
    networks = tap(teacher=teacher, student=student, example=x, class_axis=-1)
    loss = KD(1.0)(networks(x), torch.zeros(1, 1, dtype=torch.int64))
    # The teacher's mean is 1, logits (1, -1); the student's 0. The means are half the prompt, so that
    # dKL/dprompt = 1/2 sum_c (q_c - p_c) w_c with q = (1/2, 1/2).
    p = torch.softmax(torch.tensor([1.0, -1.0]), 0).double()
    assert float(loss.detach()) == pytest.approx(float((p * (2 * p).log()).sum()))
    loss.backward()
    assert student.prompt.grad is not None
    assert float(student.prompt.grad) == pytest.approx(0.5 * float((0.5 - p[0]) - (0.5 - p[1])))
    assert all(parameter.grad is None for parameter in model.parameters())
    assert [name for name, p in student.named_parameters() if p.requires_grad] == ["prompt"]


def test_a_prompt_of_one_token_learns_what_six_say_to_a_model_of_sums() -> None:
    with own_random_state(0):
        model, long = Running(3, 4, mean=False).double(), torch.randn(6, 3).double()
        x = torch.randn(64, 5, 3).double()
    teacher, student = Prompted(model, long), Prompted(model, torch.zeros(1, 3).double(), learned=True)
    networks = tap(teacher=teacher, student=student, example=x[:2], class_axis=-1)
    optimiser = torch.optim.Adam([student.prompt], lr=0.1)
    for _ in range(200):
        optimiser.zero_grad()
        loss = KD(1.0)(networks(x), torch.zeros(64, 5, dtype=torch.int64))
        loss.backward()
        optimiser.step()
    # Logits that differ by a constant are the same answers.
    theirs, ours = (model.read(one).detach() for one in (long.sum(0), student.prompt[0]))
    torch.testing.assert_close(ours - ours.mean(), theirs - theirs.mean(), rtol=0.0, atol=0.02)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="prompt must be a tensor of one token at least"):
        Prompted(causal(), torch.zeros(0, 1))
    with pytest.raises(InputError, match="learned needs a prompt of embedded tokens"):
        Prompted(nn.Embedding(3, 2), torch.tensor([1]), learned=True)
    with pytest.raises(InputError, match=r"x has shape \(2, 3, 5\), which does not go on after a prompt of \(1, 1\)"):
        Prompted(causal(), torch.zeros(1, 1))(torch.zeros(2, 3, 5))
    with pytest.raises(InputError, match=r"model puts out \(2, 5\) for 4 tokens, not one row a token"):
        Prompted(nn.Sequential(nn.Flatten(2), nn.Flatten(1), nn.Linear(4, 5)), torch.zeros(1, 1))(torch.zeros(2, 3, 1))
