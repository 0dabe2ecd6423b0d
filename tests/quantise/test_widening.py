"""Widening: all 65,536 numbers of two bytes, and whatever else is widened, as numpy does it."""

import numpy as np
import pytest

from pidkit.quantise import widening as module
from pidkit.quantise.widening import widened
from pidkit.types import AnyArray

ALL = np.arange(2**16, dtype=np.uint16).view(np.float16)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("finite", [True, False])
def test_every_number_of_two_bytes(dtype: type, finite: bool) -> None:
    halves = ALL[np.isfinite(ALL)] if finite else ALL
    found = widened(halves, dtype)
    expected: AnyArray = halves.astype(dtype)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, expected)
    assert (np.signbit(found) == np.signbit(expected))[~np.isnan(expected)].all()


def test_more_than_fits_at_once_in_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WIDENED_AT_ONCE", 100)
    rows = np.random.default_rng(0).normal(size=(30, 21)).astype(np.float16)
    rows[3, 4], rows[20, 20] = np.inf, np.nan
    for given in (rows, rows[::2, ::-3], rows.T, np.asfortranarray(rows), rows[:0], rows.byteswap().view(">f2")):
        np.testing.assert_array_equal(widened(given, np.float32), given.astype(np.float32))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int8, np.uint16, np.bool_, np.longdouble])
def test_other_types_are_those_of_numpy(dtype: type) -> None:
    rows: AnyArray = np.arange(12).reshape(3, 4).astype(dtype)
    for wanted in (np.float32, np.float64):
        found = widened(rows, wanted)
        assert found.dtype == wanted
        np.testing.assert_array_equal(found, rows.astype(wanted))
