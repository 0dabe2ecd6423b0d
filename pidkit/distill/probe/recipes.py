"""How an `AtomProbe` measures a pair of layers: it decodes them, or it codes them without the labels.

Either way the teachers, who are frozen, are read once, when the probe is made, and a layer of the student once a step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from torch import Tensor

from pidkit.distill.networks import Networks
from pidkit.distill.probe.atoms import CodeColumn, code_rows, measure_pair
from pidkit.distill.probe.choices import DecodingSettings
from pidkit.distill.probe.outputs import RowCollector, check_finite, collect_rows, row_of, undisturbed, unpadded
from pidkit.distill.teacher_features import cached_batches, has_cached
from pidkit.nn.inputs import Inputs, n_samples
from pidkit.pid.result import ATOMS
from pidkit.records.atom_record import DISTILLATION_ATOMS, QUANTITIES, DecodedAtoms
from pidkit.representations.coding import Quantiser, RowSplit
from pidkit.representations.decoded_pid import decoded_pid
from pidkit.representations.decoders import DecodedLayer
from pidkit.representations.reading import Readings, check_class_rows, read_layers
from pidkit.types import AnyArray, IntArray

OF_A_PAIR = dict(zip(QUANTITIES, (*ATOMS, "mi_1", "mi_2", "mi_joint"), strict=True))
"""What `representation_pid` calls the quantities of a record: the teacher is its first source."""

SIDES = {"x1": "teacher", "x2": "student", "both": "both"}
"""What its decoders are called in a record."""

Number = TypeVar("Number", float, tuple[float, float])


class Recipe(Protocol):
    """A way from the rows of a pair of layers to the fields of an `AtomRecord`."""

    def of_teacher(self, rows: Tensor, name: str) -> Any:
        """Return what is kept of a teacher's layer."""
        ...

    def of_student(self, rows: Tensor, name: str) -> Any:
        """Return what is kept of a student's layer for one step."""
        ...

    def measure(self, teacher: Any, student: Any) -> dict[str, Any]:
        """Return the measured fields of an `AtomRecord`, in bits."""
        ...


@dataclass(frozen=True)
class Coding:
    """Codes made without the labels, as `coded_pid` makes them.

    Attributes
    ----------
    y : ndarray of int, shape (n,)
        Labels of the samples to measure.
    quantisers : pair of transformers
        Of the teachers and of the student.
    split : pair of ndarray, optional
        Rows to fit the quantisers on and rows to measure.
    n_null : int
    generator : numpy.random.Generator
        Draws the permutations.
    """

    y: IntArray
    quantisers: tuple[Quantiser, Quantiser]
    split: RowSplit
    n_null: int
    generator: np.random.Generator

    def of_teacher(self, rows: Tensor, name: str) -> CodeColumn:
        """Return the codes."""
        return code_rows(rows, self.quantisers[0], self.split, name)

    def of_student(self, rows: Tensor, name: str) -> CodeColumn:
        """Return the codes."""
        return code_rows(rows, self.quantisers[1], self.split, name)

    def measure(self, teacher: CodeColumn, student: CodeColumn) -> dict[str, Any]:
        """Return the fields, with a shuffled null."""
        return measure_pair(self.y, teacher, student, n_null=self.n_null, generator=self.generator)


class ReadLayer(NamedTuple):
    """A layer: its rows, for the decoder of both layers, and what decoders read out of it alone."""

    rows: AnyArray
    whole: DecodedLayer
    half: DecodedLayer | None


@dataclass(frozen=True)
class Decoding:
    """Decoders, as `representation_pid` fits them; of every epoch and pair with the same folds and draws.

    Attributes
    ----------
    y : ndarray of int, shape (n,)
    settings : DecodingSettings
    seed : int

    Raises
    ------
    InputError
        If a class has fewer rows than there are folds.
    """

    y: IntArray
    settings: DecodingSettings
    seed: int

    def __post_init__(self) -> None:
        """Check that every fold can have a row of every class."""
        check_class_rows(self.y, self.settings.n_folds)

    def of_teacher(self, rows: Tensor, name: str) -> ReadLayer:
        """Return what the decoders of all pairs and epochs read out of it."""
        return self._read(rows, name)

    def of_student(self, rows: Tensor, name: str) -> ReadLayer:
        """Return what the decoders of all pairs read out of it."""
        return self._read(rows, name)

    def _read(self, rows: Tensor, name: str) -> ReadLayer:
        array = check_finite(rows, name).numpy()
        (whole, half, _), _ = read_layers({name: array}, self.y, **self._how(), groups=None)
        return ReadLayer(array, whole[name], None if half is None else half[name])

    def _how(self) -> dict[str, Any]:
        """Return the settings as arguments, with a generator in the state that every layer is read in."""
        return {**self.settings._asdict(), "rng": np.random.default_rng(self.seed)}

    def measure(self, teacher: ReadLayer, student: ReadLayer) -> dict[str, Any]:
        """Return the fields, with the error budget of the atoms."""
        halves = None if teacher.half is None or student.half is None else {"x1": teacher.half, "x2": student.half}
        found = decoded_pid(
            {"x1": teacher.rows, "x2": student.rows},
            self.y,
            **self._how(),
            unit="bits",
            known=Readings({"x1": teacher.whole, "x2": student.whole}, halves),
            provenance={},
        )
        return {
            **{ours: float(getattr(found, theirs)) for ours, theirs in OF_A_PAIR.items()},
            "gap": found.report.gap,
            "n_codes_teacher": found.n_symbols[1],
            "n_codes_student": found.n_symbols[2],
            "bias": None,
            "warnings": found.warnings,
            "decoded": DecodedAtoms(
                decoder=found.provenance["decoder"],
                interval=_of_a_pair(found.interval),
                standard_error=_of_a_pair(found.standard_error),
                at_limit=None if halves is None else _of_a_pair(found.at_limit),
                p_value={ours: found.p_value[OF_A_PAIR[ours]] for ours in DISTILLATION_ATOMS},
                decoders={side: found.decoders[name] for name, side in SIDES.items()},
            ),
        }


def _of_a_pair(numbers: Mapping[str, Number]) -> dict[str, Number]:
    """Return the numbers of a result under the names of a record."""
    return {ours: numbers[theirs] for ours, theirs in OF_A_PAIR.items()}


def read_teachers(
    networks: Networks,
    pairs: Iterable[tuple[str, str, str]],
    x: Inputs,
    of_teacher: Callable[[Tensor, str], Any],
    *,
    batch_size: int,
) -> dict[tuple[str, str], Any]:
    """Return what is kept of the outputs of every teacher that pairs (teacher, its layer, ...) name; each runs once.

    Where the networks have a cache, it is asked for what they tap.
    """
    kept = {}
    for name, teacher in networks.teachers.items():
        outputs = dict.fromkeys(theirs for who, theirs, _ in pairs if who == name)
        # Layers are named as in the model that a FrozenTeacher holds.
        model = teacher.get_submodule("model")
        if has_cached(networks, name, outputs):
            collector = RowCollector()
            with undisturbed(teacher):
                for batch, answers in cached_batches(networks, name, x, batch_size=batch_size):
                    for output in outputs:
                        rows = unpadded(networks, output, answers[output], batch)
                        collector.add(output, rows, n_samples(batch))
            found = collector.take()
        else:
            found = collect_rows(
                model,
                outputs,
                x,
                batch_size=batch_size,
                tapped=networks.kept.taps,
                kept=partial(row_of, networks, name),
            )
        for output, rows in found.items():
            kept[name, output] = of_teacher(rows, f"teacher {name!r}: {output!r}")
    return kept
