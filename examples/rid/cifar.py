"""One run of examples/rid_cifar.py, and the paper's settings: a teacher, or a student beside it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from pidkit import DivergenceError, RepresentationCodes
from pidkit.arrays import write_atomic
from pidkit.distill import (
    AtomProbe,
    CrossEntropy,
    Milestones,
    Networks,
    Phases,
    Trainer,
    TrainerOptions,
    WeightedSum,
    tap,
)
from pidkit.nn import own_random_state
from rid.cifar_data import DataError, read_cifar
from rid.cifar_images import channel_moments, cropped_and_flipped, normalised
from rid.methods import MethodSettings, Sample, make_objective, make_phases
from rid.networks import WideResNet
from rid.runs import Result, Run
from rid.tables import BASELINE


@dataclass(frozen=True, kw_only=True)
class Settings(MethodSettings):
    """The paper's setting for CIFAR-10 (its appendix D); "ours" marks what it does not print."""

    n_classes: int = 10
    teacher: tuple[int, int] = (40, 2)  # depth and width of a WRN
    student: tuple[int, int] = (16, 1)
    layers: tuple[str, ...] = ("block2", "block3", "block4")
    warm_up: int = 30  # n_w
    cycle: int = 30  # q
    teacher_share: float = 0.25  # r
    epochs: int = 300  # all phases together
    teacher_epochs: int = 200  # ours
    batch_size: int = 128  # ours
    learning_rate: float = 0.05
    drops: tuple[int, ...] = (150, 200)  # epochs at whose start the learning rate is multiplied by `drop`
    drop: float = 0.2
    teacher_drops: tuple[int, ...] = (60, 120, 160)  # ours: those of Zagoruyko and Komodakis
    filter_learning_rate: float = 0.01  # ours, of filters, heads and sigma; it drops along
    momentum: float = 0.9  # Nesterov's
    weight_decay: float = 5e-4
    clip_norm: float = 100.0  # ours
    precision: str = "float32"  # or "bfloat16", by autocast

    teachers: tuple[str, ...] = ("trained", "untrained")
    methods: tuple[str, ...] = (BASELINE, "VID", "TED", "RID", "ExactRedundancy")
    # VID's is printed, RID's about 10 in the published runs, the others ours. Of several, validation chooses.
    weights: Mapping[str, tuple[float, ...]] = field(
        default_factory=lambda: {
            "KD": (1.0,),
            "VID": (100.0,),
            "TED": (10.0,),
            "RID": (10.0,),
            "MIMKD": (1.0,),
            "SFKD+KD": (1.0,),
            "ExactRedundancy": (1.0,),
        }
    )
    n_seeds: int = 3
    n_train: int = 45000  # ours: of the 50000 images, drawn once and for all, as are those to validate on
    n_validation: int = 5000
    n_test: int = 10000
    probe_every: int = 50  # epochs, ours
    probe_pca: int = 10  # n_PCA
    probe_codes: int = 10  # n_clusters


CIFAR10 = Settings()
CIFAR100 = Settings(
    n_classes=100,
    teacher=(28, 10),
    student=(16, 8),
    warm_up=5,
    cycle=5,
    teacher_share=0.2,
    epochs=250,
    learning_rate=0.1,
    drops=(60, 120, 160),
    probe_pca=5,
    probe_codes=3,
)
CHOICES = ("teachers", "methods", "weights", "n_seeds")
"""The settings that say which runs there are, and do not matter to any one of them."""


@dataclass(frozen=True)
class TeacherRun:
    """The one teacher of a kind, for all seeds."""

    kind: str

    @property
    def name(self) -> str:
        return f"teacher_{self.kind}"


class Images(NamedTuple):
    """Normalised images and labels on the device, for training, choosing and the final score."""

    train: tuple[Tensor, Tensor]
    validation: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]

    @property
    def device(self) -> torch.device:
        return self.train[0].device


def load_images(folder: Path, settings: Settings, device: str) -> Images:
    """Read a data set, split it, and put it on the device."""
    train, test = read_cifar(folder, settings.n_classes)
    wanted = settings.n_train + settings.n_validation
    if wanted > len(train.labels):
        raise DataError(f"n_train + n_validation = {wanted} of {len(train.labels)} images; --set fewer")
    order = np.random.default_rng(0).permutation(len(train.labels))
    rows, held_out = order[: settings.n_train], order[settings.n_train : wanted]
    mean, std = channel_moments(torch.from_numpy(train.images[rows]))

    def on_device(images: np.ndarray, labels: np.ndarray) -> tuple[Tensor, Tensor]:
        return normalised(torch.from_numpy(images).to(device), mean, std), torch.from_numpy(labels).to(device)

    return Images(
        train=on_device(train.images[rows], train.labels[rows]),
        validation=on_device(train.images[held_out], train.labels[held_out]),
        test=on_device(test.images[: settings.n_test], test.labels[: settings.n_test]),
    )


def train_teacher(run: TeacherRun, settings: Settings, folder: Path, images: Images) -> Result:
    """Train a teacher, or leave it untrained, keep its weights, and say how good it is."""
    with own_random_state(1000):
        teacher = _network(settings.teacher, settings, images)
        # No teacher of its own: the identity stands in for one.
        with tap(student=teacher, example=images.train[0][:2]) as networks:
            scores = {"validation": None, "test": None}
            if run.kind == "trained":
                options = _options(settings, settings.teacher_epochs, settings.teacher_drops, seed=0)
                scores = _fit(
                    run.name, networks, WeightedSum({"labels": CrossEntropy()}), None, options, folder, images
                )
    _save_weights(teacher, folder, run.name)
    return scores


def train_student(run: Run, settings: Settings, folder: Path, images: Images) -> Result:
    """Train a student beside its teacher; say how good it is, and what both know about the label at the end."""
    with own_random_state(2000 + run.seed):
        student = _network(settings.student, settings, images)
        if run.method == "TED":  # it starts from the student that learned alone
            _load_weights(student, folder, Run("none", BASELINE, 0.0, run.seed).name)
        example = images.train[0][:2]
        alone = run.teacher == "none"
        teacher = None if alone else _network(settings.teacher, settings, images)
        if teacher is not None:
            _load_weights(teacher, folder, TeacherRun(run.teacher).name)
        with tap(
            teacher=teacher, student=student, layers=() if alone else settings.layers, example=example
        ) as networks:
            phases = make_phases(run.method, settings)
            sample = Sample(*(part[:5000] for part in images.train), held_out=images.validation)
            objective = make_objective(run.method, run.weight, networks, settings, sample)
            options = _options(settings, settings.epochs, settings.drops, seed=run.seed)
            probe = None if alone else _probe(run, networks, objective, phases, settings, folder, images)
            try:
                scores = _fit(run.name, networks, objective, phases, options, folder, images, probe)
            except DivergenceError as error:
                return {"validation": 0.0, "test": 0.0, "diverged": True, "message": str(error)}
    _save_weights(student, folder, run.name)
    return {**scores, "diverged": False, "atoms": None if probe is None else probe.table()[-1]}


def _fit(
    name: str,
    networks: Networks,
    objective: WeightedSum,
    phases: Phases | None,
    options: TrainerOptions,
    folder: Path,
    images: Images,
    probe: AtomProbe | None = None,
) -> Result:
    """Train from the last checkpoint on, and return the accuracies of the last epoch."""
    trainer = Trainer(
        networks,
        objective,
        phases,
        options,
        train=images.train,
        validation=images.validation,
        test=images.test,
        augment=cropped_and_flipped,
        path=folder / "training" / name,
        resume=True,
        on_epoch_end=[] if probe is None else [lambda end: probe(end.epoch + 1)],
    )
    trainer.fit()
    return {"validation": trainer.evaluate("validation").accuracy, "test": trainer.test().accuracy}


def _probe(
    run: Run,
    networks: Networks,
    objective: WeightedSum,
    phases: Phases,
    settings: Settings,
    folder: Path,
    images: Images,
) -> AtomProbe:
    """Return a probe of the last tapped layers on the validation images."""
    (folder / "atoms").mkdir(exist_ok=True)
    last = settings.layers[-1]
    return AtomProbe(
        networks,
        sample=(images.validation[0].cpu(), images.validation[1].cpu()),
        pairs=[(last, last)],
        logits=False,
        objective=objective,
        schedule=sorted({*range(settings.probe_every, settings.epochs, settings.probe_every), settings.epochs}),
        # The RID paper's recipe; without a quantiser layers are decoded.
        quantiser=RepresentationCodes(settings.probe_pca, settings.probe_codes, n_init=3),
        phases=phases,
        path=folder / "atoms" / f"{run.name}.json",
        resume=True,
    )


def _options(settings: Settings, epochs: int, drops: tuple[int, ...], *, seed: int) -> TrainerOptions:
    return TrainerOptions(
        epochs=epochs,
        batch_size=settings.batch_size,
        learning_rate=settings.filter_learning_rate,
        learning_rates={"student": settings.learning_rate},
        schedule=Milestones(epochs=drops, by=settings.drop),
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
        clip_norm=settings.clip_norm,
        precision=settings.precision,
        rng=seed,
    )


def _network(shape: tuple[int, int], settings: Settings, images: Images) -> WideResNet:
    return WideResNet(*shape, settings.n_classes).to(images.device)


def _weights_file(folder: Path, name: str) -> Path:
    return folder / "weights" / f"{name}.pt"


def _save_weights(network: nn.Module, folder: Path, name: str) -> None:
    weights = io.BytesIO()
    torch.save(network.state_dict(), weights)
    path = _weights_file(folder, name)
    path.parent.mkdir(exist_ok=True)
    write_atomic(path, weights.getvalue())


def _load_weights(network: nn.Module, folder: Path, name: str) -> None:
    network.load_state_dict(torch.load(_weights_file(folder, name), map_location="cpu", weights_only=True))
