"""The page on the architecture is what its script writes, from what every module says of itself."""

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
