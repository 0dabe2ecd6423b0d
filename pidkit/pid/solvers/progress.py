"""A line of progress for solves that take more than a few seconds, shown in a terminal without being asked for."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any, Literal

from pidkit.errors import InputError
from pidkit.pid.solvers.problem import Progress
from pidkit.units import from_nats

SHOW_AFTER = 3.0
"""Seconds after which a solve shows its progress: short solves print nothing."""

NOTHING_YET = "no gap proved yet"
"""What the line says before the first certificate."""

_silent: ContextVar[bool] = ContextVar("_silent", default=False)
"""Whether the caller asked for no word on the terminal."""

_announced: set[str] = set()

ProgressOption = Progress | Literal[False] | None
"""The `progress` argument of the public functions: a callable, False for silence, or None for a line in a terminal."""


def watched(progress: ProgressOption, *, solver: str, tol: float) -> AbstractContextManager[Progress | None]:
    """Return the callback for the solver as a context manager, which clears the line afterwards in any case.

    Parameters
    ----------
    progress : callable, False or None
        A callable is given as it is. False gives None. None gives a line on stderr, iterations and certified gap
        beside the `tol` asked for in bits, that appears after SHOW_AFTER seconds; where stderr is no terminal, None.

    Raises
    ------
    InputError
        If `progress` is none of these.

    Examples
    --------
    >>> with watched(print, solver="scaling", tol=1e-5) as told:
    ...     told(30, 0.5)
    30 0.5
    """
    if callable(progress):
        return nullcontext(progress)
    if progress is not None and progress is not False:
        raise InputError(f"progress must be a callable, False for none, or None for a line after a while: {progress!r}")
    if progress is False:
        return _in_silence()
    if not _terminal():
        return nullcontext()
    return _Line(solver, tol)


@contextmanager
def _in_silence() -> Iterator[None]:
    """Run a block in which nothing is announced."""
    token = _silent.set(True)
    try:
        yield None
    finally:
        _silent.reset(token)


def announce(message: str) -> None:
    """Write one line to the terminal, once a process; nothing where stderr is none, or inside progress=False."""
    if message in _announced or _silent.get() or not _terminal():
        return
    _announced.add(message)
    print(message, file=sys.stderr, flush=True)


def _terminal() -> bool:
    """Tell whether stderr is a terminal."""
    return sys.stderr is not None and sys.stderr.isatty()


class _Line(AbstractContextManager["_Line"]):
    """A progress line on stderr; tqdm is imported only when the line appears.

    A timer shows it, too: a single iteration of a large problem may take longer than anyone should wait for a word.
    """

    def __init__(self, solver: str, tol: float) -> None:
        """Start the clock."""
        self.solver, self.tol = solver, tol
        self.began = time.perf_counter()
        self.iteration, self.reached = 0, NOTHING_YET
        self.bar: Any = None
        self.lock, self.is_open = threading.Lock(), True
        self.timer = threading.Timer(SHOW_AFTER, self._show)
        self.timer.daemon = True
        self.timer.start()

    def __call__(self, iteration: int, gap: float) -> None:
        """Note how far the solver is, and show it once it has taken long enough."""
        self.iteration, self.reached = iteration, f"gap {from_nats(gap, 'bits'):.1e} bits, to reach {self.tol:.0e}"
        if time.perf_counter() - self.began >= SHOW_AFTER:
            self._show()

    def _show(self) -> None:
        """Open the line, or bring it up to date."""
        with self.lock:
            if self.bar is not None:
                self.bar.set_postfix_str(self.reached, refresh=self.bar.postfix == NOTHING_YET)
                self.bar.update(self.iteration - self.bar.n)
            elif self.is_open:
                from tqdm import tqdm

                options: dict[str, Any] = {"unit": " iterations", "leave": False, "file": sys.stderr}
                self.bar = tqdm(desc=self.solver, initial=self.iteration, postfix=self.reached, **options)

    def __exit__(self, *exception: object) -> None:
        """Remove the line, if there is one."""
        self.timer.cancel()
        with self.lock:
            self.is_open = False
            if self.bar is not None:
                self.bar.close()
