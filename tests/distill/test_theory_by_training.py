"""Example 2 and Theorem 3.1 of Dissanayake et al. (AISTATS 2025) by training: what a student of one bit picks.

T = (Z, G): the task Y = Z, the nuisance G independent of it. By ascent on the exact redundancy a student of one bit
picks Z; by ascent on I(T;S) it picks what holds most, G where H(G) > H(Z), if it does not end in a local maximum.
"""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

from pidkit.distill import (
    Batch,
    Codes,
    Distillation,
    ExactRedundancy,
    LogitCodes,
    NearestCentres,
    Objective,
    soft_pair_atoms,
    tap,
)

Teacher = tuple[nn.Sequential, NearestCentres]
"""A trained network and the codes of its hidden layer."""

LN2 = math.log(2.0)
TASK_ENTROPY = -(0.2 * math.log2(0.2) + 0.8 * math.log2(0.8))  # .7219 bits


def information(p: Tensor) -> Tensor:
    """Mutual information of a table in nats."""
    return torch.where(p > 0.0, p * torch.log(p / (p.sum(1, keepdim=True) * p.sum(0, keepdim=True))), 0.0).sum()


def ascend(goal: str, p_z: float, p_g: float, start: int) -> tuple[float, float, list[int]]:
    """Train a channel of 4 x 2 logits; return Red and I(T;S) in bits, and the student's bit for t = 2 z + g."""
    table = torch.zeros(2, 4, dtype=torch.float64)
    for z in (0, 1):
        for g in (0, 1):
            table[z, 2 * z + g] = (p_z if z else 1.0 - p_z) * (p_g if g else 1.0 - p_g)
    generator = torch.Generator().manual_seed(start)
    logits = torch.randn(4, 2, dtype=torch.float64, generator=generator).requires_grad_()
    optimiser = torch.optim.Adam([logits], lr=0.1)
    for _ in range(200):
        channel = torch.softmax(logits, 1)
        red = soft_pair_atoms(table, table @ channel)[0]
        shared = information(table.sum(0)[:, None] * channel) / LN2
        optimiser.zero_grad()
        (-(red if goal == "redundancy" else shared)).backward()
        optimiser.step()
    return float(red.detach()), float(shared.detach()), logits.detach().argmax(1).tolist()


Z_BITS = ([0, 0, 1, 1], [1, 1, 0, 0])
NOT_Z_BITS = ([0, 1, 0, 1], [1, 0, 1, 0], [0, 1, 1, 0], [1, 0, 0, 1])  # G, and Z xor G, which is a fair coin too


def test_example_2_ascent_on_redundancy_picks_the_task_from_every_start() -> None:
    for start in range(5):
        red, _, bits = ascend("redundancy", 0.2, 0.5, start)
        assert red > TASK_ENTROPY - 0.003
        assert bits in Z_BITS


def test_example_2_ascent_on_shared_information_picks_the_nuisance() -> None:
    """Most starts end at a whole bit of T that tells nothing of the task, and none picks the task."""
    ends = [ascend("shared", 0.2, 0.5, start) for start in range(5)]
    best = max(ends, key=lambda end: end[1])
    assert best[1] > 0.99
    ignorant = [end for end in ends if end[0] < 0.001]
    assert best in ignorant
    assert len(ignorant) >= 3
    assert all(end[2] in NOT_Z_BITS for end in ignorant)
    assert all(end[2] not in Z_BITS for end in ends)


def test_theorem_3_1_redundancy_picks_the_task_when_it_holds_more_than_the_nuisance_too() -> None:
    for start in range(5):
        red, _, bits = ascend("redundancy", 0.5, 0.2, start)
        assert red > 0.995  # of one bit
        assert bits in Z_BITS


class SharedInformation(Objective):
    """-I(T;S) of the codes of a batch."""

    def __init__(self, teacher_codes: nn.Module, student_codes: nn.Module) -> None:
        super().__init__()
        self.teacher_codes, self.student_codes = teacher_codes, student_codes

    def student_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        s = self.student_codes(batch.student)
        return -information(self.teacher_codes(batch.teacher).T @ s / len(s))


PATTERNS = torch.zeros(2, 16)
PATTERNS[0, :8], PATTERNS[1, 8:] = torch.tensor([1.0, -1.0] * 4), torch.tensor([1.0, -1.0] * 4)


def images(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Sixteen pixels: z and g each set the sign of a pattern on eight of them, under noise."""
    bits = (torch.rand(n, 2, generator=generator) < torch.tensor([0.2, 0.5])).long()
    return (2.0 * bits - 1.0) @ PATTERNS + 0.7 * torch.randn(n, 16, generator=generator), bits


def network(width: int, n_out: int, seed: int) -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(16, width), nn.ReLU(), nn.Linear(width, n_out))


@pytest.fixture(scope="module")
def teacher() -> Teacher:
    """A network that tells z and g apart, and the codes of its hidden layer."""
    model, generator = network(32, 4, 0), torch.Generator().manual_seed(1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(150):
        x, bits = images(128, generator)
        optimiser.zero_grad()
        cross_entropy(model(x), 2 * bits[:, 0] + bits[:, 1]).backward()
        optimiser.step()
    return model, NearestCentres.fit(model, "1", images(1000, generator)[0], n_codes=4)


def distil(teacher: Teacher, objective_of: Callable[[Codes, Codes], Objective], start: int) -> dict[str, float]:
    """Train a student on mini-batches; return in bits, on other images, Red, I(T;S), I(Z;S), I(G;S), and H(Z)."""
    model, teacher_codes = teacher
    codes, generator = LogitCodes(2, temperature=1.0), torch.Generator().manual_seed(100 + start)
    student = network(8, 2, start)
    held_out, bits = images(4000, torch.Generator().manual_seed(9))
    with tap(teacher=model, student=student, layers=["1"], example=held_out[:2]) as networks:
        step = Distillation(networks, objective_of(teacher_codes, codes))
        optimiser = torch.optim.Adam(student.parameters(), lr=0.01)
        for _ in range(100):
            x, own = images(128, generator)
            optimiser.zero_grad()
            step(x, own[:, 0]).backward()
            optimiser.step()
        with torch.no_grad():
            batch = networks(held_out)
            t, s = teacher_codes(batch.teacher), codes(batch.student)
    z, g = (one_hot(each).double() for each in bits.T)
    p_yt, p_ys, p_gs, p_ts = (a.T @ b / len(held_out) for a, b in ((z, t), (z, s), (g, s), (t, s)))
    tables = {"shared": p_ts, "about_z": p_ys, "about_g": p_gs, "h_z": z.T @ z / len(held_out)}
    found = {name: float(information(table)) / LN2 for name, table in tables.items()}
    return {"red": float(soft_pair_atoms(p_yt, p_ys)[0]), **found}


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"momentum": None}, {"atom": "unique_teacher"}, {"every": 2}])
def test_a_network_trained_on_redundancy_picks_the_task_from_every_start(teacher: Teacher, options: Any) -> None:
    for start in range(3):
        found = distil(teacher, lambda t, s: ExactRedundancy(t, s, n_classes=2, **options), start)
        assert found["red"] > found["h_z"] - 0.03
        assert found["about_g"] < 0.01


@pytest.mark.slow
def test_a_network_trained_on_shared_information_picks_the_nuisance(teacher: Teacher) -> None:
    """The students that share most with the teacher know nothing of the task; the others are local maxima."""
    ends = sorted((distil(teacher, SharedInformation, start) for start in range(6)), key=lambda end: -end["shared"])
    for best in ends[:3]:
        assert best["about_g"] > 0.97
        assert best["red"] < 0.01
    assert min(end["red"] for end in ends if end["shared"] < 0.98) > ends[0]["red"]
