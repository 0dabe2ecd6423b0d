"""Taps(reduce={...}): each layer reduced in its own way."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from pidkit.errors import InputError
from pidkit.nn.taps import Taps, fits_layer


def kept(reduce: dict[str, Callable[..., Any] | str] | str) -> dict[str, tuple[int, ...]]:
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(), nn.Flatten())
    with Taps(model, ["0", "1", "2"], reduce=reduce) as taps:
        model(torch.ones(3, 1, 4, 4))
        return {name: tuple(output.shape) for name, output in taps.take().items()}


def test_layers_that_no_key_fits_are_kept_whole_and_the_first_that_fits_counts() -> None:
    assert kept({"0": "mean"}) == {"0": (3, 2), "1": (3, 2, 4, 4), "2": (3, 32)}
    assert kept({"1": lambda out: out[:, :1, 0, 0], "[0-1]": "mean"}) == {"0": (3, 2), "1": (3, 1), "2": (3, 32)}
    assert kept({}) == kept("none") == kept({"*": "none"})


def test_what_is_refused() -> None:
    with pytest.raises(InputError, match=r"reduce must be 'none', 'mean' or a callable, not 'sum'"):
        kept({"0": "sum"})
    with pytest.raises(InputError, match=r"reduce names 'conv', which fits no tapped layer; those are 0, 1, 2"):
        kept({"conv": "mean"})


def test_names_and_globs_fit_layers() -> None:
    assert fits_layer("blocks.[0]", "blocks.[0]")  # a name is itself, whatever its characters mean in a glob
    assert fits_layer("*.attn", "blocks.3.attn")
    assert not fits_layer("attn", "blocks.3.attn")
