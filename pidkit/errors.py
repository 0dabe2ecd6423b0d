"""The errors and warnings of pidkit, each a class of its own so that a caller can catch it, and where they point."""

from __future__ import annotations

import functools
import os
import sys
import warnings
from collections.abc import Callable
from typing import ParamSpec, TypeVar

Params = ParamSpec("Params")
Returned = TypeVar("Returned")

PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep
"""The folder whose lines no warning points at."""


class PidkitError(Exception):
    """Base class of every error that pidkit raises on purpose."""


class InputError(PidkitError, ValueError):
    """An argument that cannot be used; the message names the argument and says what to do."""


class ConstantInput(InputError):
    """A sample is the same in every row: there is nothing to fit, and its information about anything is 0.

    `name` is the argument. Whatever returns information says so in a warning and returns the 0; only what has to be
    fitted to the sample raises this error.
    """

    def __init__(self, name: str) -> None:
        """Keep the name of the argument."""
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        """Say what is constant, and what that means."""
        return f"{nothing_told_by(self.name)}; pass what varies"


class SolverError(PidkitError, RuntimeError):
    """A solver did not reach the tolerance asked for; the message says how far it got and what to do."""


class DivergenceError(PidkitError, ArithmeticError):
    """Training reached a loss or a gradient that is not finite; the message says where and what to do."""


class PidkitWarning(UserWarning):
    """Base class of every warning that pidkit issues."""


class BiasWarning(PidkitWarning):
    """The predicted finite-sample bias is a sizeable part of the information reported."""


def nothing_told_by(name: str) -> str:
    """Return the sentence by which errors and warnings say that the argument `name` is constant."""
    return f"{name} is constant: its information about anything is 0"


def warn(text: str, category: type[PidkitWarning] = PidkitWarning) -> None:
    """Issue a warning that points at the line outside of pidkit that the calls came from.

    `warnings.warn(..., skip_file_prefixes=...)` of Python 3.12 does the same.
    """
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(text, category, stacklevel=level)


def takes_memory(function: Callable[Params, Returned]) -> Callable[Params, Returned]:
    """Let a function that takes `memory` say what to do where the computer has less, in place of a bare MemoryError.

    Examples
    --------
    >>> @takes_memory
    ... def read(memory):
    ...     raise MemoryError("Unable to allocate 9.00 GiB")
    >>> read("1 TiB")
    Traceback (most recent call last):
    pidkit.errors.InputError: memory has run out (Unable to allocate 9.00 GiB): pass a smaller memory to read(), ...
    """

    @functools.wraps(function)
    def checked(*args: Params.args, **kwargs: Params.kwargs) -> Returned:
        try:
            return function(*args, **kwargs)
        except MemoryError as error:
            said = f" ({error})" if str(error) else ""
            raise InputError(
                f"memory has run out{said}: pass a smaller memory to {function.__name__}(), so that layers are read in "
                "pieces, or fewer rows, codes or classes"
            ) from error

    return checked
