"""The settings of examples/rid_cifar.py --small: four convolutions, few images, a colour cast as the nuisance."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from rid.cifar_data import DataError, Part, read_cifar
from rid.cifar_images import channel_moments, cropped_and_flipped, normalised
from rid.data import Data, Split
from rid.methods import PUBLISHED_WEIGHTS, TABLE_METHODS
from rid.networks import Conv4
from rid.students import Augment, Settings

N_CASTS = 10


@dataclass(frozen=True, kw_only=True)
class SmallSettings(Settings):
    """Students, 16 to 64 wide, of 100 images a class, and teachers, 32 to 128 wide, of 20,000 images.

    Over every image lies one of ten colour casts, drawn without regard to its class. The grid of lambda is `scales`
    times the published weight of each method; it is chosen with a seed of its own.
    """

    teachers: tuple[str, ...] = ("trained", "untrained", "nuisance", "corrupted")
    methods: tuple[str, ...] = TABLE_METHODS
    scales: tuple[float, ...] = (0.1, 1.0, 10.0)
    n_seeds: int = 5
    n_search: int = 1
    searched_only: tuple[str, ...] = ("UniqueVID", "AdaptiveKD+Red", "WarmRID")
    at_one_scale: tuple[str, ...] = ("KD", "FitNet", "RID", "AdaptiveKD", "DecodedKD", "UniqueFitNet")
    layers: tuple[str, ...] = ("maps2", "maps3", "maps4")
    pooling: bool = False  # Conv-4-MP
    teacher_width: int = 32
    student_width: int = 16
    one_teacher: bool = True
    n_teacher: int = 20_000
    n_student: int = 1000  # of those, as many of each class
    n_validation: int = 1500
    n_test: int = 10_000
    cast: float = 0.3  # the share of the colour in every pixel
    teacher_epochs: int = 15
    teacher_drops: tuple[int, ...] = (8, 12)
    teacher_learning_rate: float = 0.005
    student_epochs: int = 16
    ted_from: int = 6
    drops: tuple[int, ...] = (10, 14)
    batch_size: int = 32
    learning_rate: float = 0.005
    filter_learning_rate: float = 0.005
    warm_up: int = 2
    pool_decoded: bool = True
    measure_every: int = 4
    measured_on: int = 3
    studied_apart: int = 2
    probe_every: int = 4
    probed_methods: tuple[str, ...] = TABLE_METHODS

    def data(self, data_dir: Path | None = None) -> Data:
        if data_dir is None:
            raise DataError("--data-dir must name the folder with the unpacked archive of CIFAR-10")
        return _data(data_dir, self.n_teacher, self.n_student, self.n_validation, self.n_test, self.cast)

    def network(self, width: int) -> nn.Module:
        # Channels last, as the images are: a step of the student takes two thirds of the time on a CPU.
        return Conv4(width, pooling=self.pooling).to(memory_format=torch.channels_last)

    def weights_of(self, method: str) -> Sequence[float]:
        return [scale * PUBLISHED_WEIGHTS[method] for scale in self.scales]

    @property
    def augment(self) -> Augment:
        return cropped_and_flipped

    @property
    def probe_options(self) -> Mapping[str, Any]:
        return {"folds": 5}

    @property
    def history(self) -> bool:
        return True


QUICK = SmallSettings(
    n_teacher=400,
    n_student=200,
    n_validation=200,
    n_test=200,
    teacher_epochs=3,
    teacher_drops=(2,),
    student_epochs=2,
    ted_from=1,
    drops=(1,),
    warm_up=1,
    cycle=2,
    teacher_share=0.5,
    n_seeds=1,
    studied_apart=0,
    scales=(1.0,),
    teachers=("trained", "nuisance"),
    probed_methods=("KD", "RID"),
    teacher_width=8,
    student_width=4,
)
"""To see that all of it runs; its numbers say nothing."""


@functools.lru_cache(maxsize=1)  # one process makes many runs
def _data(folder: Path, n_teacher: int, n_student: int, n_validation: int, n_test: int, cast: float) -> Data:
    """Read, choose, tint and normalise the images."""
    train, test = read_cifar(folder, 10)
    rng = np.random.default_rng(0)
    order = _classes_in_turn(train.labels, rng)
    if n_teacher + n_validation > len(order):
        raise DataError(f"n_teacher + n_validation = {n_teacher + n_validation} of {len(order)} images; --set fewer")
    if n_student > n_teacher:
        raise DataError(f"n_student = {n_student} of the teacher's {n_teacher} images; --set fewer")
    colours = rng.integers(256, size=(N_CASTS, 3))

    def tinted(part: Part, rows: np.ndarray) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        casts = rng.integers(N_CASTS, size=len(rows))
        pixels = (1.0 - cast) * part.images[rows] + cast * colours[casts][:, :, None, None]
        images = torch.from_numpy(pixels.round().astype(np.uint8))
        return images, torch.from_numpy(part.labels[rows]), torch.from_numpy(casts)

    parts = [
        tinted(train, order[:n_teacher]),
        tinted(train, order[n_teacher : n_teacher + n_validation]),
        tinted(test, np.arange(min(n_test, len(test.labels)))),
    ]
    mean, std = channel_moments(parts[0][0])
    teacher, validation, tested = (
        Split(normalised(images, mean, std).contiguous(memory_format=torch.channels_last), *labels)
        for images, *labels in parts
    )
    return Data(teacher, teacher.first(n_student), validation, tested)


def _classes_in_turn(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the rows in random order, one of each class after another, so that any front has as many of each."""
    order = rng.permutation(len(labels))
    shuffled = labels[order]
    by_class = np.argsort(shuffled, kind="stable")
    counts = np.bincount(shuffled)
    turn = np.empty(len(labels), dtype=np.int64)  # how many of its class come before each
    turn[by_class] = np.concatenate([np.arange(count) for count in counts])
    return order[np.lexsort((shuffled, turn))]
