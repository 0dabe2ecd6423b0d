"""Progressive freezing: layers of the student stop learning one after the other, each from an epoch on."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor, nn

from pidkit.arguments import mapping_of, whole_number
from pidkit.distill.batch import Batch
from pidkit.distill.objective import Objective
from pidkit.distill.objectives.wrapping import WrappedObjective
from pidkit.errors import InputError
from pidkit.nn.taps import find_layers


class ProgressiveFreezing(WrappedObjective):
    """An objective that freezes layers of the student from given epochs on; its loss is the objective's own.

    A frozen layer gets no gradient and runs in eval mode, so that batch normalisation keeps its statistics and dropout
    is off. It is done in `set_epoch`, which training loops call before each epoch, also after a run is resumed.

    Parameters
    ----------
    objective : Objective
    student : nn.Module
        Referred to, not held: it stays the caller's.
    layers : mapping of int to str, or to iterables of str
        Names or globs of layers by the epoch, from 0, from which on they are frozen: ``{10: "layer1", 20: "layer2"}``.

    Raises
    ------
    InputError
        If a layer is unknown or there is none, or an epoch is no whole number; from set_epoch, if the student is gone.

    Notes
    -----
    Something has to go on learning: freeze everything and the loss has no graph. In DistributedDataParallel pass
    find_unused_parameters=True. Optimisers skip what has no gradient, weight decay and momentum included.

    Source: Goswami, "Notes on distillation", 2025, algorithm 3; Brock et al., "FreezeOut", 2017.

    Examples
    --------
    >>> from pidkit.distill import KD
    >>> student = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2))
    >>> freezing = ProgressiveFreezing(KD(), student, {5: "0"})
    >>> freezing.set_epoch(5)
    >>> [parameter.requires_grad for parameter in student.parameters()]
    [False, False, True, True]
    """

    def __init__(self, objective: Objective, student: nn.Module, layers: Mapping[int, str | Iterable[str]]) -> None:
        """Find the layers; nothing is frozen yet."""
        super().__init__(objective)
        self.layers: dict[int, tuple[str, ...]] = {}
        for epoch, names in mapping_of("layers", layers).items():
            since = whole_number("every epoch in layers", epoch)
            self.layers[since] = find_layers(student, names)
        if not any(self.layers.values()):
            raise InputError("layers must name what is frozen, by epoch, such as {10: 'layer1'}; it is empty")
        self._student = weakref.ref(student)
        # Underscored: what is public and plain counts as a setting of the run.
        self._frozen: dict[str, tuple[Any, list[nn.Parameter]]] = {}

    @property
    def frozen_layers(self) -> tuple[str, ...]:
        """Return the layers that are frozen now."""
        return tuple(self._frozen)

    def seen(self, batch: Batch, labels: Tensor) -> Batch:
        """Return the batch as it is."""
        return batch

    def set_epoch(self, epoch: int) -> None:
        """Tell the objective, and freeze what is due; in an earlier epoch, let go of what is not."""
        super().set_epoch(epoch)
        student = self._student()
        if student is None:
            raise InputError("the student of ProgressiveFreezing is gone; keep it for as long as it trains")
        due = [name for since, names in self.layers.items() if since <= epoch for name in names]
        for name in [name for name in self._frozen if name not in due]:
            hook, parameters = self._frozen.pop(name)
            hook.remove()
            for parameter in parameters:
                parameter.requires_grad_(True)
        for name in due:
            if name not in self._frozen:
                layer = student.get_submodule(name)
                # What did not learn before is not let go later.
                learning = [parameter for parameter in layer.parameters() if parameter.requires_grad]
                for parameter in learning:
                    parameter.requires_grad_(False)
                self._frozen[name] = layer.register_forward_pre_hook(_rest), learning


def _rest(layer: nn.Module, inputs: tuple[Any, ...]) -> None:
    """Put a layer into eval mode before it runs, which a training loop takes it out of in every epoch."""
    layer.train(False)
