"""One run of a program of students and teachers: a teacher, or a student beside it, of its settings and seed."""

from __future__ import annotations

import abc
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pidkit import DivergenceError
from pidkit.arrays import write_atomic
from pidkit.distill import (
    AtomProbe,
    CrossEntropy,
    Milestones,
    Networks,
    Phase,
    Phases,
    TeacherCache,
    Trainer,
    TrainerOptions,
    WeightedSum,
    evaluate,
    tap,
)
from pidkit.nn import own_random_state
from rid.data import Data, Split
from rid.methods import LATE, METHODS, MethodSettings, Sample, make_objective, make_phases
from rid.runs import Result, Run

STREAMS = {"trained": 1, "untrained": 2, "nuisance": 3, "student": 4}
"""What begins from random numbers of its own: each adds its number to the seed, in thousands."""

CHOICES = (
    "teachers",
    "methods",
    "weights",
    "scales",
    "n_seeds",
    "n_search",
    "searched_only",
    "at_one_scale",
    "probed_methods",
    "probed_weight",
    "studied_apart",
    "cache_bytes",
)
"""The settings that say which runs there are or how they share work, and do not matter to any one of them."""

Augment = Callable[[Tensor, torch.Generator], Tensor]


@dataclass(frozen=True, kw_only=True)
class Settings(MethodSettings, abc.ABC):
    """Everything that a result depends on, apart from method, teacher, weight and seed; a program fills it in."""

    teachers: tuple[str, ...] = ("trained", "untrained", "nuisance")
    methods: tuple[str, ...] = tuple(METHODS)
    n_seeds: int = 3
    n_search: int = 0  # further seeds, which lambda is chosen with; none chooses it with the same
    searched_only: tuple[str, ...] = ()  # methods that were tried with those and are not reported
    at_one_scale: tuple[str, ...] = ()  # methods that all seeds run at the middle of the grid as well
    layers: tuple[str, ...] = ("block1", "block2", "block3")
    teacher_width: int = 16
    student_width: int = 2
    one_teacher: bool = False  # of a kind, for all seeds; or one for each
    optimiser: str = "adamw"
    teacher_epochs: int = 20
    teacher_drops: tuple[int, ...] = (13,)
    student_epochs: int = 20  # of every method; what warms filters up or refines the teacher's comes on top
    ted_from: int = 10  # TED's student learns alone before this epoch, then its filters, then it goes on
    drops: tuple[int, ...] = (14, 18)  # the student's epochs at whose start the learning rates fall to a fifth
    batch_size: int = 50
    learning_rate: float = 0.05
    filter_learning_rate: float = 0.01
    teacher_learning_rate: float = 0.01
    weight_decay: float = 5e-4
    clip_norm: float = 100.0
    studied_apart: int = 0  # seeds of the side studies; without any there are none
    probe_every: int = 3  # epochs
    probed_weight: float | None = None  # of the runs whose atoms are recorded; None is the chosen one
    probed_methods: tuple[str, ...] = ("BAS", "KD", "VID", "RID", "ExactRedundancy")
    # Of what teachers answered, kept on disk for further runs of the same seed; 0 keeps none. Teachers as small as
    # these answer nearly as fast as an answer is found: see docs/howto/distillation.md.
    cache_bytes: int = 0

    @abc.abstractmethod
    def data(self, data_dir: Path | None) -> Data:
        """Return the one data set of all runs."""

    @abc.abstractmethod
    def network(self, width: int) -> nn.Module:
        """Return a new network of that width."""

    @abc.abstractmethod
    def weights_of(self, method: str) -> Sequence[float]:
        """Return the grid of lambda."""

    @property
    def augment(self) -> Augment | None:
        """What makes new images of those to train on, if anything."""
        return None

    @property
    def probe_options(self) -> Mapping[str, Any]:
        """What an `AtomProbe` is told beside the layers."""
        return {}

    @property
    def history(self) -> bool:
        """Whether a result keeps the accuracy on validation after every epoch of the student."""
        return False


@dataclass(frozen=True)
class TeacherRun:
    """A teacher of one kind."""

    kind: str
    seed: int

    @property
    def name(self) -> str:
        return f"teacher_{self.kind}_{self.seed}"


def teacher_runs(settings: Settings) -> list[TeacherRun]:
    """Return the teachers to train: a corrupted one is the trained one, seen otherwise."""
    kinds = ["trained" if kind == "corrupted" else kind for kind in settings.teachers]
    seeds = range(1 if settings.one_teacher else settings.n_seeds)
    return list(dict.fromkeys(TeacherRun(kind, seed) for kind in kinds for seed in seeds))


def train_teacher(run: TeacherRun, settings: Settings, folder: Path, data_dir: Path | None = None) -> Result:
    """Train a teacher on the label, on the nuisance or not at all, keep its weights, and say how good it is."""
    data = settings.data(data_dir)
    asked = "nuisance" if run.kind == "nuisance" else "labels"
    with own_random_state(_seed(run.kind, run.seed)):
        teacher = settings.network(settings.teacher_width)
        if run.kind != "untrained":
            networks = tap(student=teacher, example=data.teacher.images[:2])
            options = TrainerOptions(
                epochs=settings.teacher_epochs,
                batch_size=settings.batch_size,
                optimiser=settings.optimiser,
                learning_rate=settings.teacher_learning_rate,
                schedule=_drops(settings.teacher_drops),
                weight_decay=settings.weight_decay,
                rng=run.seed,
                progress=False,
            )
            Trainer(
                networks,
                WeightedSum({"labels": CrossEntropy()}),
                options=options,
                train=(data.teacher.images, getattr(data.teacher, asked)),
                augment=settings.augment,
            ).fit()
            networks.remove()
    weights = io.BytesIO()
    torch.save(teacher.state_dict(), weights)
    write_atomic(weights_file(folder, run), weights.getvalue())
    return {name: _accuracy(teacher, getattr(data, name), asked) for name in ("validation", "test")}


def train_student(run: Run, settings: Settings, folder: Path, data_dir: Path | None = None) -> Result:
    """Train a student beside its teacher and say how good it is; a probed run also records the atoms as it learns."""
    settings = replace(settings, **dict(run.changed))
    data = settings.data(data_dir)
    teacher = settings.network(settings.teacher_width)
    if run.teacher in settings.teachers:  # a student alone has none
        kind = "trained" if run.teacher == "corrupted" else run.teacher
        weights = weights_file(folder, TeacherRun(kind, 0 if settings.one_teacher else run.seed))
        teacher.load_state_dict(torch.load(weights, weights_only=True))
    if run.teacher == "corrupted":
        teacher.corrupt()
    diverged, history = False, []
    with own_random_state(_seed("student", run.seed)):
        student = settings.network(settings.student_width)
        # A student alone is spared a teacher's answers, unless its atoms are asked for.
        beside = None if run.method == "BAS" and not run.probed else teacher
        example = data.train.images[:2]
        # What a corrupted teacher shows of an image depends on its batch, and cannot be kept.
        keep = settings.cache_bytes and beside is not None and run.teacher != "corrupted"
        cache = TeacherCache(folder / "teacher_cache", max_bytes=settings.cache_bytes) if keep else None
        with tap(teacher=beside, student=student, layers=settings.layers, example=example, cache=cache) as networks:
            try:
                start = settings.ted_from if run.method in LATE else 0
                if start:
                    alone = replace(run, method="BAS", probed=False)
                    history += _fit(alone, networks, data, settings, folder, (0, start))
                history += _fit(run, networks, data, settings, folder, (start, settings.student_epochs))
            except DivergenceError:
                diverged = True  # the accuracy is that of the weights before the step that failed
    scores = {name: _accuracy(student, getattr(data, name), "labels") for name in ("validation", "test")}
    return {**scores, "diverged": diverged, **({"history": history} if settings.history else {})}


def _fit(
    run: Run, networks: Networks, data: Data, settings: Settings, folder: Path, epochs: tuple[int, int]
) -> list[float]:
    """Train for the student's epochs from the first to the second of `epochs`, counted over all of its training.

    Return the accuracy on validation after each of them, where the settings want it.
    """
    start, stop = epochs
    phases = make_phases(run.method, settings)
    held_out = data.validation.images, data.validation.labels
    sample = Sample(data.train.images, data.train.labels, held_out=held_out)
    if run.teacher == "corrupted":
        # It shows every image what the one before it in the batch is. Classes come in turn here, so that it would be of
        # the class before: decoders are given the images in random order, as students are.
        sample = sample.shuffled(run.seed)
    objective = make_objective(run.method, run.weight, networks, settings, sample)
    options = TrainerOptions(
        epochs=epochs_until(phases, stop - start),
        batch_size=settings.batch_size,
        optimiser=settings.optimiser,
        learning_rate=settings.filter_learning_rate,
        learning_rates={"student": settings.learning_rate},
        # Counted in the student's own epochs, so that every method's student has the same.
        schedule={Phase.STUDENT: _drops([epoch - start for epoch in settings.drops if epoch > start])},
        weight_decay=settings.weight_decay,
        clip_norm=settings.clip_norm,
        rng=run.seed,
        progress=False,
    )
    train = (data.train.images, data.train.labels)
    validation = held_out if settings.history else None

    def fit(*after: Callable[[Any], None]) -> list[float]:
        trainer = Trainer(
            networks,
            objective,
            phases,
            options,
            train=train,
            validation=validation,
            augment=settings.augment,
            on_epoch_end=list(after),
        )
        trainer.fit()
        return [
            epoch.validation_accuracy
            for epoch in trainer.history.epochs
            if epoch.validation_accuracy is not None and epoch.phase == Phase.STUDENT.value
        ]

    if not run.probed:
        return fit()
    path = folder / "atoms" / f"{run.name}.json"
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)  # of a run that did not finish
    with AtomProbe(
        networks,
        sample=sample.held_out,
        pairs=[(settings.layers[-1], settings.layers[-1])],
        logits=False,
        objective=objective,
        schedule=[*range(0, options.epochs, settings.probe_every), options.epochs],
        phases=phases,
        path=path,
        **settings.probe_options,
    ) as probe:
        probe(0)
        return fit(lambda end: probe(end.epoch + 1))


def epochs_until(phases: Phases, n_student: int) -> int:
    """Return how many epochs there are until the student has had its share."""
    epoch = n_student
    while sum(phases.at(before) is Phase.STUDENT for before in range(epoch)) < n_student:
        epoch += 1
    return epoch


def _drops(epochs: Sequence[int]) -> Milestones:
    return Milestones(epochs=tuple(epochs), by=0.2, counts="phase")


def _accuracy(network: nn.Module, split: Split, labels: str) -> float:
    return evaluate(network, (split.images, getattr(split, labels)), batch_size=250).accuracy


def _seed(what: str, seed: int) -> int:
    return 1000 * STREAMS[what] + seed


def weights_file(folder: Path, run: TeacherRun) -> Path:
    """Return where the weights of a teacher are."""
    return folder / "runs" / f"{run.name}.pt"
