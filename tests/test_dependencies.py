"""lowest.txt holds the floors that pyproject.toml declares, constraints.txt a tested version of everything declared."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

REQUIREMENT = re.compile(r"^([A-Za-z0-9-]+)>=([0-9.]+)$")
PIN = re.compile(r"^([A-Za-z0-9-]+)==([0-9.]+)$")

TRANSITIVE = {"pyparsing"}
"""Packages that lowest.txt pins although nothing declares them; it says why."""


def declared() -> dict[str, list[str]]:
    """Return the requirements of pidkit and of each extra, without pidkit's own extras."""
    extras = {"": PROJECT["dependencies"], **PROJECT["optional-dependencies"]}
    return {extra: [one for one in needs if not one.startswith("pidkit[")] for extra, needs in extras.items()}


def floors(requirements: list[str]) -> dict[str, str]:
    found = {}
    for requirement in requirements:
        match = REQUIREMENT.match(requirement)
        assert match is not None, f"{requirement!r} is not written name>=version"
        found[match[1]] = match[2]
    return found


def pins(name: str) -> dict[str, str]:
    """Return the versions that a file of constraints pins."""
    lines = [line for line in (ROOT / name).read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    matches = [PIN.match(line) for line in lines]
    assert all(matches), f"{name} holds a line that is not written name==version"
    return {match[1]: match[2] for match in matches if match}


def as_numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def test_lowest_versions_are_the_floors() -> None:
    lowest, needed, tools = pins("lowest.txt"), floors(declared()[""]), floors(declared()["test"])
    missing = sorted(needed.keys() - lowest.keys())
    assert not missing, "add to lowest.txt"
    for package, version in lowest.items():
        if package not in TRANSITIVE:
            assert version == {**tools, **needed}[package], package


def test_everything_declared_has_a_tested_version_at_or_above_its_floor() -> None:
    tested = pins("constraints.txt")
    for extra, requirements in declared().items():
        for package, version in floors(requirements).items():
            assert package in tested, f"add {package} (extra {extra!r}) to constraints.txt"
            assert as_numbers(tested[package]) >= as_numbers(version), package


def test_a_package_has_one_floor() -> None:
    seen: dict[str, str] = {}
    for requirements in declared().values():
        for package, version in floors(requirements).items():
            assert seen.setdefault(package, version) == version, package
