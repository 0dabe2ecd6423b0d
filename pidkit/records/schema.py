"""Plain content back into dataclasses: one check for every format, by the types that the fields have."""

from __future__ import annotations

import math
import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, NoReturn, TypeVar, Union, get_args, get_origin

from pidkit.errors import InputError

Kind = TypeVar("Kind")


Since = Mapping[type[Any], tuple[str, ...]]
"""Fields of dataclasses that older files lack, where they have their defaults."""


def restored(kind: type[Kind], content: object, where: str = "content", *, since: Since | None = None) -> Kind:
    """Return the dataclass that `Result.to_dict` described, every field checked for its type.

    None is NaN where the type is a number that cannot be missing: JSON has no NaN.

    Parameters
    ----------
    kind : type
        A dataclass whose fields are numbers, strings, flags, dataclasses, or tuples, mappings and options of these.
    content : object
        A dictionary with one entry for each field.
    where : str
        What the content is called in messages.
    since : mapping of type to tuple of str, optional
        Fields that were added after the content was written: they take their defaults, and may not be there.

    Raises
    ------
    InputError
        At the first entry that is missing, unknown or of another type; the message names it.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Mean:
    ...     value: float
    ...     of: tuple[str, ...]
    >>> restored(Mean, {"value": 1, "of": ["a", "b"]})
    Mean(value=1.0, of=('a', 'b'))
    >>> restored(Mean, {"value": 1.0, "of": ["a", 2]})
    Traceback (most recent call last):
    pidkit.errors.InputError: content.of[1] must be a string, not 2
    """
    value: Kind = _value(kind, content, where, {} if since is None else since)
    return value


def _value(kind: Any, content: Any, where: str, since: Since) -> Any:
    """Return content as a value of a type."""
    if kind is Any:
        return content
    if is_dataclass(kind):
        return _record(kind, content, where, since)
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        (inner,) = (part for part in parts if part is not types.NoneType)
        return None if content is None else _value(inner, content, where, since)
    if origin is tuple:
        return _sequence(parts, content, where, since)
    if origin is not None:  # a mapping or dict
        if not isinstance(content, Mapping) or not all(isinstance(key, str) for key in content):
            _refuse(where, "a dictionary", content)
        return {key: _value(parts[1], part, f"{where}.{key}", since) for key, part in content.items()}
    if kind is float:
        if content is None:
            return math.nan
        if isinstance(content, bool) or not isinstance(content, (int, float)):
            _refuse(where, "a number", content)
        return float(content)
    if not isinstance(content, kind) or (kind is int and isinstance(content, bool)):
        _refuse(where, {int: "a whole number", str: "a string", bool: "true or false"}[kind], content)
    return content


def _record(kind: Any, content: Any, where: str, since: Since) -> Any:
    if not isinstance(content, Mapping):
        _refuse(where, "a dictionary", content)
    names = [field.name for field in fields(kind) if field.name not in since.get(kind, ())]
    for name in (*(name for name in names if name not in content), *(name for name in content if name not in names)):
        raise InputError(f"{where} {'has no entry' if name in names else 'has an unknown entry'} {name!r}")
    hints = typing.get_type_hints(kind)
    return kind(**{name: _value(hints[name], content[name], f"{where}.{name}", since) for name in names})


def _sequence(parts: tuple[Any, ...], content: Any, where: str, since: Since) -> tuple[Any, ...]:
    if not isinstance(content, (list, tuple)):
        _refuse(where, "a list", content)
    kinds = [parts[0]] * len(content) if parts[-1] is Ellipsis else list(parts)
    if len(kinds) != len(content):
        raise InputError(f"{where} must have {len(kinds)} entries, not {len(content)}")
    return tuple(
        _value(kind, part, f"{where}[{k}]", since) for k, (kind, part) in enumerate(zip(kinds, content, strict=True))
    )


def _refuse(where: str, wanted: str, content: object) -> NoReturn:
    shown = repr(content)
    raise InputError(f"{where} must be {wanted}, not {shown if len(shown) <= 40 else type(content).__name__}")
