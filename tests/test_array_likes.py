"""Array-likes are read by their values: tensors with a gradient, bfloat16, masked arrays, and lists of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pidkit import InputError
from pidkit.array_likes import plain_array, rounding_of


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            np.ma.masked_equal([1, 2, 2], 2),
            r"^x has 2 masked entries, which are no values; drop such samples",
        ),
        (
            np.ma.masked_equal([[1.0, 2.0]], 2.0),
            r"^x has 1 masked entry, which is no value; .* fill it with \.filled",
        ),
        ([np.ma.masked_equal([1, 2], 2), [1, 1]], r"^x\[0\] has 1 masked entry"),
        ([0, np.ma.masked], r"^x\[1\] has 1 masked entry"),
    ],
)
def test_masked_entries_are_refused(values: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        plain_array(values, "x")


def test_a_mask_without_entries_hides_nothing() -> None:
    whole = np.ma.masked_array([1.0, 2.0], mask=[False, False])
    found = plain_array(whole, "x")
    assert type(found) is np.ndarray
    assert found.tolist() == [1.0, 2.0]
    assert np.shares_memory(found, whole.data)


def test_tensors_are_read_by_their_values() -> None:
    torch = pytest.importorskip("torch")
    live = torch.tensor([0.5, -3.0], requires_grad=True)
    for tensor in (live, live.to(torch.bfloat16), live.half(), live.double(), torch.conj(live)):
        assert plain_array(tensor, "x").tolist() == [0.5, -3.0]
    assert plain_array([live, live.bfloat16()], "x").tolist() == [[0.5, -3.0]] * 2
    assert plain_array([live[0], 2.0], "x").tolist() == [0.5, 2.0]
    for without_values in (live.detach().to_sparse(), torch.zeros(2, device="meta")):
        with pytest.raises(InputError, match=r"^x must be a dense tensor that holds its values"):
            plain_array(without_values, "x")


def test_bfloat16_of_numpy_extensions_is_widened() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    found = plain_array(np.array([0.5, -3.0], dtype=ml_dtypes.bfloat16), "x")
    assert (found.dtype, found.tolist()) == (np.float32, [0.5, -3.0])


def test_the_rounding_of_a_dtype() -> None:
    """Machine epsilon is 2^-p for p bits after the leading one: 52, 23, 10 and 7."""
    for dtype, bits in ((np.float64, 52), (np.float32, 23), (np.float16, 10), (np.int64, 52)):
        assert rounding_of(np.ones(1, dtype=dtype)) == 2.0**-bits
    torch = pytest.importorskip("torch")
    for dtype, bits in ((torch.float64, 52), (torch.float32, 23), (torch.float16, 10), (torch.bfloat16, 7)):
        assert rounding_of(torch.ones(1, dtype=dtype)) == 2.0**-bits
