"""Multi-level logit distillation: answers one by one, relations between samples, and relations between classes."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor
from torch.nn import functional

from pidkit.arguments import items_of, real_number
from pidkit.distill.answers import paired_answers
from pidkit.distill.batch import Batch
from pidkit.distill.objective import Objective
from pidkit.distill.pairing import inner_products
from pidkit.errors import InputError


class MLKD(Objective):
    """Multi-level logit distillation, the sum over temperatures of three alignments of the probabilities p and q.

    With the matrices P of the student and Q of the teacher, a row for each of the m answers, softened at tau,

    - instances: tau^2 mean_i KL(q_i || p_i),
    - batch:     || Q Q^T - P P^T ||_F^2 / m, how alike any two answers are,
    - classes:   || Q^T Q - P^T P ||_F^2 / n_classes, how any two classes go together.

    Parameters
    ----------
    temperatures : iterable of float
        tau, one after the other.

    Raises
    ------
    InputError
        If there are no temperatures or one is not positive; from a batch, as `KD`.

    Notes
    -----
    The published code adds the same terms of a strongly augmented view, and multiplies some by the share of unsure
    samples in the batch, which is one half by construction. For two views call the objective on the batches of both.

    Source: Jin, Wang and Lin, "Multi-level logit distillation", CVPR 2023, section 3.2.

    Examples
    --------
    >>> import torch
    >>> from pidkit.distill.batch import Outputs
    >>> logits = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    >>> batch = Batch(Outputs(logits, {}), {"teacher": Outputs(logits, {})})
    >>> bool(abs(MLKD()(batch, torch.tensor([0, 1]))) < 1e-5)
    True
    """

    def __init__(self, temperatures: Iterable[float] = (2.0, 3.0, 4.0, 5.0, 6.0)) -> None:
        """Check the temperatures."""
        super().__init__()
        given = items_of("temperatures", temperatures)
        if not given:
            raise InputError("temperatures is empty; give one at least, such as (4.0,)")
        self.temperatures = tuple(real_number("every temperature in temperatures", tau, above=0.0) for tau in given)

    def student_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return the sum of the three alignments over the temperatures."""
        student, teacher = paired_answers(batch, labels, of="MLKD")
        total = batch.zero()
        for tau in self.temperatures:
            log_p, q = (student / tau).log_softmax(1), (teacher / tau).softmax(1)
            p = log_p.exp()
            instances = tau**2 * functional.kl_div(log_p, q, reduction="batchmean")
            samples = (inner_products(q, q) - inner_products(p, p)).square().sum() / len(p)
            classes = (inner_products(q.T, q.T) - inner_products(p.T, p.T)).square().sum() / p.shape[1]
            total = total + instances + samples + classes
        return total

    def extra_repr(self) -> str:
        """Show the temperatures."""
        return f"temperatures={self.temperatures}"
