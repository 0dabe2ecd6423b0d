"""One run of examples/rid_digits.py: a teacher, or a student beside it, from its settings and seed alone."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from pidkit import DivergenceError, RepresentationCodes
from pidkit.arrays import write_atomic
from pidkit.distill import (
    AtomProbe,
    CrossEntropy,
    Milestones,
    Networks,
    Phase,
    Phases,
    Trainer,
    TrainerOptions,
    WeightedSum,
    evaluate,
    tap,
)
from pidkit.nn import own_random_state
from rid.digits_data import DigitsData, Split, digits_on_backgrounds
from rid.methods import METHODS, MethodSettings, Sample, make_objective, make_phases
from rid.networks import small_network
from rid.runs import Result, Run

TEACHERS = ("trained", "untrained", "nuisance")
LAYERS = ("block1", "block2", "block3")
STREAMS = {"trained": 1, "untrained": 2, "nuisance": 3, "student": 4}
"""What begins from random numbers of its own: each adds its number to the seed, in thousands."""


@dataclass(frozen=True, kw_only=True)
class Settings(MethodSettings):
    """Everything that a result depends on, apart from method, teacher, weight and seed."""

    teachers: tuple[str, ...] = TEACHERS
    methods: tuple[str, ...] = tuple(name for name in METHODS if name != "AdaptiveKD")
    weights: tuple[float, ...] = (0.01, 0.1, 1.0, 10.0)  # the grid of lambda
    n_seeds: int = 3
    data_seed: int = 0
    n_train: int = 1000
    n_student: int = 1000  # of those, the first so many, that students learn from; teachers have all
    n_validation: int = 297
    contrast: float = 0.6  # of the backgrounds
    teacher_width: int = 16
    student_width: int = 2
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
    probe_every: int = 3  # epochs
    probed_methods: tuple[str, ...] = ("BAS", "KD", "VID", "RID", "ExactRedundancy")
    probed_weight: float = 10.0  # one for all, and so large that it shows what a method follows
    probe_codes: int = 6
    probe_pca: int = 10
    n_null: int = 5


CHOICES = ("teachers", "methods", "weights", "n_seeds", "probed_methods", "probed_weight")
"""The settings that say which runs there are, and do not matter to any one of them."""


@dataclass(frozen=True)
class TeacherRun:
    """A teacher of one kind; every seed has its own."""

    kind: str
    seed: int

    @property
    def name(self) -> str:
        return f"teacher_{self.kind}_{self.seed}"


def data_of(settings: Settings) -> DigitsData:
    """Return the one data set of all runs."""
    return digits_on_backgrounds(
        n_train=settings.n_train,
        n_validation=settings.n_validation,
        contrast=settings.contrast,
        seed=settings.data_seed,
    )


def train_teacher(run: TeacherRun, settings: Settings, folder: Path) -> Result:
    """Train a teacher on the digit, on the background or not at all, keep its weights, and say how good it is."""
    data = data_of(settings)
    with own_random_state(_seed(run.kind, run.seed)):
        teacher = small_network(settings.teacher_width)
        if run.kind != "untrained":
            labels = "digits" if run.kind == "trained" else "backgrounds"
            networks = tap(student=teacher, example=data.train.images[:2])
            options = TrainerOptions(
                epochs=settings.teacher_epochs,
                batch_size=settings.batch_size,
                optimiser="adamw",
                learning_rate=settings.teacher_learning_rate,
                schedule=_drops(settings.teacher_drops),
                weight_decay=settings.weight_decay,
                rng=run.seed,
                progress=False,
            )
            train = (data.train.images, getattr(data.train, labels))
            Trainer(networks, WeightedSum({"labels": CrossEntropy()}), options=options, train=train).fit()
            networks.remove()
    weights = io.BytesIO()
    torch.save(teacher.state_dict(), weights)
    write_atomic(_weights_file(folder, run.kind, run.seed), weights.getvalue())
    asked = "backgrounds" if run.kind == "nuisance" else "digits"
    return {name: _accuracy(teacher, getattr(data, name), asked) for name in ("validation", "test")}


def train_student(run: Run, settings: Settings, folder: Path) -> Result:
    """Train a student beside its teacher and say how good it is; a probed run also records the atoms as it learns."""
    data = data_of(settings)
    data = replace(data, train=Split(*(part[: settings.n_student] for part in data.train)))
    teacher = small_network(settings.teacher_width)
    if run.teacher in TEACHERS:  # a student alone has none
        teacher.load_state_dict(torch.load(_weights_file(folder, run.teacher, run.seed), weights_only=True))
    diverged = False
    with own_random_state(_seed("student", run.seed)):
        student = small_network(settings.student_width)
        with tap(teacher=teacher, student=student, layers=LAYERS, example=data.train.images[:2]) as networks:
            try:
                if run.method == "TED":
                    _fit(
                        replace(run, method="BAS", probed=False),
                        networks,
                        data,
                        settings,
                        folder,
                        (0, settings.ted_from),
                    )
                start = settings.ted_from if run.method == "TED" else 0
                _fit(run, networks, data, settings, folder, (start, settings.student_epochs))
            except DivergenceError:
                diverged = True  # the accuracy is that of the weights before the step that failed
    scores = {name: _accuracy(student, getattr(data, name), "digits") for name in ("validation", "test")}
    return {**scores, "diverged": diverged}


def _fit(
    run: Run, networks: Networks, data: DigitsData, settings: Settings, folder: Path, epochs: tuple[int, int]
) -> None:
    """Train for the student's epochs from the first to the second of `epochs`, counted over all of its training."""
    start, stop = epochs
    phases = make_phases(run.method, settings)
    held_out = data.validation.images, data.validation.digits
    sample = Sample(data.train.images, data.train.digits, held_out=held_out)
    objective = make_objective(run.method, run.weight, networks, settings, sample)
    options = TrainerOptions(
        epochs=epochs_until(phases, stop - start),
        batch_size=settings.batch_size,
        optimiser="adamw",
        learning_rate=settings.filter_learning_rate,
        learning_rates={"student": settings.learning_rate},
        # Counted in the student's own epochs, so that every method's student has the same.
        schedule={Phase.STUDENT: _drops([epoch - start for epoch in settings.drops if epoch > start])},
        weight_decay=settings.weight_decay,
        clip_norm=settings.clip_norm,
        rng=run.seed,
        progress=False,
    )
    train = (data.train.images, data.train.digits)
    if not run.probed:
        Trainer(networks, objective, phases, options, train=train).fit()
        return
    path = folder / "atoms" / f"{run.name}.json"
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)  # of a run that did not finish
    with AtomProbe(
        networks,
        sample=(data.validation.images, data.validation.digits),
        pairs=[(LAYERS[-1], LAYERS[-1])],
        logits=False,
        objective=objective,
        schedule=[*range(0, options.epochs, settings.probe_every), options.epochs],
        # The RID paper's recipe, by which the committed figures were made; without a quantiser layers are decoded.
        quantiser=RepresentationCodes(settings.probe_pca, settings.probe_codes, n_init=3),
        n_null=settings.n_null,
        phases=phases,
        path=path,
    ) as probe:
        probe(0)
        after = [lambda end: probe(end.epoch + 1)]
        Trainer(networks, objective, phases, options, train=train, on_epoch_end=after).fit()


def epochs_until(phases: Phases, n_student: int) -> int:
    """Return how many epochs there are until the student has had its share."""
    epoch = n_student
    while sum(phases.at(before) is Phase.STUDENT for before in range(epoch)) < n_student:
        epoch += 1
    return epoch


def _drops(epochs: Sequence[int]) -> Milestones:
    return Milestones(epochs=tuple(epochs), by=0.2, counts="phase")


def _accuracy(network: nn.Module, split: Split, labels: str) -> float:
    return evaluate(network, (split.images, getattr(split, labels)), batch_size=2000).accuracy


def _seed(what: str, seed: int) -> int:
    return 1000 * STREAMS[what] + seed


def _weights_file(folder: Path, kind: str, seed: int) -> Path:
    return folder / "runs" / f"teacher_{kind}_{seed}.pt"
