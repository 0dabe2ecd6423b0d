"""A student and its frozen teachers as one module, whose pass also returns the layers that objectives compare."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from types import TracebackType
from typing import Self, get_args

import torch
from torch import Tensor, nn

from pidkit.arguments import mapping_of, one_of
from pidkit.distill.batch import Batch, Outputs
from pidkit.distill.kept import KeptOutputs, Layouts
from pidkit.distill.labels import as_logits, check_class_axis
from pidkit.distill.objective import Objective, frozen
from pidkit.distill.phases import Phase
from pidkit.distill.places import LayerPair
from pidkit.errors import InputError
from pidkit.nn.features import left_as_found
from pidkit.nn.taps import Call, Reduce, Taps, eager_model


class FrozenTeacher(nn.Module):
    """A teacher that stays in eval mode and without gradients, even when `train()` is called on a module around it.

    Parameters
    ----------
    model : nn.Module
        Its parameters stop requiring gradients.
    """

    def __init__(self, model: nn.Module) -> None:
        """Freeze the model."""
        super().__init__()
        self.model = model.requires_grad_(False)
        self.train(False)

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001  (the signature of nn.Module)
        """Stay in eval mode, whatever is asked."""
        return super().train(False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the teacher's logits, without a graph."""
        with torch.no_grad():
            logits: Tensor = self.model(x)
        return logits


class Networks(nn.Module):
    """A student and its frozen teachers as one module: networks(x, phase) -> Batch. Made by `tap`.

    While a phase does not train the student, it runs in eval mode and without gradients. The taps listen only in this
    module's own forward pass: run a network by itself, to test it or to fit something on it, as often as you like.

    Parameters
    ----------
    teachers : mapping of str to nn.Module
    student : nn.Module
    layers : mapping of str to sequence of (str, str)
        For every teacher the pairs (layer of the teacher, layer of the student).
    example : Tensor, shape (n, ...)
        A few inputs, run once to learn the shapes.
    reduce, layout, call, class_axis
        As in `tap`.

    Attributes
    ----------
    student : nn.Module
    teachers : nn.ModuleDict of FrozenTeacher
    class_axis : int
    kept : KeptOutputs
        What is kept of the tapped layers.
    """

    def __init__(
        self,
        teachers: Mapping[str, nn.Module],
        student: nn.Module,
        layers: Mapping[str, list[tuple[str, str]]],
        example: Tensor,
        *,
        reduce: Reduce = "none",
        layout: Layouts | None = None,
        call: Call = "only",
        class_axis: int = 1,
    ) -> None:
        """Freeze the teachers, attach the taps and learn the shapes."""
        super().__init__()
        teachers, layers = mapping_of("teachers", teachers), mapping_of("layers", layers)
        self.class_axis = check_class_axis(class_axis)
        self.kept = KeptOutputs(reduce, layout, one_of("call", call, get_args(Call)))
        self.student = student
        self.teachers = nn.ModuleDict({name: FrozenTeacher(model) for name, model in teachers.items()})
        self._taps: dict[str, Taps] = {}
        with contextlib.ExitStack() as stack:
            ours = [student_layer for pairs in layers.values() for _, student_layer in pairs]
            theirs = {name: [teacher_layer for teacher_layer, _ in pairs] for name, pairs in layers.items()}
            self.kept.check({*ours, *(layer for names in theirs.values() for layer in names)})
            self._student_taps: Taps | None = None
            if ours:
                self._student_taps = stack.enter_context(self.kept.taps(student, ours, detach=False))
            for name, model in teachers.items():
                if theirs[name]:
                    self._taps[name] = stack.enter_context(self.kept.taps(model, theirs[name]))
            for taps in (self._student_taps, *self._taps.values()):
                if taps is not None:
                    taps.listening = False
            self._pairs = self._learn_pairs(layers, example)
            self._hooks = stack.pop_all()

    def _learn_pairs(
        self, layers: Mapping[str, list[tuple[str, str]]], example: Tensor
    ) -> dict[str, tuple[LayerPair, ...]]:
        with left_as_found(self):
            batch = self(_inputs(example).clone(), Phase.WARM_UP)
        for outputs, model in ((batch.student, self.student), *self._teachers_with(batch)):
            for layer, output in outputs.layers.items():
                self.kept.check_layout(layer, eager_model(model).get_submodule(layer), output)
        return {
            name: tuple(
                LayerPair(
                    theirs,
                    ours,
                    tuple(batch.teachers[name].layer(theirs).shape[1:]),
                    tuple(batch.student.layer(ours).shape[1:]),
                )
                for theirs, ours in pairs
            )
            for name, pairs in layers.items()
        }

    def _teachers_with(self, batch: Batch) -> list[tuple[Outputs, nn.Module]]:
        return [(batch.teachers[name], teacher.get_submodule("model")) for name, teacher in self.teachers.items()]

    def pairs_of(self, teacher: str) -> tuple[LayerPair, ...]:
        """Return the tapped pairs of a teacher, with the shapes of their layers.

        Raises
        ------
        InputError
            If no teacher has that name.
        """
        if teacher not in self._pairs:
            raise InputError(f"no teacher is called {teacher!r}; there are {', '.join(map(repr, self._pairs))}")
        return self._pairs[teacher]

    @property
    def pairs(self) -> tuple[LayerPair, ...]:
        """Return the tapped pairs of the only teacher.

        Raises
        ------
        InputError
            If there are several teachers: then use `pairs_of`.
        """
        if len(self._pairs) != 1:
            raise InputError(f"there are {len(self._pairs)} teachers; use pairs_of(name)")
        return next(iter(self._pairs.values()))

    def forward(self, x: Tensor, phase: Phase = Phase.STUDENT, indices: Tensor | None = None) -> Batch:
        """Run all networks on a batch of inputs.

        Parameters
        ----------
        x : Tensor, shape (n, ...)
        phase : Phase
        indices : Tensor of int64, shape (n,), optional
            The number of each sample among the training data, which the batch then carries.

        Raises
        ------
        InputError
            If `x` is no tensor, or a network puts out something else than one.
        """
        # A copy for each teacher: one that changes its input in place would change that of the others.
        teachers = {
            name: self._run(teacher, self._taps.get(name), _inputs(x).clone(), f"teacher {name!r}")
            for name, teacher in self.teachers.items()
        }
        with contextlib.nullcontext() if phase is Phase.STUDENT else frozen(self.student):
            return Batch(self._run(self.student, self._student_taps, _inputs(x), "the student"), teachers, indices)

    def _run(self, model: nn.Module, taps: Taps | None, x: Tensor, of: str) -> Outputs:
        """Run a network while its taps listen, and return its logits and the tapped layers."""
        if taps is None:
            return Outputs(as_logits(model(x), self.class_axis, of=of), {})
        taps.listening = True
        try:
            return Outputs(as_logits(model(x), self.class_axis, of=of), taps.take())
        finally:
            taps.listening = False
            taps.forget()  # outputs of a pass that failed; the next pass would take them for a layer that runs twice

    def remove(self) -> None:
        """Remove the hooks; the networks themselves stay as they are."""
        self._hooks.close()

    def __deepcopy__(self, memo: dict[int, object]) -> Networks:
        """Refuse: the hooks of a copy would write to the taps of the original.

        Raises
        ------
        InputError
            Always.
        """
        raise InputError("tapped networks cannot be copied; copy.deepcopy the student, and tap the copy")

    def __enter__(self) -> Self:
        """Return the networks, tapped already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the hooks."""
        self.remove()


def _inputs(x: object) -> Tensor:
    """Return inputs if they are one tensor, else raise InputError."""
    if isinstance(x, Tensor):
        return x
    advice = "let the networks' forward take one tensor, in a module around them where they take several inputs"
    raise InputError(f"example and batches must be tensors of inputs, not a {type(x).__name__}; {advice}")


class Distillation(nn.Module):
    """Networks and an objective as one module, distillation(x, labels, phase) -> loss, to hand to DDP or Accelerate.

    Every parameter that learns is inside, and the whole step is one forward pass, which is what such wrappers need.
    With several phases, wrap it by DistributedDataParallel(..., find_unused_parameters=True): frozen parts get no
    gradients.

    Parameters
    ----------
    networks : Networks
    objective : Objective
    """

    def __init__(self, networks: Networks, objective: Objective) -> None:
        """Hold both."""
        super().__init__()
        self.networks, self.objective = networks, objective

    def forward(self, x: Tensor, labels: Tensor, phase: Phase | None = None, indices: Tensor | None = None) -> Tensor:
        """Return the loss of a batch in a phase, a scalar; without one as the objective does."""
        loss: Tensor = self.objective(self.networks(x, phase or Phase.STUDENT, indices), labels, phase)
        return loss
