"""What the single and the batch path share: the candidates, and the one verdict on their bounds, in nats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import pidkit
from pidkit import SolverError, solve_broja, solve_broja_batch
from pidkit.pid import broja
from pidkit.pid.certificate import FeasiblePotentials
from pidkit.pid.solvers import interior_point_batch
from pidkit.pid.solvers.interior_point import solve_interior_point
from pidkit.pid.solvers.problem import CONTRADICTION, Candidate, proves, verdict
from tests.pid.strategies import random_joint

JOINT = random_joint(np.random.default_rng(0), (3, 4, 2))
PAIR = (JOINT.sum(2), JOINT.sum(1))
STACKS = tuple(np.stack([side, side]) for side in PAIR)


@pytest.mark.parametrize(
    ("status", "proved", "expected"),
    [
        ("converged", True, "converged"),
        ("max_iter", True, "converged"),
        ("converged", False, "stalled"),
        ("max_iter", False, "max_iter"),
        ("stalled", False, "stalled"),
    ],
)
def test_bounds_decide_and_not_what_a_solver_says(status: str, proved: bool, expected: str) -> None:
    assert verdict(status, proved) == expected


def test_arrays_of_gaps_are_judged_one_by_one() -> None:
    gaps = np.array([0.0, 1e-9, 2e-9, -0.5 * CONTRADICTION, -2.0 * CONTRADICTION, np.nan, np.inf])
    expected = [True, True, False, True, False, False, False]
    assert proves(gaps, 1e-9).tolist() == [proves(float(gap), 1e-9) for gap in gaps] == expected


def shifted(gap: float) -> Callable[..., Candidate]:
    """Return a solver that claims to have converged with bounds that lie `gap` nats apart."""

    def run(*marginals: Any, **options: Any) -> Candidate:
        found = solve_interior_point(*marginals, **options)
        lower = FeasiblePotentials(found.lower.lam, found.lower.mu, 0.25 - gap)
        return replace(found, lower=lower, upper=replace(found.upper, value=0.25), status="converged")

    return run


@pytest.mark.parametrize(("gap", "sound"), [(-0.8e-12, True), (-1.2e-12, False), (np.nan, False)])
def test_bounds_that_contradict_each_other_are_refused_by_both_paths_alike(
    gap: float, sound: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CONTRADICTION is 1e-12 nats: -0.8e-12 nats, more than 1e-12 bits, pass, one by one and in a batch."""
    one, solve_many = shifted(gap), interior_point_batch.solve_many  # type: ignore[attr-defined]

    def many(*arguments: Any) -> None:
        solve_many(*arguments)
        lower, upper = arguments[-5:-3]
        lower[1], upper[1] = 0.25 - gap, 0.25

    monkeypatch.setattr(broja, "load_solver", lambda name: one)
    monkeypatch.setattr(interior_point_batch, "solve_many", many)
    if sound:
        assert solve_broja(*PAIR).report.status == "converged"
        assert solve_broja_batch(*STACKS).status.tolist() == ["converged"] * 2
    else:
        with pytest.raises(
            SolverError, match=r"^solver 'interior-point' ended with status 'stalled' at a certified gap"
        ):
            solve_broja(*PAIR)
        with pytest.raises(SolverError, match=r"^1 of 2 problems stayed above tol = 1e-09 bits, the worst at"):
            solve_broja_batch(*STACKS)
    assert solve_broja(*PAIR, check=False).report.status == ("converged" if sound else "stalled")
    batch = solve_broja_batch(*STACKS, check=False)
    assert batch.status.tolist() == ["converged", "converged" if sound else "stalled"]
    assert batch.converged.tolist() == [True, sound]


def test_a_batch_of_candidates_with_its_sources_exchanged() -> None:
    found = interior_point_batch.solve_interior_point_batch(*STACKS, tol=1e-9)
    other = interior_point_batch.solve_interior_point_batch(*STACKS[::-1], tol=1e-9)
    swapped = found.swapped()
    for name in ("lam", "mu", "weights", "lower", "upper", "iterations", "status"):
        np.testing.assert_array_equal(getattr(swapped, name), getattr(other, name))
    np.testing.assert_array_equal(found.gap, found.upper - found.lower)


def test_both_paths_have_one_check_of_the_target() -> None:
    wrong = PAIR[1][::-1]
    message = r"^p_yx1 and p_yx2 have different P\(y\) \(by up to 0\.\d+\); both must come from one joint$"
    with pytest.raises(pidkit.InputError, match=message):
        solve_broja(PAIR[0], wrong)
    with pytest.raises(pidkit.InputError, match=message):
        solve_broja_batch(PAIR[0][None], wrong[None])
    with pytest.raises(pidkit.InputError, match=r"must share the target axis: they have shapes \(3, 4\) and \(1, 1\)$"):
        solve_broja(PAIR[0], [[1.0]])
    with pytest.raises(pidkit.InputError, match="must share the batch and the target axis: they have shapes"):
        solve_broja_batch(PAIR[0][None], [[[1.0]]])
