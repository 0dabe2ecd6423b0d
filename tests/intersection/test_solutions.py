"""What is checked of a solution: rare outcomes, what rounding decides, channels in doubt, programs given up."""

import time
from typing import Any

import numpy as np
import pytest

from pidkit.errors import SolverError
from pidkit.intersection import intersection_information, solutions
from pidkit.intersection.linear_program import LinearProgram, Optimum
from tests.intersection.joints import dirichlet


@pytest.mark.parametrize("measure", ["griffith-ho", "blackwell"])
@pytest.mark.parametrize("doubt", [{"ADMISSIBLE": -1.0}, {"AGREEMENT": -1.0}])
def test_a_channel_in_doubt_is_not_returned(monkeypatch: pytest.MonkeyPatch, measure: Any, doubt: Any) -> None:
    """It misses its constraints, or passes a bound: Gacs-Koerner's, which is admissible, takes its place."""
    p = dirichlet((2, 2, 2), 1)
    value = intersection_information(p, measure=measure).value
    monkeypatch.setattr(solutions, *next(iter(doubt.items())))
    found = intersection_information(p, measure=measure)
    assert (found.lower, found.report.status, found.report.residual, found.is_exact) == (0.0, "stalled", 0.0, False)
    assert found.upper == pytest.approx(value, abs=1e-9)


def linked_blocks(mass: float, shape: tuple[int, int]) -> np.ndarray:
    """Return blocks of one x1 and one x2, with every y, of which a rare outcome ties the first to the last."""
    n_y, n = shape
    p = np.zeros((n_y, n, n))
    p[:, np.arange(n), np.arange(n)] = np.random.default_rng(0).dirichlet(np.ones(n_y * n)).reshape(n_y, n)
    p[0, n - 1, 0] = mass
    return p / p.sum()


@pytest.mark.parametrize("mass", [1e-3, 1e-5, 1e-7, 1e-9, 2e-11, 3e-12])
@pytest.mark.parametrize("shape", [(2, 3), (4, 3), (3, 4)])
def test_a_rare_outcome_ties_what_a_common_one_ties(mass: float, shape: tuple[int, int]) -> None:
    """In closed form: y stands in every block, so that Q has one value on both blocks that the outcome ties.

    P(q | y, x2) = P(q | x2) at x2 = 0 for all y, of which all but y = 0 see x1 = 0 alone, and so for y = 0, for the
    outcome and, at the last x1, for that block. Gacs-Koerner ties the same. At a mass of 1e-9 the two blocks were kept
    apart, once: .62 bits, "exact", where .13 is right, since that breaks the chains by 1e-11 bits of information only.
    """
    p = linked_blocks(mass, shape)
    exact = intersection_information(p, measure="gacs-koerner").value
    found = intersection_information(p)
    assert found.value == pytest.approx(exact, abs=1e-8)
    assert found.lower <= found.upper
    assert exact <= found.upper + 1e-9
    assert found.report.residual <= 1e-12
    # Here both measures have one value, which rounding reaches by two ways: a closed form and linear programs.
    blackwell = intersection_information(p, measure="blackwell")
    assert found.lower <= blackwell.upper + 1e-11


@pytest.mark.parametrize("measure", ["griffith-ho", "blackwell"])
def test_what_float64_does_not_decide_is_an_interval(measure: Any) -> None:
    """Three columns P(y | .) in one plane tell both sources the same; off the plane, nothing (3 >= 2 + 2 - 1).

    Off by 1e-13, which masses of float64 hardly tell from nothing, both answers are in the interval.
    """

    def found(off: float) -> Any:
        p = np.zeros((3, 2, 2))
        p[:, 0, 0], p[:, 1, 1] = [0.2, 0.1, 0.1], [0.05, 0.25, 0.3]
        p[:, 0, 1] = 0.01 * p[:, 0, 0] + off * np.array([1.0, -2.0, 3.0])
        return intersection_information(p / p.sum(), measure=measure)

    in_plane, near, off_plane = found(0.0), found(1e-13), found(1e-4)
    assert in_plane.is_exact
    assert in_plane.value > 0.05
    assert off_plane.is_exact
    assert off_plane.value == pytest.approx(0.0, abs=1e-9)
    assert not near.is_exact
    assert near.report.status == "stalled"
    assert near.lower == pytest.approx(0.0, abs=1e-9)
    assert near.upper == pytest.approx(in_plane.value, abs=1e-9)


def test_linear_programs_that_are_given_up_end_the_search_with_an_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    p = dirichlet((3, 3, 3), 0)
    value = intersection_information(p).value
    solve, calls = LinearProgram.solve, iter(range(10**6))

    def gives_up(program: LinearProgram) -> Optimum:
        if next(calls) > 30:
            raise SolverError("HiGHS ended")
        return solve(program)

    monkeypatch.setattr(LinearProgram, "solve", gives_up)
    monkeypatch.setattr("pidkit.intersection.split.MAX_RAYS", 0)
    found = intersection_information(p)
    assert found.report.status == "stalled"
    assert found.lower <= value <= found.upper


def test_a_linear_program_does_not_go_round_in_circles() -> None:
    """HiGHS never came back from a program of this joint, whose two sources nearly agree: its steps had no limit."""
    rng = np.random.default_rng([0, 0, 8, 63, 18])
    mass = np.exp(-rng.uniform(0, 1) * np.arange(4))
    p = np.zeros((3, 3, 4))
    p[:, np.arange(4) % 3, np.arange(4)] = rng.dirichlet(np.ones(3), 4).T * mass / mass.sum()
    noise = 10.0 ** rng.uniform(-12, -3)
    p += noise * rng.dirichlet(np.full(36, 10.0 ** rng.uniform(-1, 1))).reshape(3, 3, 4)
    p = np.where(p / p.sum() < 2e-12, 0.0, p / p.sum())
    began = time.thread_time()
    found = intersection_information(p / p.sum(), time_limit=1.0, progress=False)
    assert time.thread_time() - began < 2.0
    assert found.lower <= found.upper
