"""DIST: the student keeps the teacher's relations between classes and between samples, not its probabilities."""

from __future__ import annotations

from torch import Tensor

from pidkit.arguments import real_number
from pidkit.distill.answers import paired_answers
from pidkit.distill.batch import Batch
from pidkit.distill.objective import Objective

SQUARES_FLOOR = 1e-8
"""Added to sums of squares, so that answers which are all alike have finite gradients."""


class DIST(Objective):
    """Distillation from a stronger teacher: tau^2 ( beta mean_i (1 - r(p_i, q_i)) + gamma mean_c (1 - r(p_c, q_c)) ).

    r is Pearson's correlation. Rows p_i are the student's probabilities of one answer over the classes (the relation
    between classes), columns p_c those of one class over the answers of the batch (the relation within a class). A
    linear change of the teacher's probabilities costs nothing, so that a much better teacher can be followed.

    Parameters
    ----------
    beta, gamma : float
    temperature : float
        tau.

    Raises
    ------
    InputError
        If a number is out of its range; from a batch, as `KD`.

    Source: Huang et al., "Knowledge distillation from a stronger teacher", NeurIPS 2022, eq. 8 to 10; the factor tau^2
    is that of the published code.

    Examples
    --------
    >>> import torch
    >>> from pidkit.distill.batch import Outputs
    >>> teacher = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    >>> batch = Batch(Outputs(teacher, {}), {"teacher": Outputs(teacher, {})})
    >>> round(float(DIST()(batch, torch.tensor([0, 1]))), 4)
    0.0
    """

    def __init__(self, beta: float = 1.0, gamma: float = 1.0, *, temperature: float = 1.0) -> None:
        """Check the numbers."""
        super().__init__()
        self.beta, self.gamma = real_number("beta", beta, least=0.0), real_number("gamma", gamma, least=0.0)
        self.temperature = real_number("temperature", temperature, above=0.0)

    def student_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return the weighted sum of the two relations."""
        p, q = ((z / self.temperature).softmax(1) for z in paired_answers(batch, labels, of="DIST"))
        between, within = (1.0 - correlations(p, q)).mean(), (1.0 - correlations(p.T, q.T)).mean()
        return self.temperature**2 * (self.beta * between + self.gamma * within)

    def extra_repr(self) -> str:
        """Show the options."""
        return f"beta={self.beta:g}, gamma={self.gamma:g}, temperature={self.temperature:g}"


def correlations(a: Tensor, b: Tensor) -> Tensor:
    """Return Pearson's correlation of each row of `a` with that of `b`; 0 where one of them is constant.

    Examples
    --------
    >>> import torch
    >>> a = torch.tensor([[1.0, 2.0, 3.0], [1.0, 1.0, 1.0]])
    >>> [round(float(r), 4) for r in correlations(a, torch.tensor([[5.0, 3.0, 1.0], [0.0, 1.0, 2.0]]))]
    [-1.0, 0.0]
    """
    a, b = a - a.mean(1, keepdim=True), b - b.mean(1, keepdim=True)
    norms = (a.square().sum(1) + SQUARES_FLOOR) * (b.square().sum(1) + SQUARES_FLOOR)
    return (a * b).sum(1) / norms.sqrt()
