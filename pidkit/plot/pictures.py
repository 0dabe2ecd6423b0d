"""Pictures on disk: which names can be written, and writing them whole or not at all."""

from __future__ import annotations

import io
import os
from pathlib import Path

from matplotlib.axes import Axes

from pidkit.arrays import write_atomic
from pidkit.errors import InputError

PICTURE_FORMATS = (".png", ".pdf", ".svg")
"""The extensions of pictures that can be written."""


def check_picture_name(path: str | os.PathLike[str]) -> str:
    """Return the extension of `path` if pictures can be written so, else raise InputError."""
    extension = Path(path).suffix.lower()
    if extension not in PICTURE_FORMATS:
        raise InputError(f"a picture's name must end in {', '.join(PICTURE_FORMATS)}, not {Path(path).name!r}")
    return extension


def save_figure(ax: Axes, path: str | os.PathLike[str]) -> None:
    """Write the figure of `ax` to a .png, .pdf or .svg file, nothing cut off, whole or not at all."""
    picture = io.BytesIO()
    ax.figure.figure.savefig(picture, format=check_picture_name(path)[1:], dpi=200, bbox_inches="tight")
    write_atomic(path, picture.getvalue())
