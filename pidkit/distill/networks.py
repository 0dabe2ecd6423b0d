"""A student and its frozen teachers as one module, whose pass also returns the layers that objectives compare."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Self, get_args

from torch import Tensor, nn

from pidkit.arguments import items_of, mapping_of, one_of
from pidkit.distill.batch import LOGITS, Batch, Outputs
from pidkit.distill.frozen_teacher import FrozenTeacher
from pidkit.distill.kept import KeptOutputs, Layouts
from pidkit.distill.labels import check_class_axis, check_output
from pidkit.distill.objective import frozen
from pidkit.distill.phases import Phase
from pidkit.distill.picking import LogitPicks, MaskPick, check_mask, check_picks, picked_mask
from pidkit.distill.places import LayerPair
from pidkit.distill.resizing import Resize, resized, target_grids
from pidkit.distill.teacher_cache import TeacherCache
from pidkit.distill.teacher_cache.identity import plain
from pidkit.errors import InputError
from pidkit.nn.features import left_as_found
from pidkit.nn.inputs import Inputs, check_inputs, each_tensor, run_on
from pidkit.nn.picking import LogitPick, picked_logits
from pidkit.nn.taps import Call, Reduce, Taps, eager_model
from pidkit.types import Shape

STUDENT = "student"
"""The name of the student beside those of the teachers."""

ALONE = "(alone)"
"""The name in place of a teacher's, of the layers of a student that has none."""


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
    reduce, layout, call, resize, logits, mask, class_axis, cache
        As in `tap`.
    alone : sequence of str
        Layers of the student that are tapped although no teacher is compared with them.

    Attributes
    ----------
    student : nn.Module
    teachers : nn.ModuleDict of FrozenTeacher
    class_axis : int
    kept : KeptOutputs
        What is kept of the tapped layers.
    cache : TeacherCache or None
    mask : str or callable, optional
        Where the mask is among the inputs.
    """

    def __init__(
        self,
        teachers: Mapping[str, nn.Module],
        student: nn.Module,
        layers: Mapping[str, list[tuple[str, str]]],
        example: Inputs,
        *,
        reduce: Reduce = "none",
        layout: Layouts | None = None,
        call: Call = "only",
        resize: Resize | None = None,
        logits: LogitPicks | None = None,
        mask: MaskPick | None = None,
        class_axis: int = 1,
        cache: TeacherCache | None = None,
        alone: Sequence[str] = (),
    ) -> None:
        """Freeze the teachers, attach the taps and learn the shapes."""
        super().__init__()
        teachers, layers = mapping_of("teachers", teachers), mapping_of("layers", layers)
        alone = items_of("alone", alone)
        self.class_axis = check_class_axis(class_axis)
        check_mask(mask)
        self._logits, self.mask = check_picks(logits, [*teachers, STUDENT]), mask
        self._resize = None if resize is None else one_of("resize", resize, get_args(Resize))
        self._grids: dict[str, dict[str, Shape]] = {}
        self.kept = KeptOutputs(reduce, layout, one_of("call", call, get_args(Call)), mask is not None)
        self.student = student
        self.teachers = nn.ModuleDict({name: FrozenTeacher(model) for name, model in teachers.items()})
        self._taps: dict[str, Taps] = {}
        with contextlib.ExitStack() as stack:
            ours = [*alone, *(student_layer for pairs in layers.values() for _, student_layer in pairs)]
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
            self.cache: TeacherCache | None = None  # not for the example
            self._pairs = self._learn_pairs(layers, alone, example)
            self._hooks = stack.pop_all()
        self.cache = cache

    def _learn_pairs(
        self, layers: Mapping[str, list[tuple[str, str]]], alone: Sequence[str], example: Inputs
    ) -> dict[str, tuple[LayerPair, ...]]:
        with left_as_found(self):
            batch = self(each_tensor(check_inputs("example", example), Tensor.clone), Phase.WARM_UP)
        for outputs, model in ((batch.student, self.student), *self._teachers_with(batch)):
            for layer, output in outputs.layers.items():
                self.kept.check_layout(layer, eager_model(model).get_submodule(layer), output)
        shapes = {layer: tuple(output.shape[1:]) for layer, output in batch.student.layers.items()}
        own = {ALONE: tuple(LayerPair(layer, layer, shapes[layer], shapes[layer]) for layer in alone)} if alone else {}
        return own | {name: self._pairs_of(name, pairs, batch) for name, pairs in layers.items()}

    def _pairs_of(self, name: str, names: list[tuple[str, str]], batch: Batch) -> tuple[LayerPair, ...]:
        """Return the pairs of a teacher, its layers resized where that was asked for."""
        teacher = batch.teachers[name]
        shapes = {theirs: tuple(teacher.layer(theirs).shape[1:]) for theirs, _ in names}
        of_student = {ours: tuple(batch.student.layer(ours).shape[1:]) for _, ours in names}
        pairs = [LayerPair(theirs, ours, shapes[theirs], of_student[ours]) for theirs, ours in names]
        if self._resize is None:
            return tuple(pairs)
        self._grids[name] = target_grids(pairs, self._resize, masked=self.mask is not None)
        outputs = self._at_grids(name, teacher.layers)
        return tuple(replace(pair, teacher_shape=tuple(outputs[pair.teacher_layer].shape[1:])) for pair in pairs)

    def _at_grids(self, name: str, outputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Return a teacher's layers at the student's resolution, where that was asked for."""
        grids = self._grids.get(name)
        if not grids or self._resize is None:
            return outputs
        how = self._resize
        return {
            layer: resized(output, grids[layer], how) if layer in grids else output for layer, output in outputs.items()
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
        """Return the tapped pairs of the only teacher; of a student alone its layers, each with itself.

        Raises
        ------
        InputError
            If there are several teachers: then use `pairs_of`.
        """
        if len(self._pairs) != 1:
            raise InputError(f"there are {len(self._pairs)} teachers; use pairs_of(name)")
        return next(iter(self._pairs.values()))

    def forward(self, x: Inputs, phase: Phase = Phase.STUDENT, indices: Tensor | None = None) -> Batch:
        """Run all networks on a batch of inputs.

        Parameters
        ----------
        x : Tensor, shape (n, ...), or mapping of str to Tensor
            Those by name are keyword arguments of all networks.
        phase : Phase
        indices : Tensor of int64, shape (n,), optional
            The number of each sample among the training data, which the batch then carries.

        Raises
        ------
        InputError
            If `x` is no tensor or mapping of them, or a network puts out something else than one tensor.
        """
        x = check_inputs("x", x)
        mask = picked_mask(x, self.mask)
        teachers = {name: replace(self._answer(name, x), mask=mask) for name in self.teachers}
        with contextlib.nullcontext() if phase is Phase.STUDENT else frozen(self.student):
            ours = self._pass(self.student, self._student_taps, x, STUDENT)
        return Batch(replace(self._outputs(ours), mask=mask), teachers, indices, mask)

    def pick_of(self, name: str) -> LogitPick | None:
        """Return where the logits of a teacher or of "student" are in what it puts out; None if that is all."""
        return self._logits.get(name)

    def logits_of(self, name: str, output: Any) -> Tensor:
        """Return the logits of what a network puts out, as it does.

        Parameters
        ----------
        name : str
            Of a teacher, or "student".
        output : object

        Raises
        ------
        InputError
            If they are not where `logits` says, or are no tensor with one row a sample and an axis of classes.
        """
        of = "the student" if name == STUDENT else f"teacher {name!r}"
        return check_output(picked_logits(output, self.pick_of(name), of=of), self.class_axis, of=of)

    def teacher_layers(self, name: str) -> tuple[str, ...]:
        """Return the names of a teacher's tapped layers."""
        return self._taps[name].names if name in self._taps else ()

    def teacher_outputs(self, name: str, x: Inputs) -> dict[str, Tensor]:
        """Return what a teacher puts out, as it does and under "(logits)", and its layers; from the cache, if any.

        Parameters
        ----------
        name : str
            Of the teacher.
        x : Tensor, shape (n, ...), or mapping of str to Tensor

        Raises
        ------
        InputError
            As `forward`.
        """
        x = check_inputs("x", x)
        teacher, taps = self.teachers[name], self._taps.get(name)

        def run(x: Inputs) -> dict[str, Tensor]:
            # A copy: a teacher that changes its input in place would change that of the others.
            return self._pass(teacher, taps, each_tensor(x, Tensor.clone), name)

        if self.cache is None:
            return run(x)
        kept = {LOGITS: plain(self.pick_of(name))} | {
            layer: self.kept.described(layer) for layer in self.teacher_layers(name)
        }
        answered: dict[str, Tensor] = self.cache.outputs(name, teacher, kept, x, run)
        return answered

    def _answer(self, name: str, x: Inputs) -> Outputs:
        answered = self._outputs(self.teacher_outputs(name, x))
        return replace(answered, layers=self._at_grids(name, answered.layers))

    def _outputs(self, answered: dict[str, Tensor]) -> Outputs:
        logits = answered.pop(LOGITS)
        return Outputs(logits if logits.ndim < 3 else logits.movedim(self.class_axis, 1), answered)

    def _pass(self, model: nn.Module, taps: Taps | None, x: Inputs, name: str) -> dict[str, Tensor]:
        """Run a network while its taps listen, and return what it puts out and the tapped layers."""
        if taps is None:
            return {LOGITS: self.logits_of(name, run_on(model, x))}
        taps.listening = True
        try:
            return {LOGITS: self.logits_of(name, run_on(model, x)), **taps.take()}
        finally:
            taps.listening = False
            taps.forget()  # outputs of a pass that failed; the next pass would take them for a layer that runs twice

    def remove(self) -> None:
        """Remove the hooks, and write what the cache holds; the networks themselves stay as they are."""
        self._hooks.close()
        if self.cache is not None:
            self.cache.save()

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
