"""Runs with a cache are, bit by bit, the runs without it: in all phases, resumed, augmented, and beside a probe."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from pidkit.distill import (
    KD,
    RID,
    CrossEntropy,
    NearestCentres,
    Networks,
    Phases,
    TeacherCache,
    Trainer,
    TrainerOptions,
    WeightedSum,
    tap,
)
from pidkit.distill.batch import LOGITS
from pidkit.distill.probe.recipes import read_teachers
from pidkit.distill.teacher_features import teacher_features
from tests.distill.toys import same, weights

IMAGES = torch.randn(150, 2, 8, 8, generator=torch.Generator().manual_seed(0))
LABELS = (IMAGES.mean((1, 2, 3)) * 20).round().long() % 3


def convolutions(width: int, seed: int) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        body = [nn.Conv2d(2, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        return nn.Sequential(nn.Sequential(*body), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 3))


def pair(cache: TeacherCache | None, seed: int = 1) -> Networks:
    teacher, student = convolutions(16, 0), convolutions(4, seed)
    return tap(teacher=teacher, student=student, layers="0", example=IMAGES[:2], cache=cache)


def flipped(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    flips = torch.rand(len(x), generator=generator) < 0.5
    return torch.where(flips[:, None, None, None], x.flip(3), x)


def run(cache: TeacherCache | None, path: Path | None = None, *, epochs: int = 5, **given: Any) -> list[torch.Tensor]:
    networks = pair(cache)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        rid = RID(networks.pairs, n_classes=3)
    objective = WeightedSum({"labels": CrossEntropy(), "rid": rid}, {"rid": 10.0})
    options = TrainerOptions(epochs=epochs, batch_size=32, learning_rate=0.02, progress=False, rng=given.pop("seed", 0))
    phases = Phases(warm_up=1, cycle=3, teacher_share=1 / 3)
    given = {"train": (IMAGES, LABELS), "path": path, "resume": path is not None, **given}
    trainer = Trainer(networks, objective, phases, options, **given)
    trainer.fit()
    networks.remove()
    return weights(networks.student, objective)


@pytest.mark.parametrize("augment", [None, flipped])
@pytest.mark.parametrize("folder", [False, True])
def test_the_weights_are_those_without_a_cache(augment: Any, folder: bool, tmp_path: Path) -> None:
    path = tmp_path / "cache" if folder else None
    cache = TeacherCache(path)
    plain = run(None, augment=augment)
    assert same(run(cache, augment=augment), plain)
    seen = cache.misses
    assert 150 <= seen <= (150 if augment is None else 300)  # both views of each image
    again = TeacherCache(path) if folder else cache
    assert same(run(again, augment=augment), plain)
    assert again.misses == (0 if folder else seen)


def test_a_batch_that_is_not_full_has_the_same_bits() -> None:
    """150 is 4 times 32 and 22 more, and 31 four times and 26: kernels of other sizes."""
    options: dict[str, Any] = {"epochs": 3, "batch_size": 32, "drop_last": False, "progress": False}
    found = []
    for cache in (None, TeacherCache()):
        networks = pair(cache)
        objective = WeightedSum({"labels": CrossEntropy(), "kd": KD()})
        Trainer(networks, objective, options=TrainerOptions(**options), train=(IMAGES, LABELS)).fit()
        found.append(weights(networks.student))
        networks.remove()
    assert same(*found)


@pytest.mark.parametrize("stop", [1, 3])
def test_a_resumed_run_with_a_cache_is_one_without_that_was_never_interrupted(stop: int, tmp_path: Path) -> None:
    plain = run(None, augment=flipped)
    run(TeacherCache(tmp_path / "cache"), tmp_path / "run", epochs=stop, augment=flipped)
    assert same(run(TeacherCache(tmp_path / "cache"), tmp_path / "run", augment=flipped), plain)
    # And one that was begun without a cache goes on with one.
    run(None, tmp_path / "other", epochs=stop, augment=flipped)
    assert same(run(TeacherCache(), tmp_path / "other", augment=flipped), plain)


def test_probes_and_fits_read_the_same_rows_from_the_cache() -> None:
    cache = TeacherCache()
    found = []
    for networks in (pair(cache), pair(None)):
        fitted = NearestCentres.fit(networks, "0", IMAGES, n_codes=4, rng=0)
        features = [teacher_features(networks, "0", IMAGES, batch_size=64, pool=pool)["0"] for pool in (False, True)]
        pairs = [("teacher", "0", "0"), ("teacher", LOGITS, LOGITS)]
        probed = read_teachers(networks, pairs, IMAGES, lambda rows, name: rows, batch_size=64)
        found.append([*weights(fitted), *features, *probed.values()])
    assert same(*found)
    assert (cache.hits, cache.misses) == (3 * len(IMAGES), len(IMAGES))
