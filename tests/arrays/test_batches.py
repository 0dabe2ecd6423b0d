"""Batches of rows as one memory map: iterators, loaders, what is refused, and no memory for what was copied."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pidkit import InputError, posteriors_of, representation_pid
from pidkit.arrays import batches as module
from pidkit.arrays.batches import in_file, mapped_rows, scratch
from tests.memory import traced_memory

ROWS = np.arange(24.0, dtype=np.float32).reshape(8, 3)


def batches(rows: np.ndarray = ROWS) -> Iterator[np.ndarray]:
    return iter([rows[:3], rows[3:4], rows[4:]])


def test_an_iterator_gives_its_rows_in_order() -> None:
    found = mapped_rows(batches(), "x1")
    assert isinstance(found, np.memmap)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, ROWS)
    np.testing.assert_array_equal(mapped_rows(((batch, "label") for batch in batches()), "x1"), ROWS)
    np.testing.assert_array_equal(mapped_rows(([1.0, 2.0] for _ in range(2)), "x1"), [1.0, 2.0, 1.0, 2.0])


@pytest.mark.parametrize("given", [ROWS, ROWS.tolist(), tuple(ROWS), "x.npy", Path("x.npy"), ("x.npy", "key"), 3])
def test_anything_else_stays_as_it_is(given: Any) -> None:
    assert mapped_rows(given, "x1") is given


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (lambda: iter([]), "x1 must give at least one batch of rows; an iterator that has ended gives none"),
        (lambda: iter([ROWS, ROWS[:, :2]]), r"x1 must give batches of one shape and dtype; one has rows \(2,\) of"),
        (lambda: iter([ROWS, ROWS.astype(float)]), "x1 must give batches of one shape and dtype; one has rows"),
        (lambda: iter(["ab"]), "x1 must give batches of rows of real numbers"),
        (
            lambda: iter([1.0, 2.0]),
            r"x1 must give batches of rows of real numbers, shape \(rows, ...\), not shape \(\)",
        ),
        (lambda: iter([{"x": ROWS}]), "x1 must give batches that are arrays, not dicts"),
        (lambda: iter([[[1.0], [1.0, 2.0]]]), "x1 must give batches that are rectangular arrays"),
    ],
)
def test_what_gives_no_rows_is_refused(given: Any, message: str) -> None:
    with pytest.raises(InputError, match=f"^{message}"):
        mapped_rows(given(), "x1")


def test_a_loader_of_torch(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(torch.from_numpy(ROWS), torch.arange(8))
    found = mapped_rows(torch.utils.data.DataLoader(data, batch_size=3), "x1")
    np.testing.assert_array_equal(found, ROWS)
    with pytest.raises(InputError, match=r"^x1 must give its rows in the order of the labels, but the DataLoader shuf"):
        mapped_rows(torch.utils.data.DataLoader(data, batch_size=3, shuffle=True), "x1")


def test_batches_stand_for_a_layer(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 2
    x = labels[:, None] + rng.normal(size=(200, 3))
    plain = representation_pid(labels=labels, x1=x, x2=x, decoder="knn")
    given = representation_pid(labels=labels, x1=batches(x), x2=batches(x), decoder="knn")
    assert given.atoms == plain.atoms
    for path in (None, tmp_path / "table"):
        read = posteriors_of(labels=labels, x=batches(x), path=path, decoder="knn")
        assert representation_pid(labels=labels, x1=read, x2=x, decoder="knn").atoms == plain.atoms


def test_nothing_of_what_is_copied_stays_in_memory() -> None:
    with traced_memory() as traced:
        found = mapped_rows((np.full((100, 1000), k, np.float16) for k in range(100)), "x1")
    assert found.nbytes == 20_000_000
    assert traced.peak < 2_000_000
    assert found[9999, 0] == 99


def test_the_temporary_file_has_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    found = in_file([ROWS, ROWS.tobytes()], (16, 3), ROWS.dtype)
    assert not list(tmp_path.iterdir())
    np.testing.assert_array_equal(found[8:], ROWS)


def test_a_large_array_to_write_to_lies_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(module, "SCRATCH", 96)
    small, large = scratch((4, 3), np.dtype(np.float64)), scratch((5, 3), np.dtype(np.float64))
    assert [isinstance(one, np.memmap) for one in (small, large)] == [False, True]
    large[2:] = 7.0
    assert (large.sum(), large.shape, list(tmp_path.iterdir())) == (63.0, (5, 3), [])
