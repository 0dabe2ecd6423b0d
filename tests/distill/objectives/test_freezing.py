"""Progressive freezing: what is frozen when, batch normalisation too, and after a run is resumed."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from pidkit.distill import KD, EpochEnd, ProgressiveFreezing, Trainer, TrainerOptions, tap
from pidkit.errors import InputError
from tests.distill.toys import blobs, network, weights

X, Y = blobs(60)


def frozen_run(path: Path | None = None, *, epochs: int = 4, resume: bool = False) -> tuple[Any, list[Any]]:
    """A run in which the norm "1" is frozen from epoch 1 and the first layer from epoch 2; weights after each epoch."""
    seen: list[Any] = []
    networks = tap(teacher=network(8), student=network(5, seed=1), example=X[:2])
    freezing = ProgressiveFreezing(KD(), networks.student, {2: "0", 1: ["1"]})

    def keep(end: EpochEnd) -> None:
        seen.append([weights(layer) for layer in end.networks.student.children()])

    options = TrainerOptions(epochs=epochs, batch_size=20, learning_rate=0.05, momentum=0.9, progress=False)
    Trainer(networks, freezing, options=options, train=(X, Y), path=path, resume=resume, on_epoch_end=[keep]).fit()
    return networks.student, seen


def test_layers_stop_in_their_epoch_with_their_statistics_and_the_others_go_on() -> None:
    _, seen = frozen_run()
    moved = [
        [any(not torch.equal(a, b) for a, b in zip(now[k], then[k], strict=True)) for k in (0, 1, 4)]
        for then, now in pairwise(seen)
    ]
    # From one epoch's end to the next: in epoch 1 the norm rests, from epoch 2 on the first layer too.
    assert moved == [[True, False, True], [False, False, True], [False, False, True]]


def test_a_resumed_run_is_frozen_as_well(tmp_path: Path) -> None:
    whole, _ = frozen_run()

    class Stop(Exception):
        pass

    networks = tap(teacher=network(8), student=network(5, seed=1), example=X[:2])
    freezing = ProgressiveFreezing(KD(), networks.student, {2: "0", 1: ["1"]})

    def stop(end: EpochEnd) -> None:
        if end.epoch == 2:
            raise Stop

    options = TrainerOptions(epochs=4, batch_size=20, learning_rate=0.05, momentum=0.9, progress=False)
    with pytest.raises(Stop):
        Trainer(networks, freezing, options=options, train=(X, Y), path=tmp_path, on_epoch_end=[stop]).fit()
    resumed, _ = frozen_run(tmp_path, resume=True)
    assert all(torch.equal(a, b) for a, b in zip(weights(whole), weights(resumed), strict=True))


def test_value_is_the_objectives_and_an_earlier_epoch_lets_go_again_of_what_was_learning() -> None:
    student = network(5)
    student[0].bias.requires_grad_(False)
    freezing = ProgressiveFreezing(KD(), student, {1: "0", 3: ["1", "4"]})
    learning = [name for name, p in student.named_parameters() if p.requires_grad]
    freezing.set_epoch(3)
    assert list(freezing.frozen_layers) == ["0", "1", "4"]
    assert not any(p.requires_grad for p in student.parameters())
    freezing.set_epoch(0)
    assert not freezing.frozen_layers
    assert [name for name, p in student.named_parameters() if p.requires_grad] == learning
    assert not student[0]._forward_pre_hooks


def test_what_cannot_be_frozen_is_refused() -> None:
    student = network(5)
    with pytest.raises(InputError, match="layers must name what is frozen, by epoch"):
        ProgressiveFreezing(KD(), student, {})
    with pytest.raises(InputError, match="layers holds 'x'"):
        ProgressiveFreezing(KD(), student, {1: "x"})
    with pytest.raises(InputError, match="every epoch in layers must be a whole number"):
        ProgressiveFreezing(KD(), student, {1.5: "0"})  # type: ignore[dict-item]
    freezing = ProgressiveFreezing(KD(), nn.Sequential(nn.Linear(2, 2)), {1: "0"})
    with pytest.raises(InputError, match="the student of ProgressiveFreezing is gone"):
        freezing.set_epoch(1)
