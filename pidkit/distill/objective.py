"""What every objective is: a module that makes a loss of a batch, the labels and the phase; and their weighted sum."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from pidkit.arguments import real_number, whole_number
from pidkit.distill.batch import Batch
from pidkit.distill.phases import Phase
from pidkit.errors import InputError

GROUPS = ("teacher_filters", "student_filters", "sigma", "critics")
"""What an objective's own parameters can belong to; each group may have its own learning rate."""


class Objective(nn.Module):
    """A loss of distillation with whatever it learns and remembers: objective(batch, labels, phase) -> scalar.

    To write one, define `student_loss`; those with filters to fit define `warm_up_loss` and `teacher_filter_loss` too.
    What has no part in a phase gives zero there. Losses are means over samples, channels and places, in nats where
    they are information.

    Freezing is the objective's own business, since it alone knows its parts: a frozen part runs in a `frozen` block
    and gets no gradient, so that optimisers pass it over.
    """

    def forward(self, batch: Batch, labels: Tensor, phase: Phase = Phase.STUDENT) -> Tensor:
        """Return the loss of a batch in a phase, a scalar.

        Parameters
        ----------
        batch : Batch
        labels : Tensor of int64, shape (n,)
        phase : Phase
        """
        if phase is Phase.STUDENT:
            return self.student_loss(batch, labels)
        return self.warm_up_loss(batch, labels) if phase is Phase.WARM_UP else self.teacher_filter_loss(batch, labels)

    def student_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return the loss that trains the student."""
        raise NotImplementedError(f"{type(self).__name__} must define student_loss(batch, labels)")

    def warm_up_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return the loss that readies filters before the student trains; zero where there are none."""
        return batch.zero()

    def teacher_filter_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return the loss that refines the teacher's filters; zero where there are none."""
        return batch.zero()

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """Return the objective's own parameters by group (`GROUPS`), each in one group."""
        own = list(self.parameters())
        return {"student_filters": own} if own else {}

    def set_epoch(self, epoch: int) -> None:
        """Learn which epoch runs, for what follows a schedule; a training loop says so before each one."""
        whole_number("epoch", epoch)


class WeightedSum(Objective):
    """The sum of objectives, weighted in the student's phase: sum_i w_i L_i.

    In the other phases only filters learn, each from its own term, and a weight would but change a learning rate: there
    the terms are added as they are.

    Parameters
    ----------
    terms : mapping of str to Objective
    weights : mapping of str to float, optional
        One for those that have none is 1.

    Attributes
    ----------
    last : dict of str to Tensor
        The unweighted value of every term in the last forward pass, detached: for logs.

    Raises
    ------
    InputError
        If there are no terms, a term is no Objective, or a weight is negative, not finite, or of no term.

    Examples
    --------
    >>> WeightedSum({"labels": CrossEntropy()}, {"teacher": 2.0})
    Traceback (most recent call last):
    pidkit.errors.InputError: weights holds 'teacher', which is no term; the terms are 'labels'
    """

    weights: dict[str, float]

    def __init__(self, terms: Mapping[str, Objective], weights: Mapping[str, float] | None = None) -> None:
        """Check the terms and the weights."""
        super().__init__()
        if not terms or not all(isinstance(term, Objective) for term in terms.values()):
            raise InputError("terms must be a mapping of names to objectives, at least one")
        given = dict(weights or {})
        for name, weight in given.items():
            if name not in terms:
                raise InputError(
                    f"weights holds {name!r}, which is no term; the terms are {', '.join(map(repr, terms))}"
                )
            given[name] = real_number(f"weights[{name!r}]", weight, least=0.0)
        self.terms = nn.ModuleDict(terms)
        self.weights = {name: given.get(name, 1.0) for name in terms}
        self.last: dict[str, Tensor] = {}

    def forward(self, batch: Batch, labels: Tensor, phase: Phase = Phase.STUDENT) -> Tensor:
        """Return the sum of the terms, weighted in the student's phase."""
        values = {name: term(batch, labels, phase) for name, term in self.terms.items()}
        self.last = {name: value.detach() for name, value in values.items()}
        total = batch.zero()
        for name, value in values.items():
            total = total + (self.weights[name] * value if phase is Phase.STUDENT else value)
        return total

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """Return the parameters of all terms by group."""
        return merged_groups(self.terms.values())

    def set_epoch(self, epoch: int) -> None:
        """Tell every term."""
        for term in self.terms.values():
            term.set_epoch(epoch)  # type: ignore[operator]


class CrossEntropy(Objective):
    """The cross-entropy of the labels, -mean log softmax(student logits)[label]: training without a teacher."""

    def __init__(self, *, label_smoothing: float = 0.0) -> None:
        """Set the label smoothing of torch's cross_entropy."""
        super().__init__()
        self.label_smoothing = real_number("label_smoothing", label_smoothing, least=0.0, below=1.0)

    def student_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return the cross-entropy in nats."""
        return nn.functional.cross_entropy(batch.student.logits, labels, label_smoothing=self.label_smoothing)


def merged_groups(objectives: Iterable[Any]) -> dict[str, list[nn.Parameter]]:
    """Return the parameters of several objectives by group."""
    found: dict[str, list[nn.Parameter]] = {}
    for objective in objectives:
        for group, parameters in objective.groups().items():
            found.setdefault(group, []).extend(parameters)
    return found


@contextlib.contextmanager
def frozen(*modules: nn.Module) -> Iterator[None]:
    """Run a block with modules in eval mode and without gradients; their train or eval modes are put back.

    Eval mode matters beside the gradients: otherwise batch normalisation would go on learning its statistics.

    Examples
    --------
    >>> norm = nn.BatchNorm1d(2)
    >>> with frozen(norm):
    ...     norm(torch.ones(3, 2)).requires_grad, norm.training
    (False, False)
    >>> norm.training, int(norm.num_batches_tracked)
    (True, 0)
    """
    modes = [(part, part.training) for module in modules for part in module.modules()]
    for part, _ in modes:
        part.training = False
    try:
        with torch.no_grad():
            yield
    finally:
        for part, mode in modes:
            part.training = mode
