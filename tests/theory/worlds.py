"""A world of three classes of known probabilities, P(y|x) = softmax(W x), and linear students fitted to targets."""

from __future__ import annotations

import torch
from torch import Tensor

from pidkit.distill import KD, Batch, Outputs

N_CLASSES, N_INPUTS = 3, 5


class World:
    """Inputs x ~ N(0, I) and the probabilities of the classes given them."""

    def __init__(self, seed: int, *, steepness: float = 1.5) -> None:
        self.generator = torch.Generator().manual_seed(seed)
        self.weights = steepness * self.normal(N_CLASSES, N_INPUTS)

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers."""
        return torch.randn(*shape, generator=self.generator, dtype=torch.float64)

    def probabilities(self, x: Tensor) -> Tensor:
        """P(y|x)."""
        return torch.softmax(x @ self.weights.T, 1)

    def labels(self, x: Tensor) -> Tensor:
        """One label an input, drawn from P(y|x)."""
        return torch.multinomial(self.probabilities(x), 1, generator=self.generator)[:, 0]


def one_hot(labels: Tensor) -> Tensor:
    """Labels as rows of zeros and a one."""
    return torch.nn.functional.one_hot(labels, N_CLASSES).double()


def linear_student(x: Tensor, targets: Tensor) -> Tensor:
    """The weights of a linear student that KD at temperature 1 fits to target probabilities, all but unregularised."""
    weights = torch.zeros(targets.shape[1], x.shape[1], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=60, line_search_fn="strong_wolfe", tolerance_grad=1e-9)
    teacher, none = {"teacher": Outputs(targets.log(), {})}, torch.zeros(len(x), dtype=torch.int64)

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = KD(1.0)(Batch(Outputs(x @ weights.T, {}), teacher), none) + 1e-4 * weights.square().sum()
        loss.backward()
        return loss

    optimiser.step(closure)
    return weights.detach()


def excess_risk(student: Tensor, world: World, x: Tensor) -> float:
    """KL(P(y|x) || student) in nats, the mean over inputs."""
    p = world.probabilities(x)
    return float((p * (p.log() - torch.log_softmax(x @ student.T, 1))).sum(1).mean())
