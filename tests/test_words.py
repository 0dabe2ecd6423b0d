"""One word, one thing: parameters are named as conventions.md says, and no name is defined in two modules."""

import ast
import dataclasses
import enum
import importlib
import inspect
import pkgutil
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import pidkit

ROOT = Path(__file__).parents[1]
SOURCES = {path.relative_to(ROOT).as_posix(): path for path in sorted((ROOT / "pidkit").rglob("*.py"))}

MADE_BY_CALLERS = {"LayerPair", "Milestones", "Linear", "Cosine", "Mixup", "CutMix", "MeanIoU", "PlaneEstimator"}
"""Dataclasses that callers construct although a field has no default; all others of that kind are results."""

FORBIDDEN = {
    "seed": "randomness is rng",
    "generator": "randomness is rng",
    "random_state": "only transformers of pidkit.quantise, which follow scikit-learn, have random_state",
    "probe": "a probe is an AtomProbe; held-out data are the sample, classifiers decoders",
    "kind": "a redundancy measure is called measure",
    "teacher": "outside distillation the sources are x1 and x2",
    "student": "outside distillation the sources are x1 and x2",
}
"""Words that may not name a parameter, and why."""

AT_HOME = {
    "random_state": ("pidkit.quantise.",),
    "probe": ("pidkit.plot.live",),
    "kind": ("pidkit.plot.", "pidkit.mi."),
    "teacher": ("pidkit.distill.", "pidkit.records.atom_", "pidkit.plot.distillation", "pidkit.plot.correlations"),
    "student": ("pidkit.distill.", "pidkit.records.atom_", "pidkit.plot.distillation"),
}
"""The modules in which a forbidden word has its one meaning."""

INTERNAL = ("pidkit.arguments", "pidkit.pid.solvers", "pidkit.pid.solvers._kernels", "pidkit.pid.solvers.scaling")
"""Packages whose functions are for pidkit itself."""

SHARED: dict[str, str] = {
    "Array": "an alias of the compiled kernels, which do not import array_math",
}
"""Module-level names that two modules may define, and why."""


def public_functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield exported functions, constructors that callers use, and public methods, each with its qualified name."""
    pytest.importorskip("torch")  # half of the packages need it
    packages = [pidkit] + [
        importlib.import_module(module.name)
        for module in pkgutil.walk_packages(pidkit.__path__, "pidkit.")
        if module.ispkg and module.name not in INTERNAL
    ]
    exported = {
        id(one): one
        for package in packages
        for one in (getattr(package, name) for name in getattr(package, "__all__", ()))
    }
    for one in exported.values():
        if inspect.isfunction(one):
            yield f"{one.__module__}.{one.__qualname__}", one
        elif inspect.isclass(one) and not issubclass(one, enum.Enum | Exception):
            if "__init__" in vars(one) and not is_result(one):
                yield f"{one.__module__}.{one.__qualname__}", one.__init__
            for name, member in vars(one).items():
                function = getattr(member, "__func__", member)
                if not name.startswith("_") and inspect.isfunction(function):
                    yield f"{one.__module__}.{one.__qualname__}.{name}", function


def is_result(one: type) -> bool:
    """Return whether a class is a record that functions return: a dataclass with a field that has no default."""
    if not dataclasses.is_dataclass(one) or one.__name__ in MADE_BY_CALLERS:
        return False
    missing = dataclasses.MISSING
    return any(field.default is missing and field.default_factory is missing for field in dataclasses.fields(one))


def parameters(function: Callable[..., Any]) -> list[str]:
    """Return the names of the arguments; not what a function passes on as *args and **kwargs."""
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    named = [one for one in inspect.signature(function).parameters.values() if one.kind not in variable]
    return [one.name for one in named if one.name not in ("self", "cls") and one.name[0] != "_"]


def words() -> dict[str, str]:
    """Return the table of parameters in conventions.md: every name with its meaning."""
    (page,) = ROOT.glob("docs/**/conventions.md")
    table = page.read_text(encoding="utf-8").split("### Names of parameters")[1]
    meanings: dict[str, str] = {}
    for cell, meaning in re.findall(r"^\| (`.*?`) \| (.+?) \|$", table, re.MULTILINE):
        for name in re.findall(r"`(\w+)`", cell):
            assert name not in meanings, f"conventions.md explains {name!r} twice"
            meanings[name] = meaning
    return meanings


def definitions(kinds: tuple[type, ...]) -> dict[str, set[str]]:
    """Return the names that modules define at their top level by statements of some kinds, with their modules."""
    modules: dict[str, set[str]] = defaultdict(set)
    for file, path in SOURCES.items():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if not isinstance(node, kinds):
                continue
            if isinstance(node, ast.ClassDef):
                names = [node.name]
            else:
                targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
                parts = [part for one in targets for part in (one.elts if isinstance(one, ast.Tuple) else [one])]
                names = [part.id for part in parts if isinstance(part, ast.Name)]
            for name in names:
                modules[name].add(file)
    return modules


def repeated(kinds: tuple[type, ...]) -> dict[str, list[str]]:
    """Return the names that several modules define, but for those with a reason and dunder names such as __all__."""
    modules = {name: sorted(files) for name, files in definitions(kinds).items() if not name.startswith("__")}
    return {name: files for name, files in modules.items() if len(files) > 1 and name not in SHARED}


def test_every_parameter_is_in_the_table() -> None:
    known = words()
    unknown = {
        f"{where}({name})"
        for where, function in public_functions()
        for name in parameters(function)
        if name not in known and name not in FORBIDDEN
    }
    assert not unknown, f"give these parameters a name of conventions.md, or explain the name there: {sorted(unknown)}"


def test_every_row_of_the_table_is_a_parameter_somewhere() -> None:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES.values()]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    used = {node.arg for node in nodes if isinstance(node, ast.arg)}
    used |= {
        field.target.id
        for node in nodes
        if isinstance(node, ast.ClassDef)
        for field in node.body
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
    }
    stale = sorted(set(words()) - used)
    assert not stale, f"conventions.md explains names that no function has: {stale}"


@pytest.mark.parametrize("word", FORBIDDEN)
def test_words_are_used_in_their_one_meaning(word: str) -> None:
    homes = AT_HOME.get(word, ())
    strays = [
        where
        for where, function in public_functions()
        if not where.startswith(homes or ("no module",))
        for name in parameters(function)
        if word == name or (word in ("probe", "kind") and word in name.split("_"))
    ]
    assert not strays, f"{word!r} is no word here ({FORBIDDEN[word]}): {strays}"


def test_no_constant_is_defined_in_two_modules() -> None:
    twice = repeated((ast.Assign, ast.AnnAssign))
    assert not twice, f"import the constant, or say in its name what is different: {twice}"


def test_no_class_is_defined_in_two_modules() -> None:
    twice = repeated((ast.ClassDef,))
    assert not twice, f"give each class a name of its own: {twice}"


def test_the_walk_sees_the_public_functions() -> None:
    """A guard of the walk itself: these parameters must be seen for the laws above to mean anything."""
    seen = {(where, name) for where, function in public_functions() for name in parameters(function)}
    assert ("pidkit.intersection.information.intersection_information", "measure") in seen
    assert ("pidkit.plane.tracker.InformationPlane", "sample") in seen
    assert ("pidkit.mi.knn.KSG", "k") in seen
    assert ("pidkit.quantise.clusters.KMeansCodes.fit", "x") in seen
    assert len(seen) > 500
    assert len(words()) > 150
