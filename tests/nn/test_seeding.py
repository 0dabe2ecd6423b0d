"""Seeding: the numpy Generator decides, the global generators are left as they were."""

import numpy as np
import pytest
import torch

from pidkit.nn.seeding import seeded, torch_generator


def test_layers_depend_on_the_generator_alone() -> None:
    weights = []
    for seed in (0, 0, 1):
        torch.rand(seed + 3)
        with seeded(np.random.default_rng(seed)):
            weights.append(torch.nn.Linear(3, 3).weight)
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_the_state_is_put_back_even_on_an_exception() -> None:
    before = torch.get_rng_state()
    with pytest.raises(RuntimeError, match="size"), seeded(np.random.default_rng(0)):
        torch.rand(10) + torch.rand(3)
    assert torch.equal(torch.get_rng_state(), before)


def test_generators_of_one_numpy_generator_differ() -> None:
    rng = np.random.default_rng(0)
    first, second = (torch.rand(4, generator=torch_generator(rng)) for _ in range(2))
    assert not torch.equal(first, second)
