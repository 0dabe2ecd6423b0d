"""The folder of a table: what is written comes back, once, under a lock, and what is damaged is made again."""

import threading
from pathlib import Path

import numpy as np
import pytest

from pidkit import InputError, PidkitWarning
from pidkit.arrays.locks import claimed
from pidkit.representations.table.store import Entry, Store

DIGEST, OTHER = "a" * 64, "b" * 64


def entry(value: float = 0.5) -> Entry:
    return Entry({"value": value, "names": ["z", "a"]}, {"rows": np.arange(3.0)})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "new" / "folder")


def test_an_entry_comes_back_with_its_arrays_mapped(store: Store) -> None:
    assert store.load("pairs", DIGEST) is None
    assert store.make("pairs", DIGEST, entry, wait=False)
    found = store.load("pairs", DIGEST)
    assert found is not None
    assert list(found.record.items()) == [("value", 0.5), ("names", ["z", "a"])]
    assert isinstance(found.arrays["rows"], np.memmap)
    np.testing.assert_array_equal(found.arrays["rows"], np.arange(3.0))


def test_what_is_there_is_not_made(store: Store) -> None:
    store.save("pairs", DIGEST, entry())
    assert store.make("pairs", DIGEST, lambda: pytest.fail("made again"), wait=False)


def test_equal_entries_are_equal_files(store: Store) -> None:
    store.save("pairs", DIGEST, entry())
    before = store.file_of("pairs", DIGEST).read_bytes()
    store.save("pairs", DIGEST, entry())
    assert store.file_of("pairs", DIGEST).read_bytes() == before


@pytest.mark.parametrize("damage", ["cut", "flipped", "renamed"])
def test_what_is_damaged_is_made_again(store: Store, damage: str) -> None:
    file = store.file_of("pairs", DIGEST)
    store.save("pairs", OTHER if damage == "renamed" else DIGEST, entry(0.25))
    if damage == "renamed":
        store.file_of("pairs", OTHER).rename(file)
    else:
        data = bytearray(file.read_bytes())
        data[len(data) // 2 + 40] ^= 1
        file.write_bytes(bytes(data[: len(data) // 2]) if damage == "cut" else bytes(data))
    with pytest.warns(PidkitWarning, match="cannot be used and is made again"):
        assert store.make("pairs", DIGEST, entry, wait=False)
    found = store.load("pairs", DIGEST)
    assert found is not None
    assert found.record["value"] == 0.5


def test_what_another_makes_is_left_to_it_and_waited_for(store: Store) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slowly() -> Entry:
        begun.set()
        assert go_on.wait(30.0)
        return entry()

    other = threading.Thread(target=store.make, args=("pairs", DIGEST, slowly), kwargs={"wait": False})
    other.start()
    assert begun.wait(30.0)
    assert not store.make("pairs", DIGEST, lambda: pytest.fail("made twice"), wait=False)
    threading.Timer(0.1, go_on.set).start()
    assert store.make("pairs", DIGEST, lambda: pytest.fail("made twice"), wait=True)
    other.join()


def test_one_that_ends_without_is_replaced(store: Store) -> None:
    def fail() -> Entry:
        raise InputError("no")

    with pytest.raises(InputError, match="no"):
        store.make("pairs", DIGEST, fail, wait=False)
    assert store.make("pairs", DIGEST, entry, wait=True)


def test_sweeping_removes_what_the_dead_left_and_nothing_else(store: Store) -> None:
    store.save("pairs", DIGEST, entry())
    folder = store.folder / "pairs"
    (folder / f"{OTHER}.lock").touch()
    (folder / f".{OTHER}.npz.0123abcd.tmp").write_bytes(b"half")
    with claimed(folder / "held.lock"):
        store.sweep()
        assert sorted(file.name for file in folder.iterdir()) == [f"{DIGEST}.npz", "held.lock"]


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InputError, match=r"path must name a folder for the table, but .* is a file"):
            Store.open(path)
