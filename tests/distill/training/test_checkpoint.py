"""Files that are whole, hold no code, and belong to the run that reads them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from pidkit import InputError
from pidkit.distill.training.checkpoint import load_checkpoint, save_checkpoint


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
    torch.save({"format": 3, "evil": Evil()}, tmp_path / "checkpoint.pt")
    with pytest.raises(InputError, match="which torch cannot read"):
        load_checkpoint(tmp_path, {})
    assert capsys.readouterr().out == ""


def test_what_was_changed_or_damaged_is_refused(tmp_path: Path) -> None:
    """The same file in the same format, one weight another: torch reads it, and nothing else would notice."""
    state = {
        "settings": {},
        "student": {"weight": torch.arange(3.0)},
        "momentum": {0: torch.ones(2, dtype=torch.bfloat16)},
    }
    save_checkpoint(tmp_path, state)
    file = tmp_path / "checkpoint.pt"
    content = torch.load(file, weights_only=True)
    for changed in (
        {**content, "student": {"weight": torch.tensor([0.0, 1.0, 2.5])}},
        {**content, "student": {"weight": torch.arange(3)}},
        {**content, "student": {"bias": torch.arange(3.0)}},
        {**content, "momentum": {0: torch.ones(2, dtype=torch.float16)}},
        {key: value for key, value in content.items() if key != "digest"},
    ):
        torch.save(changed, file)
        with pytest.raises(
            InputError, match=r"checkpoint\.pt, which is damaged: its digest is that of other content; move it"
        ):
            load_checkpoint(tmp_path, {})
    torch.save(content, file)
    assert load_checkpoint(tmp_path, {}) is not None
