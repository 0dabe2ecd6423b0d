"""The outputs of one batch that objectives compare: logits and tapped layers of the student and of its teachers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from torch import Tensor

from pidkit.errors import InputError
from pidkit.nn.picking import LOGITS as LOGITS


@dataclass(frozen=True)
class Outputs:
    """The outputs of one network for a batch.

    Attributes
    ----------
    logits : Tensor, shape (n, n_classes) or (n, n_classes, ...)
        The values that the network returns, with classes on axis 1: `tap(class_axis=-1)` brings them there.
    layers : mapping of str to Tensor
        Outputs of the tapped layers by qualified name, each with one row a sample.
    mask : Tensor of bool, shape (n, ...), optional
        That of the batch, for what reads the layers of one network alone, such as codes and `LayerDecoder`.
    """

    logits: Tensor
    layers: Mapping[str, Tensor]
    mask: Tensor | None = None

    def layer(self, name: str) -> Tensor:
        """Return the output of a tapped layer.

        Raises
        ------
        InputError
            If the layer was not tapped.
        """
        if name not in self.layers:
            tapped = ", ".join(map(repr, self.layers)) or "none"
            raise InputError(f"layer {name!r} is not tapped (tapped: {tapped}); name it in tap(layers=...)")
        return self.layers[name]


@dataclass(frozen=True)
class Batch:
    """Outputs of the student, with a graph while it trains, and of its frozen teachers, without one.

    Attributes
    ----------
    student : Outputs
    teachers : mapping of str to Outputs
        One or several, by name.
    indices : Tensor of int64, shape (n,), optional
        The number of each sample among the training data, for objectives that remember samples, such as `CRD`.
    mask : Tensor of bool, shape (n, ...), optional
        Which places, such as tokens, count; the others are padding, which no objective looks at. From `tap(mask=)`.
    """

    student: Outputs
    teachers: Mapping[str, Outputs]
    indices: Tensor | None = None
    mask: Tensor | None = None

    @property
    def teacher(self) -> Outputs:
        """Return the outputs of the only teacher.

        Raises
        ------
        InputError
            If there are several: `SeveralTeachers` gives each objective one.
        """
        if len(self.teachers) != 1:
            names = ", ".join(map(repr, self.teachers)) or "none"
            raise InputError(f"this objective follows one teacher, the batch has {names}; wrap it in SeveralTeachers")
        return next(iter(self.teachers.values()))

    def with_teacher(self, name: str) -> Batch:
        """Return the batch as seen with one of the teachers.

        Raises
        ------
        InputError
            If no teacher has that name.
        """
        if name not in self.teachers:
            raise InputError(f"no teacher is called {name!r}; the teachers are {', '.join(map(repr, self.teachers))}")
        return replace(self, teachers={name: self.teachers[name]})

    def zero(self) -> Tensor:
        """Return a scalar zero on the device of the student, the loss of an objective that has nothing to say."""
        return self.student.logits.new_zeros(())
