"""Sums of objectives: what all of them share, and the plain weighted sum of terms that see the same batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor, nn

from pidkit.arguments import mapping_of, real_number
from pidkit.distill.batch import Batch
from pidkit.distill.objective import Objective
from pidkit.distill.phases import Phase
from pidkit.errors import InputError


class SumOfObjectives(Objective):
    """The base of sums of named objectives, weighted in the student's phase alone.

    In the other phases only filters learn, each from its own part, and a weight would merely change a learning rate:
    there the parts are added as they are. Subclasses define `parts` and `factors`, and may override `batch_of`.

    Attributes
    ----------
    last : dict of str to Tensor
        The unweighted value of every part in the last forward pass, detached: for logs.
    """

    def __init__(self) -> None:
        """Begin without a forward pass."""
        super().__init__()
        self.last: dict[str, Tensor] = {}

    def parts(self) -> nn.ModuleDict:
        """Return the objectives by name."""
        raise NotImplementedError(f"{type(self).__name__} must define parts()")

    def factors(self) -> Iterable[float | Tensor]:
        """Return one weight for each part, in the order of `parts`."""
        raise NotImplementedError(f"{type(self).__name__} must define factors()")

    def batch_of(self, name: str, batch: Batch) -> Batch:
        """Return the batch that a part sees: the whole of it, unless a subclass says otherwise."""
        return batch

    def forward(self, batch: Batch, labels: Tensor, phase: Phase | None = None) -> Tensor:
        """Return the sum of the parts, weighted in the student's phase."""
        values = {name: part(self.batch_of(name, batch), labels, phase) for name, part in self.parts().items()}
        self.last = {name: value.detach() for name, value in values.items()}
        total = batch.zero()
        for factor, value in zip(self.factors(), values.values(), strict=True):
            total = total + (factor * value if phase in (None, Phase.STUDENT) else value)
        return total

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """Return the parameters of all parts by group."""
        return merged_groups(self.parts().values())

    def set_epoch(self, epoch: int) -> None:
        """Tell every part which epoch runs."""
        for part in self.parts().values():
            part.set_epoch(epoch)  # type: ignore[operator]


class WeightedSum(SumOfObjectives):
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
    >>> from pidkit.distill import CrossEntropy
    >>> WeightedSum({"labels": CrossEntropy()}, {"teacher": 2.0})
    Traceback (most recent call last):
    pidkit.errors.InputError: weights holds 'teacher', which is no term; the terms are 'labels'
    """

    weights: dict[str, float]

    def __init__(self, terms: Mapping[str, Objective], weights: Mapping[str, float] | None = None) -> None:
        """Check the terms and the weights."""
        super().__init__()
        terms = mapping_of("terms", terms)
        if not terms or not all(isinstance(term, Objective) for term in terms.values()):
            raise InputError("terms must be a mapping of names to objectives, at least one")
        given = {} if weights is None else mapping_of("weights", weights)
        for name, weight in given.items():
            if name not in terms:
                raise InputError(
                    f"weights holds {name!r}, which is no term; the terms are {', '.join(map(repr, terms))}"
                )
            given[name] = real_number(f"weights[{name!r}]", weight, least=0.0)
        self.terms = nn.ModuleDict(terms)
        self.weights = {name: given.get(name, 1.0) for name in terms}

    def parts(self) -> nn.ModuleDict:
        """Return the terms by name."""
        return self.terms

    def factors(self) -> Iterable[float]:
        """Return the weights, in the order of the terms."""
        return self.weights.values()


def merged_groups(objectives: Iterable[Any]) -> dict[str, list[nn.Parameter]]:
    """Return the parameters of several objectives by group."""
    merged: dict[str, list[nn.Parameter]] = {}
    for objective in objectives:
        for group, parameters in objective.groups().items():
            merged.setdefault(group, []).extend(parameters)
    return merged
