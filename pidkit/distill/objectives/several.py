"""Several teachers at once, each with its own objective and weight; some of them may be corrupted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from pidkit.arguments import real_number
from pidkit.distill.batch import Batch
from pidkit.distill.objective import Objective
from pidkit.distill.objectives.sums import SumOfObjectives
from pidkit.errors import InputError


class SeveralTeachers(SumOfObjectives):
    """The sum over teachers of their objectives, weighted in the student's phase: sum_m w_m L_m.

    In the other phases, where only filters learn, each from its own teacher, the losses are added as they are.

    Parameters
    ----------
    objectives : mapping of str to Objective
        By the name of the teacher; each sees that teacher alone.
    weights : mapping of str to float, optional
        For every teacher one; None weighs each by 1.

    Attributes
    ----------
    last : dict of str to Tensor
        The unweighted loss of every teacher in the last pass, detached: for logs.

    Raises
    ------
    InputError
        If there are no objectives, one is no Objective, the weights do not name the same teachers, or one is negative
        or not finite.

    Source: Goswami, Notes on distillation, 2025, eq. 2.

    Examples
    --------
    >>> from pidkit.distill import CrossEntropy
    >>> several = SeveralTeachers({"first": CrossEntropy(), "second": CrossEntropy()})
    >>> several.set_weights(redundancy_weights({"first": 1.2, "second": 0.4}))
    >>> several.weights
    {'first': 0.75, 'second': 0.25}
    """

    _weights: Tensor

    def __init__(self, objectives: Mapping[str, Objective], weights: Mapping[str, float] | None = None) -> None:
        """Check the objectives and the weights."""
        super().__init__()
        if not objectives or not all(isinstance(objective, Objective) for objective in objectives.values()):
            raise InputError("objectives must be a mapping of teachers' names to objectives, at least one")
        self.objectives = nn.ModuleDict(objectives)
        # A buffer, so that weights that were measured during a run are saved with it.
        self.register_buffer("_weights", torch.ones(len(objectives)))
        if weights is not None:
            self.set_weights(weights)

    @property
    def weights(self) -> dict[str, float]:
        """Return the weight of every teacher, rounded to the precision of the module."""
        return dict(zip(self.objectives, self._weights.tolist(), strict=True))

    def set_weights(self, weights: Mapping[str, float]) -> None:
        """Change the weights, such as to `redundancy_weights` of what was measured. In several processes, in each.

        Raises
        ------
        InputError
            As the constructor.
        """
        names = list(self.objectives)
        if set(weights) != set(names):
            raise InputError(f"weights must name the teachers {sorted(names)}, not {sorted(weights)}")
        checked = {}
        for name, weight in weights.items():
            checked[name] = real_number(f"weights[{name!r}]", weight, least=0.0)
        self._weights.copy_(torch.tensor([checked[name] for name in names], dtype=torch.float64))

    def parts(self) -> nn.ModuleDict:
        """Return the objectives by the name of their teacher."""
        return self.objectives

    def factors(self) -> Iterable[Tensor]:
        """Return the weights, in the order of the teachers."""
        # A copy: DistributedDataParallel writes into buffers, which a graph may still need.
        return self._weights.clone().unbind()

    def batch_of(self, name: str, batch: Batch) -> Batch:
        """Return the batch as seen with one teacher alone."""
        return batch.with_teacher(name)


def redundancy_weights(redundancies: Mapping[str, float], *, temperature: float = 1.0) -> dict[str, float]:
    """Return weights of teachers that add up to 1, w_m = Red_m^(1 / temperature) / sum_l Red_l^(1 / temperature).

    Red_m = Red(Y : T_m, S) is what teacher m and the student both tell about the label. A corrupted teacher tells next
    to nothing, and its weight goes to the others. Powers and not exponentials: the unit does not matter, and what
    shares nothing gets nothing.

    Parameters
    ----------
    redundancies : mapping of str to float
        Of every teacher, as measured on data that are not trained on, such as `coded_pid(...).redundancy`, in
        one unit. From few samples it is biased upwards, most visibly where it is next to 0: subtract that of shuffled
        labels first, and put 0 for what falls below.
    temperature : float
        1 weighs in proportion, higher ones more alike (infinity: all alike that share anything), lower ones towards the
        best alone.

    Raises
    ------
    InputError
        If there are none, one is negative or not finite, all are 0, or `temperature` is not positive.

    Notes
    -----
    A student that has learnt nothing yet shares nothing with any teacher. Measure after some epochs, or again every
    few, and `set_weights` then.

    Source: pidkit; the weights of several teachers are left open in Goswami, Notes on distillation, 2025.

    Examples
    --------
    >>> redundancy_weights({"trained": 1.0, "half-trained": 0.25, "corrupted": 0.0})
    {'trained': 0.8, 'half-trained': 0.2, 'corrupted': 0.0}
    """
    if not redundancies:
        raise InputError("redundancies is empty; measure that of at least one teacher")
    shared = {
        name: real_number(f"redundancies[{name!r}]", value, least=0.0, remedy="put 0 for less")
        for name, value in redundancies.items()
    }
    temperature = real_number("temperature", temperature, above=0.0, finite=False)
    best = max(shared.values())
    if best == 0.0:
        raise InputError("every redundancy is 0: no teacher shares anything with the student yet; measure later")
    # Relative to the best, so that no power overflows; 0 stays 0 also at infinity, where 0^0 would be 1.
    powers = {name: (value / best) ** (1.0 / temperature) if value else 0.0 for name, value in shared.items()}
    total = sum(powers.values())
    return {name: power / total for name, power in powers.items()}
