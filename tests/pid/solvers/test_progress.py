"""The line of progress: unasked for in a terminal alone, after a while, gone afterwards; interrupting is clean."""

import io
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pidkit import InputError, bivariate_pid, solve_broja
from pidkit.joint import pair_marginals
from pidkit.pid.solvers import progress as module
from pidkit.pid.solvers.progress import watched
from tests.pid.strategies import random_joint


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def put_stderr(monkeypatch: pytest.MonkeyPatch, stream: Any) -> None:
    """Replace stderr for the module alone (pytest puts its own back between set-up and call); show lines at once."""
    monkeypatch.setattr(module, "sys", SimpleNamespace(stderr=stream))
    monkeypatch.setattr(module, "SHOW_AFTER", 0.0)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal in the place of stderr, where every solve takes long."""
    stream = Terminal()
    put_stderr(monkeypatch, stream)
    return stream


def marginals() -> tuple[np.ndarray, np.ndarray]:
    return pair_marginals(random_joint(np.random.default_rng(0), (4, 6, 5)))


@pytest.mark.parametrize("solver", ["scaling", "interior-point"])
def test_a_line_appears_in_a_terminal_and_is_cleared_away(terminal: Terminal, solver: str) -> None:
    solve_broja(*marginals(), solver=solver)  # type: ignore[arg-type]
    shown = terminal.getvalue()
    assert f"{solver}: " in shown
    assert "bits, to reach 1e-" in shown
    assert shown.split("\r")[-1].strip() == ""


def test_bivariate_pid_shows_it_too_and_false_silences_it(terminal: Terminal) -> None:
    p = random_joint(np.random.default_rng(0), (4, 6, 5))
    bivariate_pid(p, progress=False)
    assert terminal.getvalue() == ""
    bivariate_pid(p)
    assert "interior-point: " in terminal.getvalue()


def test_a_callable_takes_the_place_of_the_line(terminal: Terminal) -> None:
    seen = []
    solve_broja(*marginals(), progress=lambda *news: seen.append(news))
    assert seen
    assert terminal.getvalue() == ""


def test_short_solves_show_nothing(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHOW_AFTER", 60.0)
    solve_broja(*marginals(), solver="scaling")
    assert terminal.getvalue() == ""


@pytest.mark.parametrize("stream", [io.StringIO(), None], ids=["pipe", "no stderr"])
def test_nothing_is_shown_where_stderr_is_no_terminal(monkeypatch: pytest.MonkeyPatch, stream: Any) -> None:
    put_stderr(monkeypatch, stream)
    with watched(None, solver="scaling", tol=1e-5) as told:
        assert told is None
    solve_broja(*marginals(), solver="scaling")
    assert stream is None or stream.getvalue() == ""


def test_an_interruption_leaves_no_line_behind_and_no_state(terminal: Terminal) -> None:
    told_twice: list[Any] = []

    def solve() -> None:
        with watched(None, solver="scaling", tol=1e-5) as told:
            assert told is not None
            told(30, 0.1)
            told_twice.append(told)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        solve()
    assert told_twice[0].bar.disable  # closed
    assert terminal.getvalue().split("\r")[-1].strip() == ""


@pytest.mark.parametrize("solver", ["scaling", "interior-point"])
def test_a_callable_may_interrupt_a_solve_and_the_next_one_is_as_ever(solver: str) -> None:
    def interrupt(iteration: int, gap: float) -> None:
        raise KeyboardInterrupt

    before, state = solve_broja(*marginals(), solver=solver), np.geterr()  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        solve_broja(*marginals(), solver=solver, progress=interrupt)  # type: ignore[arg-type]
    assert np.geterr() == state
    assert solve_broja(*marginals(), solver=solver).upper == before.upper  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [True, 1, "yes"])
def test_what_is_no_progress_is_refused(wrong: bool | int | str) -> None:
    with pytest.raises(InputError, match="progress must be a callable, False for none, or None for a line"):
        solve_broja(*marginals(), progress=wrong)  # type: ignore[arg-type]
