"""Batches by scaling: what the interior point finds, tensors where they lie, honest statuses, and who is chosen."""

import numpy as np
import pytest
import torch

from pidkit import InputError, SolverError, bivariate_pid_batch, solve_broja, solve_broja_batch
from pidkit.pid.solvers import choice
from pidkit.pid.solvers.scaling import stacks
from tests.pid.strategies import KINDS, random_joint

DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")),
]
NUMBERS = ("redundancy", "unique_1", "unique_2", "mi_1", "mi_2")


def marginals(n=12, shape=(4, 5, 3)):
    """Return pair marginals of joints of every kind, some with symbols without mass."""
    rng = np.random.default_rng(3)
    joints = np.stack([random_joint(rng, shape, KINDS[i % len(KINDS)]) for i in range(n)])
    joints[3, 1] = joints[4, :, 2] = joints[5, :, :, 1] = 0.0
    joints /= joints.sum((1, 2, 3), keepdims=True)
    return joints.sum(3), joints.sum(2)


def host(values):
    return values.cpu().numpy() if isinstance(values, torch.Tensor) else values


def check_against_interior_point(found, first, second):
    """Assert the atoms of the oracle to the two gaps, potentials that are feasible and pair masses that fit."""
    oracle = solve_broja_batch(first, second, solver="interior-point")
    assert (found.solver, oracle.solver) == ("scaling", "interior-point")
    for name in NUMBERS:
        value = getattr(found, name)
        assert isinstance(value, np.ndarray)
        assert (np.abs(value - getattr(oracle, name)) <= found.gap + oracle.gap + 1e-12).all(), name
    lam, mu, weights = host(found.lam), host(found.mu), host(found.weights)
    np.testing.assert_array_equal(np.isfinite(lam), first > 0.0)
    np.testing.assert_array_equal(np.isfinite(mu), second > 0.0)
    assert np.einsum("byi,byj->bij", np.exp(lam), np.exp(mu)).max() <= 1.0 + 1e-12
    np.testing.assert_allclose(weights.sum(2), first.sum(1), atol=1e-12)
    np.testing.assert_allclose(weights.sum(1), second.sum(1), atol=1e-12)


@pytest.mark.parametrize("stack", [2**15, 40, 1], ids=["one stack", "stacks of two", "one by one"])
def test_scaling_finds_what_the_interior_point_finds(monkeypatch, stack):
    monkeypatch.setattr(stacks, "STACK_ON_HOST", stack)
    first, second = marginals()
    found = solve_broja_batch(first, second, solver="scaling", tol=1e-7)
    assert found.converged.all()
    assert found.gap.max() <= 1e-7
    assert found.marginal_residual.max() <= 1e-12
    check_against_interior_point(found, first, second)


@pytest.mark.parametrize("device", DEVICES)
def test_tensors_are_solved_where_they_lie(device):
    first, second = marginals()
    tensors = [torch.tensor(p, device=device) for p in (first, second)]
    found = solve_broja_batch(*tensors, solver="scaling" if device == "cpu" else "auto", tol=1e-7)
    for part in (found.lam, found.mu, found.weights):
        assert (part.dtype, part.device.type) == (torch.float64, device)
    assert found.converged.all()
    check_against_interior_point(found, first, second)


@pytest.mark.parametrize("solver", ["auto", "interior-point"])
def test_solvers_for_arrays_read_tensors_of_the_host_as_arrays(solver):
    found = solve_broja_batch(*map(torch.tensor, marginals()), solver=solver)
    assert (found.solver, type(found.lam)) == ("interior-point", np.ndarray)


def test_joints_by_scaling_name_their_solver_and_default_tolerance():
    rng = np.random.default_rng(0)
    joints = np.stack([random_joint(rng, (3, 4, 4)) for _ in range(3)])
    found, exact = bivariate_pid_batch(joints, solver="scaling"), bivariate_pid_batch(joints)
    assert (found[1].report.solver, found[1].report.tol) == ("scaling", 1e-5)
    assert (exact[1].report.solver, exact[1].report.tol) == ("interior-point", 1e-9)
    np.testing.assert_allclose(found.synergy, exact.synergy, atol=3e-5)


def test_auto_goes_by_the_largest_problem(monkeypatch):
    small = np.zeros((2, 30, 40))
    small[:, :2, :2] = 0.25
    large = small.copy()
    large[1] = 1.0 / 1200
    chosen = []
    plain = choice.choose_solver
    monkeypatch.setattr(choice, "choose_solver", lambda *a, **k: chosen.append(plain(*a, **k)) or chosen[-1])
    solve_broja_batch(small, small, tol=1e-6)
    found = solve_broja_batch(large, large, tol=1e-6)
    assert chosen == ["interior-point", "scaling"]
    assert found.converged.all()


def test_a_tolerance_out_of_reach_raises_or_is_reported():
    first, second = marginals()
    with pytest.raises(SolverError, match=r"of 12 problems stayed above tol = 1e-09 bits"):
        solve_broja_batch(first, second, solver="scaling", tol=1e-9, max_iter=2)
    taken = solve_broja_batch(first, second, solver="scaling", tol=1e-9, max_iter=2, check=False)
    assert set(taken.status) <= {"converged", "max_iter"}
    np.testing.assert_array_equal(taken.converged, taken.gap <= 1e-9)
    assert (taken.iterations <= 2).all()


def test_units():
    first, second = marginals()
    bits, nats = (solve_broja_batch(first, second, solver="scaling", tol=1e-6, unit=unit) for unit in ("bits", "nats"))
    np.testing.assert_allclose(nats.unique_1, np.log(2.0) * bits.unique_1, atol=1e-14)
    assert nats.tol == pytest.approx(np.log(2.0) * 1e-6)


def test_what_is_refused():
    first, second = marginals()
    with pytest.raises(InputError, match="solver 'conic' takes one problem at a time"):
        solve_broja_batch(first, second, solver="conic")
    with pytest.raises(InputError, match="solver must be 'auto'"):
        bivariate_pid_batch(np.ones((1, 1, 1, 1)), solver="simplex")
    with pytest.raises(InputError, match="must be tensors on one device: p_yx1 is on cpu, p_yx2 is a ndarray"):
        solve_broja_batch(torch.tensor(first), second, solver="scaling")
    with pytest.raises(InputError, match=r"p_yx1\[0\] sums to 2"):
        solve_broja_batch(torch.tensor(2.0 * first), torch.tensor(second), solver="scaling")


def test_one_of_a_batch_is_what_it_is_alone():
    first, second = marginals(6)
    found = solve_broja_batch(first, second, solver="scaling", tol=1e-7)
    alone = solve_broja(first[2], second[2], solver="scaling", tol=1e-7)
    assert found.unique_1[2] == pytest.approx(alone.unique_1, abs=found.gap[2] + alone.gap + 1e-12)
