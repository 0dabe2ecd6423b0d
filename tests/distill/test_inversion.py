"""Deep inversion: its terms by hand, what it leaves alone, and masked distillation without data on digits."""

import copy
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

from pidkit.distill import (
    KD,
    CrossEntropy,
    SalientMask,
    StatisticsGap,
    Trainer,
    TrainerOptions,
    deep_inversion,
    evaluate,
    tap,
)
from pidkit.distill.inversion import competition, variation
from pidkit.errors import DivergenceError, InputError
from pidkit.nn.seeding import own_random_state
from tests.distill.toys import weights


def network(width: int, seed: int) -> nn.Sequential:
    with own_random_state(seed):
        blocks = [nn.Conv2d(1, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
        blocks += [nn.Conv2d(width, 2 * width, 3, 2, 1), nn.BatchNorm2d(2 * width), nn.ReLU()]
        return nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(8 * width, 10))


def test_variation_and_competition_by_hand() -> None:
    x = torch.tensor([[[[0.0, 1.0], [0.0, 3.0]]]], requires_grad=True)
    (slope,) = torch.autograd.grad(variation(x), x)
    # (1 + 9) / 2 across and (0 + 4) / 2 down.
    assert slope.flatten().tolist() == [-1.0, 1.0 - 2.0, -3.0, 3.0 + 2.0]
    p, q = torch.tensor([0.8, 0.2]).log()[None], torch.tensor([0.4, 0.6]).log()[None]
    first, second, mean = np.array([0.8, 0.2]), np.array([0.4, 0.6]), np.array([0.6, 0.4])
    divergence = 0.5 * float((first * np.log(first / mean) + second * np.log(second / mean)).sum())
    assert float(competition(p, q)) == pytest.approx(1 - divergence / np.log(2), rel=1e-6)
    apart = torch.tensor([[40.0, 0.0]]), torch.tensor([[0.0, 40.0]])
    assert float(competition(*apart)) == pytest.approx(0.0, abs=1e-6)


def test_one_step_is_that_of_adam_on_the_printed_loss() -> None:
    teacher, student, labels = network(3, 0).double(), network(2, 1).double(), torch.tensor([4, 7, 7])
    terms = {"weight_statistics": 0.5, "weight_variation": 2.0, "weight_norm": 3.0, "weight_competition": 4.0}
    made = deep_inversion(teacher, labels, (1, 8, 8), student=student, n_steps=1, learning_rate=0.2, rng=5, **terms)
    x = torch.randn(3, 1, 8, 8, generator=torch.Generator().manual_seed(5)).double().requires_grad_(True)
    with StatisticsGap(teacher.eval()) as gap:
        logits = teacher(x)
        loss = nn.functional.cross_entropy(logits, labels) + 0.5 * gap.take() + 2.0 * variation(x)
    loss = loss + 3.0 * x.square().mean() + 4.0 * competition(logits, student.eval()(x))
    (slope,) = torch.autograd.grad(loss, x)
    # Adam's first step is the sign of the gradient, but for its epsilon.
    torch.testing.assert_close(made, (x - 0.2 * slope / (slope.abs() + 1e-8)).detach())


def test_networks_and_random_state_are_left_alone_and_the_same_seed_gives_the_same_inputs() -> None:
    teacher, student, labels = network(3, 0), network(2, 1), torch.arange(8) % 10
    before, state = weights(teacher, student), torch.get_rng_state()
    options = {"student": student, "n_steps": 3, "weight_competition": 1.0}
    first, second = (deep_inversion(teacher, labels, (1, 8, 8), **options) for _ in range(2))  # type: ignore[arg-type]
    other = deep_inversion(teacher, labels, (1, 8, 8), rng=1, **options)  # type: ignore[arg-type]
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    assert not first.requires_grad
    assert all(torch.equal(one, two) for one, two in zip(before, weights(teacher, student), strict=True))
    assert all(p.grad is None and p.requires_grad for p in (*teacher.parameters(), *student.parameters()))
    assert teacher.training
    assert torch.equal(torch.get_rng_state(), state)


def test_what_cannot_be_inverted_is_refused() -> None:
    teacher, labels = network(2, 0), torch.arange(4)
    with pytest.raises(InputError, match="weight_competition needs student="):
        deep_inversion(teacher, labels, (1, 8, 8), weight_competition=1.0)
    with pytest.raises(InputError, match="labels must be two class numbers at least"):
        deep_inversion(teacher, labels[:1], (1, 8, 8))
    with pytest.raises(InputError, match="has no batch normalisation"):
        deep_inversion(nn.Linear(4, 4), labels, (4,))
    broken: Any = copy.deepcopy(teacher)
    nn.init.constant_(broken[0].weight, 1e38)
    with pytest.raises(DivergenceError, match="the inputs are not finite"):
        deep_inversion(broken, labels, (1, 8, 8), n_steps=2)


@pytest.mark.slow
def test_a_masked_student_learns_digits_without_data_and_better_than_from_noise() -> None:
    """Measured: teacher .98; students of 500 made inputs .90, .90, .86, of noise .83, .76, .79, of images .94."""
    digits = load_digits()
    x, y = torch.tensor(digits.images / 8 - 1).float()[:, None], torch.tensor(digits.target)
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    train, test = order[:1200], order[1200:]

    def options(epochs: int) -> TrainerOptions:
        return TrainerOptions(epochs=epochs, batch_size=50, learning_rate=0.05, progress=False)

    teacher = network(16, 0)
    Trainer(tap(student=teacher, example=x[:2]), CrossEntropy(), options=options(8), train=(x[train], y[train])).fit()
    labels = torch.arange(500) % 10

    def accuracy(inputs: Tensor) -> float:
        student = network(4, 1)
        networks = tap(teacher=teacher, student=student, example=x[:2])
        masked = SalientMask(KD(4.0), keep=0.5)
        Trainer(networks, masked, options=options(15), train=(inputs, labels)).fit()
        return evaluate(student, (x[test], y[test])).accuracy

    made = accuracy(deep_inversion(teacher, labels, (1, 8, 8), n_steps=100))
    noise = accuracy(torch.randn(500, 1, 8, 8, generator=torch.Generator().manual_seed(0)))
    assert made > 0.85
    assert made > noise + 0.03
