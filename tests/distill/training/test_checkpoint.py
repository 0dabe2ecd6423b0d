"""Files that are whole, hold no code, and belong to the run that reads them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from pidkit import InputError
from pidkit.distill.training.checkpoint import load_checkpoint, remove_leftovers, save_checkpoint


class Evil:
    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return print, ("run",)


def test_there_and_back(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path, {}) is None
    save_checkpoint(tmp_path, {"settings": {"a": 1}, "x": torch.arange(3), "nested": [{"b": (1, 2.0, None)}]})
    found = load_checkpoint(tmp_path, {"a": 1})
    assert found["x"].tolist() == [0, 1, 2]
    assert found["nested"] == [{"b": (1, 2.0, None)}]
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_other_settings_are_named(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, {"settings": {"options": {"seed": 0, "rate": 0.1}}})
    with pytest.raises(
        InputError, match=r"holds a run with other settings: options\.rate was 0\.1 and is 0\.2; resume with"
    ):
        load_checkpoint(tmp_path, {"options": {"seed": 0, "rate": 0.2}})


def test_what_is_no_checkpoint_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "checkpoint.pt").write_bytes(b"not torch's")
    with pytest.raises(InputError, match=r"checkpoint\.pt, which torch cannot read"):
        load_checkpoint(tmp_path, {})
    torch.save({"format": 0}, tmp_path / "checkpoint.pt")
    with pytest.raises(InputError, match="which is no checkpoint of a Trainer; move it away"):
        load_checkpoint(tmp_path, {})
    torch.save({"format": 1, "evil": Evil()}, tmp_path / "checkpoint.pt")
    with pytest.raises(InputError, match="which torch cannot read"):
        load_checkpoint(tmp_path, {})
    assert capsys.readouterr().out == ""


def test_leftovers_of_killed_processes_go(tmp_path: Path) -> None:
    for name in (".checkpoint.pt.0a1b2c3d.tmp", ".history.json.0a1b2c3d.tmp", "mine.tmp"):
        (tmp_path / name).touch()
    remove_leftovers(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["mine.tmp"]
