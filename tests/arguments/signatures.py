"""The public callables of pidkit and what their parameters are: read from the signatures, so that none is forgotten."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
import re
import sys
import types
import typing
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pidkit
from pidkit.arguments import Rng

HAS_TORCH = importlib.util.find_spec("torch") is not None

INTERNAL = {"pidkit.arguments"}
"""Packages that no caller imports from: the checks themselves."""

ALSO_PUBLIC = (
    "pidkit.nn.features:collect_features",
    "pidkit.nn.budget:TrainingBudget",
    "pidkit.nn.seeding:own_random_state",
    "pidkit.nn.taps:Taps",
    "pidkit.plane.estimators:plane_estimator",
    "pidkit.plane.schedule:log_spaced_steps",
)
"""What the pages of the API name beside the exports of packages."""


@dataclass(frozen=True)
class Parameter:
    """A parameter whose values one check decides about: a number, a seed, a choice or a flag.

    Attributes
    ----------
    kind : "whole", "real", "rng", "random_state", "choice" or "flag"
    default : object
        inspect.Parameter.empty where it is required.
    optional : bool
        Whether None is a value.
    choices : tuple of str
        Of a choice.
    other : bool
        Whether the annotation allows something else as well, such as a callable.
    """

    name: str
    kind: str
    default: Any
    optional: bool
    choices: tuple[str, ...] = ()
    other: bool = False

    @property
    def required(self) -> bool:
        """Whether there is no default."""
        return self.default is inspect.Parameter.empty


def public_callables() -> dict[str, Callable[..., Any]]:
    """Return the public functions, classes and methods of pidkit by qualified name."""
    found: dict[str, Callable[..., Any]] = {}
    for value in _exports():
        if inspect.isclass(value):
            found.update({method.__qualname__: method for method in _methods(value)})
        ours = callable(value) and getattr(value, "__module__", "").startswith("pidkit")
        if ours and found.setdefault(value.__qualname__, value) is not value:
            raise AssertionError(f"two public things are called {value.__qualname__}")
    return found


def checked_parameters(call: Callable[..., Any]) -> dict[str, Parameter]:
    """Return the parameters of a callable that are numbers, seeds, choices or flags, by name."""
    try:
        signature = inspect.signature(call)
    except ValueError:  # exceptions have none
        return {}
    space = vars(sys.modules[call.__module__])
    read = {name: _parameter(parameter, space) for name, parameter in signature.parameters.items()}
    return {name: parameter for name, parameter in read.items() if parameter is not None}


def container_parameters(call: Callable[..., Any]) -> set[str]:
    """Return the parameters that take a sequence, a tuple or a mapping, but for those that take arrays of samples."""
    try:
        signature = inspect.signature(call)
    except ValueError:  # exceptions have none
        return set()
    space = vars(sys.modules[call.__module__])
    return {
        name
        for name, parameter in signature.parameters.items()
        if parameter.annotation is not parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        and any(_holds_several(member) for member in _members(parameter.annotation, space))
    }


def _holds_several(member: Any) -> bool:
    origin = typing.get_origin(member)
    is_samples = "numpy" in str(member) or member == Iterable[Hashable]  # what ArrayLike and labels consist of
    return isinstance(origin, type) and issubclass(origin, Iterable) and not is_samples


def _exports() -> Iterator[Any]:
    """Yield what the packages export, and what is public beside it."""
    names = ["pidkit", *(m.name for m in pkgutil.walk_packages(pidkit.__path__, "pidkit.") if m.ispkg)]
    for name in names:
        if any(part.startswith("_") for part in name.split(".")) or name in INTERNAL:
            continue
        package = _loaded(name)
        for exported in getattr(package, "__all__", ()):
            yield _loaded(name, exported)
    for name in ALSO_PUBLIC:
        yield _loaded(*name.split(":"))


def _loaded(module: str, name: str | None = None) -> Any:
    """Return a module, or what it exports under a name; None where it needs torch and torch is not installed."""
    try:
        found = importlib.import_module(module)
        return found if name is None else getattr(found, name)
    except ModuleNotFoundError as error:
        if error.name != "torch" or HAS_TORCH:
            raise
        return None


def _methods(kind: type) -> Iterator[Callable[..., Any]]:
    """Yield the public methods that pidkit defines for a class."""
    for name in dir(kind):
        method = inspect.getattr_static(kind, name)
        method = getattr(method, "__func__", method)
        if not name.startswith("_") and inspect.isfunction(method) and method.__module__.startswith("pidkit"):
            yield method


def _parameter(parameter: inspect.Parameter, space: dict[str, Any]) -> Parameter | None:
    """Read a parameter, or return None where its annotation is of nothing that is checked here."""
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD) or parameter.annotation is parameter.empty:
        return None
    members = list(_members(parameter.annotation, space))
    plain = Parameter(parameter.name, "", parameter.default, None in members)
    rest = [member for member in members if member is not None]
    if any("_SupportsArray" in str(member) for member in rest):
        return None  # ArrayLike, which older versions of numpy spell out as arrays, numbers and more
    choices = tuple(value for member in rest for value in typing.get_args(member) if _is_choice(member))
    if any(member == Rng for member in rest):
        return replace(plain, kind="rng")
    if parameter.name == "random_state":
        return replace(plain, kind="random_state")
    for kind, what in (("whole", int), ("real", float), ("flag", bool)):
        if what in rest:
            return replace(plain, kind=kind, other=len(rest) > 1)
    if choices and all(isinstance(choice, str) for choice in choices):
        return replace(plain, kind="choice", choices=choices, other=not all(map(_is_choice, rest)))
    return None


def _is_choice(member: Any) -> bool:
    return typing.get_origin(member) is typing.Literal


def _members(annotation: Any, space: dict[str, Any]) -> Iterator[Any]:
    """Yield what an annotation allows, `Rng` as a whole; it is text where the module postpones its evaluation."""
    if isinstance(annotation, str):
        for text in _union(annotation):
            resolved = _resolved(text, space)
            yield from [resolved] if isinstance(resolved, str) else _members(resolved, space)
    elif annotation != Rng and typing.get_origin(annotation) in (typing.Union, types.UnionType):
        yield from (None if member is type(None) else member for member in typing.get_args(annotation))
    else:
        yield None if annotation is type(None) else annotation


def _union(annotation: str) -> list[str]:
    """Split an annotation at the bars outside brackets."""
    flat = re.sub(r"\[[^\[\]]*\]", lambda match: match.group().replace("|", "\0"), annotation)
    while (deeper := re.sub(r"\[([^\[\]]|\[[^\[\]]*\])*\]", lambda m: m.group().replace("|", "\0"), flat)) != flat:
        flat = deeper
    return [part.replace("\0", "|").strip() for part in flat.split("|")]


def _resolved(text: str, space: dict[str, Any]) -> Any:
    """Return what a member of an annotation means, or the text where only a type checker knows."""
    try:
        return eval(text, space)  # annotations are our own code
    except NameError:
        return text
