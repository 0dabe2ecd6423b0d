"""The conic reference: agreement within its certificate, and its failures in one line."""

from typing import Any

import cvxpy as cp
import numpy as np
import pytest

import pidkit
from pidkit.joint import pair_marginals
from pidkit.pid.solvers.conic import solve_conic
from pidkit.pid.solvers.interior_point import solve_interior_point
from tests.pid.strategies import random_joint

TOL = 1e-5 * np.log(2.0)


@pytest.mark.parametrize("kind", ["dense", "sparse", "counts", "duplicated"])
@pytest.mark.parametrize("shape", [(1, 2, 3), (2, 2, 2), (4, 3, 5)])
def test_agrees_with_the_interior_point_within_both_gaps(shape: tuple[int, int, int], kind: str) -> None:
    p = random_joint(np.random.default_rng(11), shape, kind)
    p = p[np.ix_(*(p.sum(axes) > 0.0 for axes in ((1, 2), (0, 2), (0, 1))))]
    conic = solve_conic(*pair_marginals(p), tol=TOL)
    own = solve_interior_point(*pair_marginals(p), tol=1e-10)
    assert conic.status == "converged"
    assert conic.lower.value <= own.upper.value
    assert conic.upper.value >= own.lower.value
    assert conic.gap <= TOL
    assert conic.upper.marginal_residual <= 1e-12


def test_what_it_did_not_reach_it_says() -> None:
    p = random_joint(np.random.default_rng(12), (3, 3, 3))
    seen = []
    found = solve_conic(*pair_marginals(p), tol=1e-15, progress=lambda *args: seen.append(args))
    assert found.status == "stalled"
    assert seen == [(found.iterations, found.gap)]
    message = (
        r"^solver 'conic' ended with status 'stalled' at a certified gap of .* use solver='interior-point', or pass"
    )
    with pytest.raises(pidkit.SolverError, match=message):
        pidkit.bivariate_pid(p, solver="conic", tol=1e-15)


def test_an_outright_failure_is_a_solver_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise cp.SolverError("no licence")

    marginals = pair_marginals(random_joint(np.random.default_rng(13), (2, 2, 2)))
    monkeypatch.setattr(cp.Problem, "solve", fail)
    with pytest.raises(
        pidkit.SolverError, match=r"^solver 'conic' failed \(no licence\); use solver='interior-point'$"
    ):
        solve_conic(*marginals, tol=TOL)
    monkeypatch.setattr(cp.Problem, "solve", lambda *_, **__: None)
    with pytest.raises(
        pidkit.SolverError, match=r"^solver 'conic' returned no values \(.*\); use solver='interior-point'$"
    ):
        solve_conic(*marginals, tol=TOL)


def test_too_few_iterations_are_judged_by_the_certificate_not_by_the_status() -> None:
    marginals = pair_marginals(random_joint(np.random.default_rng(14), (3, 3, 3)))
    exact = solve_interior_point(*marginals, tol=1e-10)
    early = solve_conic(*marginals, tol=TOL, max_iter=2)
    assert early.status == "stalled"
    assert early.gap > TOL
    assert early.lower.value <= exact.upper.value
    assert early.upper.value >= exact.lower.value
