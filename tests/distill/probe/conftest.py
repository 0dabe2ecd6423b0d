"""The random states are put back after each test that asks for it."""

# ruff: noqa: NPY002  (the global numpy generator is what must be left as found)

import random
from collections.abc import Iterator

import numpy as np
import pytest


@pytest.fixture
def kept_rng() -> Iterator[None]:
    """The global generators are put back after a test that seeds them."""
    import torch  # not above: a conftest is loaded whether or not torch is installed

    states = torch.get_rng_state(), np.random.get_state(), random.getstate()
    yield
    torch.set_rng_state(states[0])
    np.random.set_state(states[1])
    random.setstate(states[2])
