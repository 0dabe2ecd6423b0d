"""Menon et al. (ICML 2021): true probabilities as targets have the labels' mean gradient and less variance."""

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.theory.worlds import World, excess_risk, linear_student, one_hot

N_INPUTS_OF_TEST = 4000


def test_the_true_probabilities_have_the_mean_gradient_of_the_labels_and_less_variance() -> None:
    world = World(0)
    x = world.normal(100_000, 5)
    answers = torch.softmax(x @ world.normal(3, 5).T, 1)

    def gradients(targets: Tensor) -> Tensor:
        return ((answers - targets)[:, :, None] * x[:, None, :]).flatten(1)

    hard, soft = gradients(one_hot(world.labels(x))), gradients(world.probabilities(x))
    assert float((hard.mean(0) - soft.mean(0)).norm() / soft.mean(0).norm()) < 0.01
    variances = [float(one.var(0).sum()) for one in (hard, soft)]
    # What a label adds is the variance of its draw: E ||x||^2 (1 - sum_y P(y|x)^2).
    added = float((x.square().sum(1) * (1 - world.probabilities(x).square().sum(1))).mean())
    assert added > 0.2 * variances[1]
    assert variances[0] - variances[1] == pytest.approx(added, rel=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("n", [20, 500])
def test_few_samples_gain_most_and_a_biased_teacher_is_a_floor(n: int) -> None:
    """Mean excess risks of ten worlds; a teacher whose weights are off by .7 a piece is no better with more samples."""
    found: dict[str, list[float]] = {"labels": [], "true": [], "biased": []}
    for seed in range(10):
        world = World(seed)
        x, test = world.normal(n, 5), world.normal(N_INPUTS_OF_TEST, 5)
        off = world.weights + 0.7 * world.normal(3, 5)
        targets = {
            "labels": one_hot(world.labels(x)).clamp_min(1e-12),
            "true": world.probabilities(x),
            "biased": torch.softmax(x @ off.T, 1),
        }
        for name, target in targets.items():
            found[name].append(excess_risk(linear_student(x, target), world, test))
    risks = {name: float(np.mean(each)) for name, each in found.items()}
    assert risks["true"] < 0.01 * risks["labels"]
    if n == 20:
        assert risks["biased"] < 0.5 * risks["labels"]
    else:
        assert risks["biased"] > 5.0 * risks["labels"]
