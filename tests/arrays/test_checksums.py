"""Checksums of archives, and the digest of nested content."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pidkit import InputError
from pidkit.arrays import load_array, save_arrays
from pidkit.arrays.checksums import digest_of

X = np.arange(5000.0)


@pytest.mark.parametrize("compress", [False, True])
def test_a_flipped_bit_of_a_stored_array_is_found(tmp_path: Path, compress: bool) -> None:
    """A mapped array was never compared with its checksum."""
    path = tmp_path / "x.npz"
    (np.savez_compressed if compress else save_arrays)(path, x=X, y=X)
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        middle = archive.infolist()[1].header_offset // 2
    data[middle] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"is damaged"):
        load_array(path, key="x")
    np.testing.assert_array_equal(load_array(path, key="y"), X)


def test_a_member_that_is_longer_than_its_array_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez_compressed(path, x=X)
    with zipfile.ZipFile(path) as archive:
        content = archive.read("x.npy")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", content + b"more")
    with pytest.raises(InputError, match=r"is damaged \(x.npy is longer than its array\)"):
        load_array(path)


def test_a_flipped_bit_of_a_tensor_is_found_and_files_without_checksums_are_read(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    path = tmp_path / "x.pt"
    torch.save({"x": torch.from_numpy(X)}, path)
    np.testing.assert_array_equal(load_array(path), X)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(
        InputError, match=r"x.pt is damaged \(the checksum of x/data/0 is wrong\); restore it, or write it"
    ):
        load_array(path)
    computed = torch.serialization.get_crc32_options()
    try:
        torch.serialization.set_crc32_options(False)
        torch.save({"x": torch.from_numpy(X)}, path)
    finally:
        torch.serialization.set_crc32_options(computed)
    np.testing.assert_array_equal(load_array(path), X)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (1, 1.0),
        (1, True),
        (None, "None"),
        ([1, 2], (1, 2)),
        ([[1], 2], [[1, 2]]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"a": [1]}, {"a": 1}),
        (["ab"], ["a", "b"]),
        (np.arange(4), np.arange(4).reshape(2, 2)),
        (np.arange(4), np.arange(4.0)),
        (np.zeros(2), -np.zeros(2)),
        ({1, 2}, {1, 3}),
        (b"a", b"b"),
    ],
)
def test_different_content_has_different_digests(first: Any, second: Any) -> None:
    assert digest_of(first) != digest_of(second)
    assert digest_of({"of": first}) != digest_of({"of": second})


def test_the_digest_is_of_the_content_and_not_of_how_it_lies_in_memory() -> None:
    x = np.arange(12.0).reshape(3, 4)
    assert digest_of(x.T) == digest_of(np.ascontiguousarray(x.T))
    assert digest_of({"x": [x, {"n": 1}]}) == digest_of({"x": [x.copy(), {"n": 1}]})
