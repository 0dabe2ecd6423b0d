"""A value that is not finite stops the run, with the place, the term and the remedy."""

from typing import Any

import pytest
import torch
from torch import nn

from pidkit.distill import Phase
from pidkit.distill.training import TrainerOptions, divergence
from pidkit.distill.training.divergence import Watch
from pidkit.distill.training.optimisers import make_optimiser
from pidkit.errors import DivergenceError, PidkitError


def watch(every: int = 1, clip_norm: float | None = 100.0) -> Watch:
    layers = {"student": nn.Linear(1, 1), "sigma": nn.Linear(1, 1)}
    options = TrainerOptions(learning_rates={"sigma": 0.01}, clip_norm=clip_norm)
    optimiser = make_optimiser({name: list(layer.parameters()) for name, layer in layers.items()}, options)
    layers["sigma"](torch.ones(1)).backward()
    return Watch(epoch=4, phase=Phase.STUDENT, optimiser=optimiser, options=options, every=every)


def values(**given: Any) -> dict[str, torch.Tensor]:
    return {name: torch.tensor(value) for name, value in given.items()}


def test_finite_values_pass() -> None:
    watched = watch()
    for step in range(3):
        watched.see(step, values(loss=1.0, norm=1e30))
    watched.check()


def test_the_message_names_place_term_and_remedy() -> None:
    message = (
        r"training diverged in epoch 4 \(student phase\), not finite in step 7: loss = nan, rid = inf; lower the "
        r"learning rate \(now sigma 0.01\) or clip_norm \(now 100\). A checkpoint, where there is one, is still that"
    )
    with pytest.raises(DivergenceError, match=message) as caught:
        watch().see(7, values(loss=float("nan"), labels=1.0, rid=float("inf")))
    assert isinstance(caught.value, PidkitError)
    assert isinstance(caught.value, ArithmeticError)
    with pytest.raises(DivergenceError, match="or set clip_norm"):
        watch(clip_norm=None).see(7, values(loss=float("nan")))


def test_the_first_of_several_steps_is_named() -> None:
    watched = watch(every=4)
    watched.see(0, values(loss=1.0))
    for step in range(1, 3):
        watched.see(step, values(loss=float("inf")))
    with pytest.raises(DivergenceError, match="in step 1: loss = inf"):
        watched.see(3, values(loss=float("nan")))
    watched.see(4, values(loss=float("nan")))
    with pytest.raises(DivergenceError, match="in step 4"):
        watched.check()


def test_what_another_process_saw_stops_this_one_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(divergence, "summed", lambda values: values + 1)
    watched = watch(every=2)
    watched.see(4, values(loss=1.0))
    with pytest.raises(DivergenceError, match="not finite in another process, in the steps 4 to 5; lower"):
        watched.see(5, values(loss=1.0))
