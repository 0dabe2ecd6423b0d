"""The public boundary: what packages export is what the reference lists, and nobody outside reaches behind it."""

import ast
import json
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import pidkit

pytest.importorskip("torch")  # half of the packages need it

ROOT = Path(__file__).parents[1]
REFERENCE = sorted((ROOT / "docs" / "reference" / "api").glob("*.md"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs").glob("[!_]*/**/*.md"))]
EXAMPLES = sorted((ROOT / "examples").rglob("*.py"))

SECTION = re.compile(r"^\.\. currentmodule:: (\S+)$")
LISTED = re.compile(r"^(?:   |\.\. py:data:: )(\w+)$")
FENCE = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def listed_names() -> Iterator[tuple[str, str]]:
    """Yield every name of the reference with the module that its section names."""
    for page in REFERENCE:
        module = ""
        for line in page.read_text(encoding="utf-8").splitlines():
            if section := SECTION.match(line):
                module = section[1]
            elif name := LISTED.match(line):
                assert module, f"{page.name} lists {name[1]} before any currentmodule"
                yield module, name[1]


NAMES = list(listed_names())
PUBLIC = {"pidkit", *(module for module, _ in NAMES)}
"""The modules that may be imported from."""

INTERNAL = {"pidkit.arguments"}
"""Packages whose exports are for the other packages alone."""


def packages() -> list[str]:
    """Return every package of pidkit that is not underscored, below an underscored one or without exports."""
    found = ["pidkit"]
    for module in pkgutil.walk_packages(pidkit.__path__, "pidkit."):
        private = any(part.startswith("_") for part in module.name.split("."))
        private = private or module.name in INTERNAL
        if module.ispkg and not private and hasattr(import_module(module.name), "__all__"):
            found.append(module.name)
    return found


def private_imports(code: str) -> list[str]:
    """Return what code imports of pidkit that is not public: modules, and names that their package does not export."""
    private: list[str] = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            private += [alias.name for alias in node.names if alias.name not in PUBLIC]
        elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            exported = import_module(node.module).__all__ if node.module in PUBLIC else ()
            private += [f"{node.module}.{alias.name}" for alias in node.names if alias.name not in exported]
    return [name for name in private if name.split(".")[0] == "pidkit"]


def test_the_reference_lists_something_once() -> None:
    assert len(NAMES) > 150
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize(("module", "name"), NAMES, ids=[f"{module}.{name}" for module, name in NAMES])
def test_a_listed_name_is_exported_by_the_package_of_its_section(module: str, name: str) -> None:
    package = import_module(module)
    assert name in package.__all__
    assert getattr(package, name) is not None


@pytest.mark.parametrize("package", packages())
def test_what_a_package_exports_is_listed(package: str) -> None:
    listed = [getattr(import_module(module), name, None) for module, name in NAMES]
    loaded = import_module(package)
    missing = [
        name
        for name in loaded.__all__
        if name != "__version__" and not any(getattr(loaded, name) is one for one in listed)
    ]
    assert not missing, f"{package} exports {missing}, which docs/reference/api does not list"


@pytest.mark.parametrize("package", packages())
def test_exports_are_distinct_and_show_in_dir(package: str) -> None:
    loaded = import_module(package)
    assert len(set(loaded.__all__)) == len(loaded.__all__)
    assert set(loaded.__all__) <= set(dir(loaded))


def test_a_name_that_a_package_does_not_have_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"^module 'pidkit\.mi' has no attribute 'ksg'$"):
        _ = import_module("pidkit.mi").ksg


def test_private_imports_are_found() -> None:
    code = "import pidkit.mi, pidkit.joint, os\nfrom pidkit.mi import KSG, knn\nfrom pidkit.mi.knn import KSG"
    assert private_imports(code) == ["pidkit.joint", "pidkit.mi.knn", "pidkit.mi.knn.KSG"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_imports_from_public_packages_only(page: Path) -> None:
    for code in FENCE.findall(page.read_text(encoding="utf-8")):
        assert private_imports(code) == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: str(example.relative_to(ROOT)))
def test_an_example_imports_from_public_packages_only(example: Path) -> None:
    assert private_imports(example.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "package", ["pidkit", "pidkit.records", "pidkit.pid", "pidkit.mi", "pidkit.representations", "pidkit.quantise"]
)
def test_a_package_that_needs_nothing_heavy_loads_nothing_heavy(package: str) -> None:
    code = f"import json, sys, {package}; print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in json.loads(run.stdout)}
    assert not loaded & {"torch", "matplotlib", "cvxpy", "dit", "numba", "sklearn"}
