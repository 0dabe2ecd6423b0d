"""The table of the papers: every name in it is public, every test exists, and every public objective has a row."""

import ast
import inspect
import re
from pathlib import Path

import pytest

pytest.importorskip("torch")

import pidkit
from pidkit import distill, nn, plot, quantise
from pidkit.distill import Objective

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "reference" / "papers.md").read_text(encoding="utf-8")
ROW = re.compile(
    r"^\| (?P<equation>[^|]*) \| (?P<what>[^|]+) \| (?P<where>[^|]+) \| `(?P<test>[^`|]+)` \|$", re.MULTILINE
)
ROWS = [row.groupdict() for row in ROW.finditer(PAGE)]

OF_NO_PAPER = {"CrossEntropy", "Objective"}
"""Objectives without a formula of the papers: the labels, and the protocol."""


def test_every_line_of_a_table_is_a_row() -> None:
    lines = [
        line for line in PAGE.splitlines() if line.startswith("|") and not line.startswith(("|--", "| equation |"))
    ]
    assert len(lines) == len(ROWS) > 50


def test_every_name_is_public() -> None:
    places = (pidkit, distill, nn, plot, quantise)
    names = {name for row in ROWS for name in re.findall(r"`(\w+)`", row["where"])}
    assert not sorted(name for name in names if not any(name in place.__all__ for place in places))
    assert all(re.findall(r"`(\w+)`", row["where"]) for row in ROWS)


def test_every_test_exists() -> None:
    missing = []
    for test in {row["test"] for row in ROWS}:
        file, _, name = test.partition("::")
        path = ROOT / file
        there = path.exists() and {node.name for node in ast.parse(path.read_text()).body if hasattr(node, "name")}
        if not there or name not in there:
            missing.append(test)
    assert not missing, f"no such tests: {missing}"


def test_every_public_objective_has_a_row() -> None:
    named = {name for row in ROWS for name in re.findall(r"`(\w+)`", row["where"])}
    members = {name: getattr(distill, name) for name in distill.__all__}
    objectives = {name for name, one in members.items() if inspect.isclass(one) and issubclass(one, Objective)}
    assert objectives - named <= OF_NO_PAPER, "give docs/reference/papers.md a row"
