"""A guard around a call that must leave the generators and settings of the process as it found them."""

import contextlib
import random
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np


@contextlib.contextmanager
def left_alone() -> Iterator[None]:
    """Assert that a block draws from no global generator, reseeds none, and changes no setting of numpy or torch.

    The generators are seeded by what no library seeds them by: otherwise a call that seeds them by 0, as an earlier one
    did, would leave them as they were.
    """
    torch = sys.modules.get("torch")
    kept = _generators(torch)
    random.seed(918_273)
    np.random.seed(918_273)  # noqa: NPY002  # the global state is what is under test
    if torch is not None:
        torch.default_generator.manual_seed(918_273)
    try:
        before, settings = _generators(torch), _settings(torch)
        yield
        for name, state in _generators(torch).items():
            assert state == before[name], f"the global generator of {name} was used"
        assert _settings(torch) == settings
    finally:
        _restore(kept, torch)


def _generators(torch: Any) -> dict[str, Any]:
    """Return the states of the global generators as values that can be compared."""
    name, key, *rest = np.random.get_state()  # noqa: NPY002
    states = {"random": random.getstate(), "numpy": (name, tuple(key), *rest)}
    return states if torch is None else {**states, "torch": tuple(torch.get_rng_state().tolist())}


def _restore(states: dict[str, Any], torch: Any) -> None:
    random.setstate(states["random"])
    np.random.set_state(states["numpy"])  # noqa: NPY002
    if torch is not None:
        torch.set_rng_state(torch.tensor(states["torch"], dtype=torch.uint8))


def _settings(torch: Any) -> dict[str, Any]:
    settings = {"errors": np.geterr(), "warnings": list(warnings.filters)}
    return settings if torch is None else {**settings, "dtype": torch.get_default_dtype()}
