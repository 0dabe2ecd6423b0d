"""Sizes in bytes: numbers and text, units of both kinds, and how they are shown."""

import numpy as np
import pytest

from pidkit import InputError
from pidkit.arguments import byte_count, shown_bytes


@pytest.mark.parametrize(
    ("given", "n_bytes"),
    [
        (1, 1),
        (np.int64(2**40), 2**40),
        ("7B", 7),
        ("64 B", 64),
        ("1 GiB", 2**30),
        ("1gib", 2**30),
        (" 0.5 KiB ", 512),
        ("500MB", 500_000_000),
        ("2 TB", 2 * 10**12),
    ],
)
def test_sizes_are_numbers_or_text(given: object, n_bytes: int) -> None:
    assert byte_count("memory", given) == n_bytes


@pytest.mark.parametrize(
    "given", [0, -1, 2**63, True, 1.5, None, "", "GiB", "1 GiB more", "-1 GiB", "1e9", "7", "0 GiB"]
)
def test_what_is_no_size_is_refused(given: object) -> None:
    with pytest.raises(
        InputError, match=r"^memory must be a number of bytes, or text such as '1 GiB' or '500 MB', not "
    ):
        byte_count("memory", given)


@pytest.mark.parametrize("n_bytes", [1, 1023, 1024, 5 * 2**20, 2**30, 3 * 2**40])
def test_shown_sizes_read_back(n_bytes: int) -> None:
    assert byte_count("memory", shown_bytes(n_bytes)) == n_bytes
