"""Files that were damaged or changed by hand: refused in one line, or what they were; none is something else."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pidkit import InputError
from pidkit.arrays import load_array, save_arrays
from pidkit.arrays.checksums import digest_of
from pidkit.records import AtomRecords, PlanePoint, PlaneTrajectory
from pidkit.records.atom_history import ATOM_RECORDS_FORMAT
from pidkit.records.trajectory import COLUMNS
from tests.damage import damaged_bytes, tampered

torch = pytest.importorskip("torch")

from pidkit.distill.training.checkpoint import _arrays, save_checkpoint  # noqa: E402
from tests.distill.training.short_runs import trainer  # noqa: E402
from tests.records.test_atom_history import records  # noqa: E402

ARRAYS = {"first": np.arange(4000.0).reshape(800, 5), "second": np.arange(7), "words": np.array(["a", "bc"])}
POINTS = tuple(PlanePoint("net", step, "fc", "mi_label", "ksg", 0.5 + step, None, 0.1) for step in (0.0, 1.0, 2.0))
TRAJECTORY = PlaneTrajectory(POINTS, "bits", 1.0, 100, {"settings": {"rng": 0, "layers": {"net": ["fc"]}}})


def arrays_of(file: Path) -> list[Any]:
    return [load_array(file, key=key).tolist() for key in ARRAYS]


def tensors_of(file: Path) -> list[Any]:
    return [load_array(file, key=key).tolist() for key in ("first", "second")]


def resumed(file: Path) -> list[Any]:
    """Everything that a resumed run goes on from."""
    run = trainer(path=file.parent, resume=True)._run
    plain = run.state_dict()
    plain.pop("random")
    return [digest_of(_arrays(plain))]


def write_arrays(file: Path) -> None:
    save_arrays(file, **ARRAYS)


def write_compressed(file: Path) -> None:
    np.savez_compressed(file, first=ARRAYS["first"], second=ARRAYS["second"], words=ARRAYS["words"])


def write_tensors(file: Path) -> None:
    torch.save({"first": torch.arange(4000.0), "second": torch.arange(7)}, file)


def write_checkpoint(file: Path) -> None:
    trainer(path=file.parent, options={"epochs": 1}).fit()


FORMATS: dict[str, tuple[str, Callable[[Path], Any], Callable[[Path], Any]]] = {
    "npz": ("x.npz", write_arrays, arrays_of),
    "compressed npz": ("x.npz", write_compressed, arrays_of),
    "pt": ("x.pt", write_tensors, tensors_of),
    "trajectory": ("run.npz", TRAJECTORY.save, PlaneTrajectory.load),
    "atom records": ("run.json", records().save, AtomRecords.load),
    "checkpoint": ("checkpoint.pt", write_checkpoint, resumed),
}


def verdict(load: Callable[[Path], Any], file: Path, good: Any) -> str:
    try:
        found = load(file)
    except InputError as error:
        return "refused" if "\n" not in str(error) else f"several lines: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "as it was" if found == good else "something else"


@pytest.mark.slow  # 1,500 files
@pytest.mark.parametrize("name", FORMATS)
def test_damaged_files_are_refused_in_one_line(tmp_path: Path, name: str) -> None:
    of, write, load = FORMATS[name]
    file, rng = tmp_path / of, np.random.default_rng(0)
    write(file)
    good, data = load(file), file.read_bytes()
    verdicts: Counter[str] = Counter()
    for _ in range(250):
        file.write_bytes(damaged_bytes(data, rng))
        verdicts[verdict(load, file, good)] += 1
    assert set(verdicts) <= {"refused", "as it was"}, verdicts
    assert verdicts["refused"] >= 150, verdicts  # the rest fell on padding and dates


def forge_records(file: Path, content: Any) -> None:
    content.pop("digest", None)
    content.pop("format", None)
    file.write_text(json.dumps({"format": ATOM_RECORDS_FORMAT, "digest": digest_of(content), **content}))


def forge_trajectory(file: Path, content: Any) -> None:
    header, columns = content.get("header"), {}
    given = content.get("columns")
    for key, column in (given if isinstance(given, dict) else {}).items():
        with contextlib.suppress(ValueError):  # ragged lists, which no file of arrays can hold
            if not (array := np.array(column)).dtype.hasobject:
                columns[key] = array
    if isinstance(header, dict):
        header["digest"] = digest_of([header, {key: columns[key] for key in COLUMNS if key in columns}])
    save_arrays(file, header=np.array(json.dumps(header)), **columns)


def content_of_trajectory(file: Path) -> Any:
    header = json.loads(str(load_array(file, key="header")))
    del header["digest"]
    return {"header": header, "columns": {key: load_array(file, key=key).tolist() for key in COLUMNS}}


def forge_checkpoint(file: Path, content: Any) -> None:
    save_checkpoint(file.parent, {key: value for key, value in content.items() if key not in ("format", "digest")})


@pytest.mark.slow  # 600 files
@pytest.mark.parametrize("name", ["trajectory", "atom records", "checkpoint"])
def test_content_that_was_changed_with_its_digest_raises_nothing_but_one_line(tmp_path: Path, name: str) -> None:
    """What the digest cannot tell, the schema must: a file of another writer, or of someone who knew how."""
    of, write, load = FORMATS[name]
    file, rng = tmp_path / of, np.random.default_rng(1)
    write(file)
    content, forge = {
        "trajectory": (content_of_trajectory, forge_trajectory),
        "atom records": (lambda file: json.loads(file.read_text()), forge_records),
        "checkpoint": (lambda file: torch.load(file, weights_only=True), forge_checkpoint),
    }[name]
    verdicts: Counter[str] = Counter()
    plain = content(file)
    for _ in range(200):
        forge(file, tampered(plain, rng))
        verdicts[verdict(load, file, None)] += 1
    assert set(verdicts) <= {"refused", "something else"}, verdicts
    assert verdicts["refused"] >= 50, verdicts


def test_a_flipped_digit_is_refused(tmp_path: Path) -> None:
    """The fast part of the above: a number that is a number still."""
    records().save(tmp_path / "run.json")
    text = (tmp_path / "run.json").read_text()
    (tmp_path / "run.json").write_text(text.replace('"redundancy": 0.5', '"redundancy": 0.6', 1))
    with pytest.raises(InputError, match=r"run.json is damaged \(its digest is that of other content\); restore it"):
        AtomRecords.load(tmp_path / "run.json")
    TRAJECTORY.save(tmp_path / "run.npz")
    other = {key: np.array(load_array(tmp_path / "run.npz", key=key)) for key in ("header", *COLUMNS)}
    replace(TRAJECTORY, points=POINTS[:2]).save(tmp_path / "run.npz")
    save_arrays(tmp_path / "run.npz", **{**other, "value": other["value"] + 1e-9})
    with pytest.raises(InputError, match=r"run.npz is damaged \(its digest is that of other content\); restore it"):
        PlaneTrajectory.load(tmp_path / "run.npz")
