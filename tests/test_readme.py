"""The README and the pages of docs/ do what they say: their code runs, their output is theirs, their links lead on."""

import contextlib
import doctest
import io
import re
import shlex
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pidkit import InputError, PidkitWarning
from pidkit.cli import main

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs").glob("[!_]*/**/*.md"))]

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)#]+?)(?:#[^)]*)?\)")
OPTIONAL = {"torch", "safetensors", "dit"}

EXPONENT = re.compile(r"\d(?:\.\d+)?e[-+]\d+")


def fences(page: Path) -> list[tuple[str, str]]:
    return FENCE.findall(page.read_text(encoding="utf-8"))


def run_python(code: str, names: dict[str, object]) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "<page>", "exec"), names)
    return printed.getvalue()


@contextlib.contextmanager
def skipping_without_an_extra() -> Iterator[None]:
    """Skip the rest of a page where its code turns out to need an optional package that is not installed."""
    try:
        yield
    except (ModuleNotFoundError, InputError) as error:
        missing = error if isinstance(error, ModuleNotFoundError) else error.__cause__
        name = missing.name if isinstance(missing, ModuleNotFoundError) else None
        if name is None or name.split(".")[0] not in OPTIONAL:
            raise
        pytest.skip(f"{name} is missing")


def run_shell(code: str) -> str:
    """Run the lines that call pidkit; the set-up commands are run by .ci/run."""
    printed = io.StringIO()
    for line in code.splitlines():
        if line.startswith("pidkit "):
            with contextlib.redirect_stdout(printed):
                assert main(shlex.split(line)[1:]) == 0, line
    return printed.getvalue()


def same(printed: str, shown: str) -> bool:
    """Compare output; certified gaps (5.0e-11) differ between machines, and "..." stands for anything."""
    got, wanted = (EXPONENT.sub("#", text).replace("-0.000000", " 0.000000") for text in (printed, shown))
    return doctest.OutputChecker().check_output(wanted, got, doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_code_of_a_page_runs_and_prints_what_the_page_shows(
    page: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    printed = ""
    for language, code in fences(page):
        if language == "text":
            assert same(printed, code), f"{page.name} shows\n{code}\nbut this was printed:\n{printed}"
        elif language == "python":
            with skipping_without_an_extra():
                printed = run_python(code, names)
        elif language == "sh":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", PidkitWarning)
                printed = run_shell(code)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_a_page_lead_to_files(page: Any) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), f"{page.name} links {target}"


def test_readme_has_two_set_up_commands_of_one_line_each() -> None:
    text = README.read_text(encoding="utf-8")
    lines = [line for language, code in fences(README) if language == "sh" for line in code.splitlines()]
    first, second = (line for line in lines if line.startswith("python -m venv "))
    assert text.count("pip install") == 2
    assert "examples/saved_representations.py" in first
    assert first.split("&&")[0] == second.split("&&")[0]
    assert "-c constraints.txt" in first
    assert "-c constraints.txt" in second
    marked = re.search(r"<!-- test command -->\n```sh\n(.*)\n```\n", text)
    assert marked is not None
    assert marked[1] == second


def test_pictures_are_small() -> None:
    for picture in (ROOT / "docs" / "images").glob("*.png"):
        assert picture.stat().st_size < 150_000, picture.name
