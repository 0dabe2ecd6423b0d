"""The page on the architecture is what its script writes, and the house keeps the sizes that it promises."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_page_is_up_to_date() -> None:
    """`python docs/make_architecture.py` writes it again."""
    page = runpy.run_path(str(ROOT / "docs" / "make_architecture.py"))["page"]()
    assert (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8") == page


def test_every_module_says_what_it_holds() -> None:
    silent = [
        str(path) for path in (ROOT / "pidkit").rglob("*.py") if not path.read_text(encoding="utf-8").startswith('"""')
    ]
    assert not silent


def test_no_file_is_longer_than_300_lines_and_pid_is_a_table_of_contents() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in (ROOT / "pidkit").rglob("*.py")}
    assert {str(path): n for path, n in lengths.items() if n > 300} == {}
    entries = [path.name for path in (ROOT / "pidkit" / "pid").iterdir() if path.name not in ("solvers", "__pycache__")]
    assert len(entries) <= 12, entries
