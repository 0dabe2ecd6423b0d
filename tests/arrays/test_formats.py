"""Files of every format: pickles are never loaded, checkpoints and tensors are read, packages may be missing."""

import fractions
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from pidkit import InputError
from pidkit.arrays import ArrayEntry, describe_file, load_array, save_arrays
from tests.arrays.files import X, message_of


def test_torch_tensor_and_nested_checkpoint(tmp_path: Path) -> None:
    x = torch.tensor(X, requires_grad=True)
    torch.save(x, tmp_path / "one.pt")
    np.testing.assert_array_equal(load_array(tmp_path / "one.pt"), X)
    assert describe_file(tmp_path / "one.pt").entries == (ArrayEntry(None, (3, 4), "float64", 96),)

    checkpoint = {
        "epoch": 3,
        "model": {"fc.weight": x, "half": x.half()},
        "layers": [x.bfloat16(), x.detach().to(torch.float8_e4m3fn)],
        "sparse": x.detach().to_sparse(),
    }
    torch.save(checkpoint, tmp_path / "many.pth")
    description = describe_file(tmp_path / "many.pth")
    assert description.format == "pth"
    assert [(e.key, e.dtype) for e in description.entries] == [
        ("model.fc.weight", "float64"),
        ("model.half", "float16"),
        ("layers.0", "bfloat16"),
        ("layers.1", "float8_e4m3fn"),
        ("sparse", "float64"),
    ]
    for key, dtype in {"model.fc.weight": "f8", "model.half": "f2", "layers.0": "f4", "sparse": "f8"}.items():
        np.testing.assert_array_equal(load_array(tmp_path / "many.pth", key=key), X.astype(dtype), strict=True)
    assert load_array(tmp_path / "many.pth", key="layers.1").dtype == np.float32


def test_safetensors_written_by_torch(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    x = torch.tensor(X)
    safetensors.torch.save_file({"a": x.bfloat16(), "b": x.to(torch.float8_e4m3fn), "c": x, "d": x > 1}, path)
    assert describe_file(path).entries == (
        ArrayEntry("a", (3, 4), "bfloat16", 24),
        ArrayEntry("b", (3, 4), "float8_e4m3", 12),
        ArrayEntry("c", (3, 4), "float64", 96),
        ArrayEntry("d", (3, 4), "bool", 12),
    )
    np.testing.assert_array_equal(load_array(path, key="a"), X.astype(np.float32), strict=True)
    assert load_array(path, key="b").dtype == np.float32
    np.testing.assert_array_equal(load_array(path, key="c"), X, strict=True)
    np.testing.assert_array_equal(load_array(path, key="d"), X > 1, strict=True)


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".pt", ".safetensors"])
def test_damaged_files(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    if suffix == ".pt":
        torch.save(torch.tensor(X), path)
    else:
        save_arrays(path, x=X)
    whole = path.read_bytes()
    for damaged in (b"nonsense", whole[:5], whole[:60], whole[: len(whole) // 2], whole[:-1]):
        path.write_bytes(damaged)
        assert str(path) in message_of(path)
    path.write_bytes(b"nonsense")
    with pytest.raises(InputError, match=r"is damaged or no \.|is cut short or a legacy pickle"):
        describe_file(path)


def test_pickles_are_never_loaded(tmp_path: Path) -> None:
    objects = np.array([{}], dtype=object)
    np.save(tmp_path / "o.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "o.npz", allow_pickle=True, o=objects)
    torch.save({"x": torch.ones(2), "y": fractions.Fraction(1, 2)}, tmp_path / "o.pt")
    for name in ("o.npy", "o.npz", "o.pt"):
        assert "holds pickled objects, which are never loaded; save" in message_of(tmp_path / name)
    assert describe_file(tmp_path / "o.npy").entries[0].dtype == "object"

    (tmp_path / "legacy.pt").write_bytes(pickle.dumps({"x": 1}))
    torch.save(torch.ones(2), tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    for name in ("legacy.pt", "old.pt"):
        assert "is cut short or a legacy pickle, which is never loaded" in message_of(tmp_path / name)


def test_files_without_arrays(tmp_path: Path) -> None:
    torch.save({"epoch": 3}, tmp_path / "x.pt")
    assert "holds a dict without any" in message_of(tmp_path / "x.pt")
    torch.save(3, tmp_path / "x.pt")
    assert "holds a int without any" in message_of(tmp_path / "x.pt")
    np.savez(tmp_path / "x.npz")
    assert "x.npz holds none; write it again" in message_of(tmp_path / "x.npz")


def test_keys_that_clash(tmp_path: Path) -> None:
    torch.save({"a.b": torch.ones(2), "a": {"b": torch.ones(3)}}, tmp_path / "x.pt")
    assert "holds 'a.b' twice; rename one" in message_of(tmp_path / "x.pt")


def test_missing_packages_for_one_tensor_and_for_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.safetensors"
    safetensors.torch.save_file({"a": torch.ones(2).bfloat16(), "b": torch.ones(2)}, path)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert "key 'a' of" in message_of(path, key="a")
    assert "needs PyTorch to be read: pip install pidkit[torch]" in message_of(path, key="a")
    np.testing.assert_array_equal(load_array(path, key="b"), [1, 1])
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(InputError, match=r"needs safetensors to be written: pip install pidkit\[torch\]"):
        save_arrays(path, x=X)
