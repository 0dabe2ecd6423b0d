"""Tensors are coded as the arrays that they hold, and refused where they hold none."""

from typing import Any

import numpy as np
import pytest
import torch

from pidkit.errors import InputError
from tests.quantise.quantisers import blobs, steps


@steps
def test_tensors_of_every_kind_are_coded_as_arrays(make: Any) -> None:
    # Multiples of 1/4 below 16 are exact in every dtype down to bfloat16.
    x = np.random.default_rng(0).integers(-31, 32, size=(20, 6)) / 4.0
    tensor = torch.tensor(x, requires_grad=True)
    expected = make().fit_transform(x)
    for same in (
        tensor,
        tensor.reshape(20, 2, 3).bfloat16(),
        tensor.half(),
        torch.nn.Parameter(tensor.detach().float()),
    ):
        np.testing.assert_allclose(make().fit_transform(same), expected, atol=1e-12)


@steps
def test_the_random_state_of_torch_is_left_alone(make: Any) -> None:
    before = torch.get_rng_state()
    make().fit(blobs()).transform(blobs())
    assert torch.equal(torch.get_rng_state(), before)


@steps
@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.eye(3).to_sparse(), "x must be a dense tensor"),
        (torch.ones(3, 2, device="meta"), "x must be a dense tensor"),
        (torch.ones(3, 2, dtype=torch.complex64), "x must hold real numbers, not dtype complex64"),
    ],
)
def test_bad_tensors_are_refused(make: Any, x: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make().fit(x)
