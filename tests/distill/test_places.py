"""Vectors, maps and tokens as channels at places."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pidkit import InputError
from pidkit.distill import LayerPair
from pidkit.distill.places import as_places, n_channels


def test_every_kind_puts_its_channels_second() -> None:
    vectors = torch.arange(6.0).reshape(2, 3)
    assert as_places(vectors).tolist() == [[[0.0], [1.0], [2.0]], [[3.0], [4.0], [5.0]]]
    maps = torch.arange(8.0).reshape(1, 2, 2, 2)
    assert as_places(maps).tolist() == [[[0.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0]]]
    tokens = torch.arange(6.0).reshape(1, 3, 2)  # three tokens of two channels
    assert as_places(tokens).tolist() == [[[0.0, 2.0, 4.0], [1.0, 3.0, 5.0]]]


@pytest.mark.parametrize(
    ("given", "wide"),
    [
        (torch.float16, torch.float32),
        (torch.bfloat16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
    ],
)
def test_half_precision_is_widened(given: torch.dtype, wide: torch.dtype) -> None:
    assert as_places(torch.ones(2, 3, dtype=given)).dtype == wide


def test_gradients_pass() -> None:
    x = torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(as_places, (x,))


def test_outputs_without_channels_are_refused() -> None:
    with pytest.raises(InputError, match=r"a layer must put out \(n, channels\), maps or tokens; .* shape \(3,\)"):
        as_places(torch.ones(3))


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.integers(1, 3))
def test_places_and_channels_agree_with_the_tensor(shape: list[int], n: int) -> None:
    pair = LayerPair("a", "b", tuple(shape), tuple(shape))
    found = as_places(torch.zeros(n, *shape))
    assert found.shape == (n, pair.teacher_channels, pair.n_places)
    assert n_channels(tuple(shape)) == pair.student_channels


def test_different_channels_are_compared_and_different_places_are_not() -> None:
    assert LayerPair("a", "b", (64, 8, 8), (16, 8, 8)).n_places == 64
    message = (
        r"teacher layer 'a' of shape \(64, 8, 8\) and student layer 'b' of shape \(16, 4, 4\) cannot be compared place "
        "by place; tap layers of one resolution"
    )
    with pytest.raises(InputError, match=message):
        _ = LayerPair("a", "b", (64, 8, 8), (16, 4, 4)).n_places
    with pytest.raises(InputError, match="cannot be compared"):
        _ = LayerPair("a", "b", (64, 8, 8), (64,)).n_places
    with pytest.raises(InputError, match="cannot be compared"):
        _ = LayerPair("a", "b", (64, 4, 16), (64, 8, 8)).n_places  # as many places, another grid
