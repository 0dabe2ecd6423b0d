"""A figure that follows a training run: redrawn in a notebook, in a window, or in a picture file."""

from __future__ import annotations

import importlib
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.registry import BackendFilter, backend_registry

from pidkit.errors import InputError
from pidkit.plot.distillation import atoms_over_epochs
from pidkit.plot.pictures import check_picture_name, save_figure
from pidkit.plot.style import new_axes
from pidkit.records.atom_history import AtomRecords


class Probe(Protocol):
    """The part of an `AtomProbe` that a live figure needs."""

    @property
    def records(self) -> AtomRecords:
        """What was recorded so far."""
        ...

    def step(self, epoch: float) -> Any:
        """Measure after an epoch, where one is due."""
        ...


def live_atoms(probe: Probe, *, path: str | os.PathLike[str] | None = None, **options: Any) -> Callable[[float], None]:
    """Return a callback that runs the probe after an epoch and redraws its atoms: live(epoch).

    In a notebook the figure is replaced in place, with an interactive backend a window is redrawn, and with `path` a
    picture is written, whole or not at all, which works anywhere.

    Parameters
    ----------
    probe : AtomProbe
    path : path, optional
        A .png, .pdf or .svg file.
    **options
        Of `atoms_over_epochs`, but `ax`.

    Raises
    ------
    InputError
        If `path` has another extension, or there is none and nowhere to show a figure.

    Examples
    --------
    >>> live_atoms(None, path="atoms.txt")
    Traceback (most recent call last):
    pidkit.errors.InputError: a picture's name must end in .png, .pdf, .svg, not 'atoms.txt'
    """
    if path is not None:
        check_picture_name(path)
    display = _notebook()
    backend = matplotlib.get_backend().lower()
    windows = backend_registry.list_builtin(BackendFilter.INTERACTIVE)  # type: ignore[no-untyped-call]
    window = display is None and backend in windows
    if path is None and display is None and not window:
        raise InputError(f"path is needed: the backend {backend!r} shows no figures and this is no notebook")
    return _LiveAtoms(probe, None if path is None else Path(path), display, options, window=window)


class _LiveAtoms:
    """The callback: step the probe, and redraw if there is something new."""

    def __init__(self, probe: Probe, path: Path | None, display: Any, options: dict[str, Any], *, window: bool) -> None:
        self._probe, self._path, self._display, self._options = probe, path, display, options
        self._handle: Any = None
        self._ax: Axes | None = None
        if window:
            from matplotlib import pyplot as plt  # only here: it takes a backend, and is slow to import

            with plt.ion():
                self._ax = plt.subplots(figsize=(6.4, 4.0), layout="constrained")[1]
        self._window, self._drawn = window, 0

    def __call__(self, epoch: float) -> None:
        """Measure after an epoch, where one is due, and redraw."""
        self._probe.step(epoch)
        records = self._probe.records
        if len(records.records) == self._drawn:
            return
        if self._ax is None:
            self._ax = new_axes(None, 6.4, 4.0)
        self._ax.clear()
        atoms_over_epochs(records, ax=self._ax, **self._options)
        self._drawn = len(records.records)
        if self._path is not None:
            save_figure(self._ax, self._path)
        if self._window:
            canvas = self._ax.figure.canvas
            canvas.draw_idle()
            canvas.flush_events()
        if self._display is not None:
            self._show(self._display)

    def _show(self, display: Any) -> None:
        """Replace the picture in the notebook."""
        assert self._ax is not None
        picture = io.BytesIO()
        self._ax.figure.figure.savefig(picture, format="png", dpi=110, bbox_inches="tight")
        image = display.Image(data=picture.getvalue())
        if self._handle is None:
            self._handle = display.display(image, display_id=True)
        else:
            self._handle.update(image)


def _notebook() -> Any:
    """Return IPython.display in a notebook (a kernel, not a terminal), else None."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return None
    return importlib.import_module("IPython.display")
