"""RID by training: a student with room for one number keeps the label, where matching the teacher keeps a nuisance."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from pidkit.distill import Batch, CrossEntropy, LayerPair, Objective, Outputs, Phase, WeightedSum
from pidkit.distill.objectives.rid import RID


def label_and_nuisance(n: int = 256) -> tuple[torch.Tensor, torch.Tensor]:
    """A teacher with one channel about the label and three louder ones about something else."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(2, (n,), generator=generator)
    z = 2.0 * labels - 1.0 + 0.4 * torch.randn(n, generator=generator)
    g = 3.0 * torch.randn(n, 1, generator=generator)
    return torch.cat([z[:, None], g + 0.3 * torch.randn(n, 3, generator=generator)], 1), labels


def accuracy_of_the_bottleneck(
    x: torch.Tensor,
    labels: torch.Tensor,
    *,
    phases: list[Phase],
    seed: int,
    make: Callable[..., Any],
) -> float:
    """Train a student that can carry one number on cross-entropy + an objective of weight 1; what the number tells.

    Returned: the accuracy of the better of the two thresholds at its mean.
    """
    pair = LayerPair("t", "s", (4,), (4,))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        number, wide, out = nn.Linear(4, 1), nn.Linear(1, 4), nn.Linear(1, 2)
        objective = WeightedSum({"labels": CrossEntropy(), "teacher": make([pair])})
    parts = (number, wide, out, objective)
    optimiser = torch.optim.Adam([p for part in parts for p in part.parameters()], lr=0.02)
    for phase in phases:
        optimiser.zero_grad()
        held = number(x)
        student, teacher = Outputs(out(held), {"s": wide(held)}), Outputs(x[:, :2], {"t": x})
        loss = objective(Batch(student, {"teacher": teacher}), labels, phase)
        # CrossEntropy is silent outside the student's phase, and RID's filters then learn alone.
        loss.backward()
        optimiser.step()
    held = number(x).detach()[:, 0]
    hits = ((held > held.mean()) == labels.bool()).double().mean().item()
    return max(hits, 1.0 - hits)


class MatchTheTeacher(Objective):
    """VID with one fixed variance: the mean squared error of the teacher itself, explained by the student."""

    def __init__(self, pairs: list[LayerPair]) -> None:
        super().__init__()
        self.mu = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 4))

    def student_loss(self, batch: Batch, labels: torch.Tensor) -> torch.Tensor:
        return (batch.teacher.layer("t") - self.mu(batch.student.layer("s"))).square().mean()


@pytest.mark.parametrize("sigma", ["learned", "closed-form"])
def test_a_student_with_room_for_one_number_keeps_the_label_where_matching_the_teacher_chases_the_nuisance(
    sigma: str,
) -> None:
    x, labels = label_and_nuisance()
    cycles = [Phase.WARM_UP] * 60 + ([Phase.TEACHER_FILTER] * 10 + [Phase.STUDENT] * 30) * 4
    for seed in (0, 1):
        rid = accuracy_of_the_bottleneck(
            x,
            labels,
            phases=cycles,
            seed=seed,
            make=lambda pairs: RID(pairs, n_classes=2, sigma=sigma),  # type: ignore[arg-type]
        )
        vid = accuracy_of_the_bottleneck(x, labels, phases=[Phase.STUDENT] * 120, seed=seed, make=MatchTheTeacher)
        assert rid > 0.95
        assert vid < 0.65
