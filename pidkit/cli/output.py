"""What the commands print: tables, messages of one line, and files that are checked before anything is computed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from pidkit.errors import InputError

STDOUT = "-"
"""The name of a file that stands for standard output."""


def check_target(option: str, target: str | None, inputs: Iterable[str] = ()) -> Path | None:
    """Return the file that an option names, None for none or standard output; nothing is written yet.

    Raises
    ------
    InputError
        If it could not be written, or would replace an input. The message names the option.
    """
    if target is None or target == STDOUT:
        return None
    path = Path(target).resolve()
    if path.is_dir():
        raise InputError(f"--{option}: {target} is a directory; add a file name")
    if not path.parent.is_dir():
        raise InputError(f"--{option}: there is no folder {path.parent}; create it first")
    if not os.access(path.parent, os.W_OK):
        raise InputError(f"--{option}: nothing can be written in {path.parent}; choose another folder")
    if path in [Path(name).resolve() for name in inputs]:
        raise InputError(f"--{option}: {target} is an input and would be replaced; choose another name")
    return path


def print_table(rows: Iterable[Sequence[str]], *, n_left: int) -> None:
    """Print rows in columns, the first `n_left` flush left, the others flush right."""
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    adjust = [str.ljust] * n_left + [str.rjust] * (len(widths) - n_left)
    for row in table:
        cells = (put(cell, width) for put, cell, width in zip(adjust, row, widths, strict=True))
        print("  ".join(cells).rstrip())


def say(kind: str, message: object, code: int = 0) -> int:
    """Write one line to stderr and return `code`."""
    print(f"pidkit: {kind}: {' '.join(str(message).splitlines())}", file=sys.stderr)
    return code
