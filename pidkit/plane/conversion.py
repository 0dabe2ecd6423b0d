"""Convert the arguments of `InformationPlane`: layers by network, and inputs and features as rows of numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from torch import Tensor, nn

from pidkit.arguments import items_of
from pidkit.array_likes import plain_array
from pidkit.errors import InputError
from pidkit.nn.taps import find_layers
from pidkit.types import FloatArray


def layers_of(
    models: Mapping[str, nn.Module], layers: str | Iterable[str] | Mapping[str, str | Iterable[str]]
) -> dict[str, tuple[str, ...]]:
    """Return the qualified names of the layers to track, by network.

    Raises
    ------
    InputError
        If `layers` is a mapping that does not name the networks, or holds an unknown layer.

    Examples
    --------
    >>> layers_of({"net": nn.Sequential(nn.Linear(2, 3), nn.Tanh())}, "*")
    {'net': ('0', '1')}
    """
    if isinstance(layers, Mapping):
        if set(layers) != set(models):
            raise InputError(f"layers must name the networks {sorted(models)}, not {sorted(layers)}")
        return {name: find_layers(model, layers[name]) for name, model in models.items()}
    names = layers if isinstance(layers, str) else items_of("layers", layers)
    return {name: find_layers(model, names) for name, model in models.items()}


def as_inputs(inputs: Any, n: int) -> FloatArray:
    """Return the inputs that I(X;F) is about as float64 rows (n, d).

    Raises
    ------
    InputError
        If there is not one row for each sample.
    """
    array = plain_array(inputs, "inputs")
    if array.ndim == 0 or len(array) != n:
        raise InputError(f"inputs must have one row a sample: shape {array.shape}, and there are {n} samples")
    return array.reshape(n, -1).astype(np.float64)


def as_arrays(features: Mapping[str, Tensor]) -> dict[str, FloatArray]:
    """Return the features of each layer as float64 arrays, which the estimators compute in."""
    return {layer: rows.numpy().astype(np.float64) for layer, rows in features.items()}
