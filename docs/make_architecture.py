"""Write docs/architecture.md from the contracts of pyproject.toml and the first lines of the modules.

Run `python docs/make_architecture.py` after a module has been added or moved; tests/test_architecture.py holds the page
to what this script writes.
"""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "architecture.md"

HEAD = """# Architecture

An import only goes down: a package may import from those below it in the first table, and from none above.
import-linter holds this, and where the heavy libraries may be imported, in `pyproject.toml`. What a package exports in
its `__init__` is public; everything else may change at any time.

This page is made by `docs/make_architecture.py` from the contracts and from the first line of every module.
"""


def summary(path: Path) -> str:
    """Return the first paragraph of a module's docstring, on one line."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split()).replace("|", "\\|")


def rows(folder: Path, depth: int = 0) -> list[str]:
    """Return a table row for every module of a package and of the packages in it."""
    found = []
    for path in sorted(folder.iterdir(), key=lambda one: (one.is_dir(), one.name)):
        if path.is_dir() and (path / "__init__.py").exists():
            found.append(f"| {'&emsp;' * depth}`{path.name}/` | {summary(path / '__init__.py')} |")
            found += rows(path, depth + 1)
        elif path.suffix == ".py" and path.name != "__init__.py":
            found.append(f"| {'&emsp;' * depth}`{path.name}` | {summary(path)} |")
    return found


def floors(contract: dict[str, Any]) -> list[str]:
    """Return the layers of a contract, from the top floor down."""
    layers = [layer.replace("(", "").replace(")", "") for layer in contract["layers"]]
    return ["| floor | may import from all below |", "|---|---|"] + [
        f"| {len(layers) - number} | {', '.join(f'`{name.strip()}`' for name in layer.split('|'))} |"
        for number, layer in enumerate(layers)
    ]


def page() -> str:
    """Return the text of docs/architecture.md."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    parts = [HEAD]
    for contract in config["contracts"]:
        if contract["type"] == "layers":
            parts += [f"## {contract['name']}\n", "\n".join(floors(contract)) + "\n"]
    other = [f"- {one['name']}" for one in config["contracts"] if one["type"] != "layers"]
    parts += ["## Other contracts\n", "\n".join(other) + "\n"]
    for path in sorted((ROOT / "pidkit").iterdir()):
        if path.is_dir() and (path / "__init__.py").exists():
            parts += [f"## `pidkit.{path.name}`\n", summary(path / "__init__.py") + "\n"]
            parts.append("\n".join(["| module | what it holds |", "|---|---|", *rows(path)]) + "\n")
    modules = [path for path in sorted((ROOT / "pidkit").glob("*.py")) if path.name != "__init__.py"]
    lines = [f"| `{path.name}` | {summary(path)} |" for path in modules]
    parts += ["## Modules of `pidkit` itself\n", "\n".join(["| module | what it holds |", "|---|---|", *lines]) + "\n"]
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
