"""Batches against the single door, whatever the shape and the kind; threads change nothing; and what is refused."""

import _thread
import re
import signal
import threading
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_info

import pidkit
from pidkit import bivariate_pid, bivariate_pid_batch, gate, solve_broja, solve_broja_batch
from pidkit.joint import pair_marginals
from pidkit.pid.certificate import feasible_coupling, feasible_potentials
from pidkit.pid.result import ATOMS, INFORMATION
from pidkit.pid.solvers import interior_point_batch
from tests.pid.strategies import KINDS, generators, random_joint

ROUNDING = 1e-12


def joints_of(rng: np.random.Generator, shape: tuple[int, int, int], kinds: tuple[str, ...] | list[str]) -> np.ndarray:
    return np.stack([random_joint(rng, shape, kind) for kind in kinds])


def marginals_of(joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return joints.sum(3), joints.sum(2)


@st.composite
def batches(draw: st.DrawFn) -> np.ndarray:
    """Draw batches of 1 to 6 joints of one shape, each of any kind."""
    shape = draw(st.tuples(*[st.integers(1, 6)] * 3))
    return joints_of(draw(generators()), shape, draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=6)))


def close_to_singles(found: Any, joints: np.ndarray) -> None:
    """Assert that every joint of a batch has the atoms that it has alone, to the sum of the certified gaps."""
    assert len(found) == len(joints)
    for one, p in zip(found, joints, strict=True):
        alone = bivariate_pid(p)
        slack = one.report.gap + alone.report.gap + ROUNDING
        for name in (*ATOMS, *INFORMATION):
            assert getattr(one, name) == pytest.approx(getattr(alone, name), abs=slack), name
        assert one.report.status == "converged"
        assert one.report.gap <= one.report.tol == 1e-9
        assert one.report.marginal_residual <= 1e-12
        assert min(one.atoms.values()) >= -one.report.gap - ROUNDING
        assert sum(one.atoms.values()) == pytest.approx(one.mi_joint, abs=ROUNDING)


@settings(max_examples=120)
@given(batches())
def test_a_batch_is_its_joints_one_by_one(joints: np.ndarray) -> None:
    close_to_singles(bivariate_pid_batch(joints), joints)


@pytest.mark.parametrize("shape", [(3, 7, 2), (3, 2, 7), (1, 4, 3), (5, 1, 1), (8, 8, 8), (40, 3, 5)])
def test_either_side_may_have_more_symbols(shape: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(sum(shape))
    joints = joints_of(rng, shape, KINDS)
    close_to_singles(bivariate_pid_batch(joints), joints)
    swapped = bivariate_pid_batch(joints.transpose(0, 1, 3, 2))
    plain = bivariate_pid_batch(joints)
    slack = plain.solutions.gap + swapped.solutions.gap + ROUNDING
    assert (np.abs(plain.unique_1 - swapped.unique_2) <= slack).all()
    assert (np.abs(plain.redundancy - swapped.redundancy) <= slack).all()


def test_gates_padded_to_one_shape() -> None:
    names = ("AND", "XOR", "RDN", "UNQ", "DIFF", "ImperfectRDN", "PntUnq")
    largest = tuple(max(gate(name).joint.shape[k] for name in names) + 1 for k in range(3))
    padded = np.zeros((len(names), *largest))
    for p, name in zip(padded, names, strict=True):
        n_y, n_1, n_2 = gate(name).joint.shape
        p[-n_y:, :n_1, -n_2:] = gate(name).joint
    found = bivariate_pid_batch(padded)
    for k, name in enumerate(names):
        for atom in ATOMS:
            assert getattr(found, atom)[k] == pytest.approx(getattr(gate(name), atom), abs=1e-8), (name, atom)


def test_a_batch_of_marginals_is_solve_broja_one_by_one() -> None:
    joints = joints_of(np.random.default_rng(0), (4, 5, 3), KINDS)
    found = solve_broja_batch(*marginals_of(joints))
    for k, p in enumerate(joints):
        alone = solve_broja(*pair_marginals(p))
        for name in ("redundancy", "unique_1", "unique_2", "mi_1", "mi_2"):
            slack = found.gap[k] + alone.gap + ROUNDING
            assert getattr(found, name)[k] == pytest.approx(getattr(alone, name), abs=slack), name


@pytest.mark.parametrize("shape", [(4, 3, 5), (4, 5, 3)], ids=["swapped", "as it is"])
def test_potentials_prove_the_lower_bound_and_weights_lead_to_the_upper_one(shape: tuple[int, int, int]) -> None:
    """By certificate.py, which shares no code with the compiled loop."""
    joints = joints_of(np.random.default_rng(1), shape, ["dense", "sparse", "counts", "wide range", "peaked"])
    first, second = marginals_of(joints)
    found = solve_broja_batch(first, second, unit="nats")
    assert (found.lam.shape, found.mu.shape) == (first.shape, second.shape)
    np.testing.assert_array_equal(np.isneginf(found.lam), first == 0.0)
    np.testing.assert_array_equal(np.isneginf(found.mu), second == 0.0)
    for k in range(len(joints)):
        kept_y, kept_1, kept_2 = first[k].any(1), first[k].any(0), second[k].any(0)
        p1, p2 = first[k][np.ix_(kept_y, kept_1)], second[k][np.ix_(kept_y, kept_2)]
        lam, mu = found.lam[k][np.ix_(kept_y, kept_1)], found.mu[k][np.ix_(kept_y, kept_2)]
        slack = np.exp(lam[:, :, None] + mu[:, None, :]).sum(0)
        assert slack.max() <= 1.0 + 1e-12
        lower = feasible_potentials(p1, p2, lam, mu)
        upper = feasible_coupling(p1, p2, lam, mu, found.weights[k][np.ix_(kept_1, kept_2)])
        optimum = solve_broja(first[k], second[k], unit="nats")
        assert lower.value == pytest.approx(optimum.lower, abs=found.gap[k] + optimum.gap + ROUNDING)
        assert upper.value == pytest.approx(optimum.upper, abs=1e-6)


def test_threads_change_no_digit() -> None:
    joints = joints_of(np.random.default_rng(2), (4, 5, 6), KINDS * 12)
    one, two, many = (bivariate_pid_batch(joints, n_jobs=n_jobs) for n_jobs in (1, 2, 7))
    for other in (two, many):
        for name in (*ATOMS, *INFORMATION):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        for name in ("lam", "mu", "weights", "gap", "marginal_residual", "iterations", "status"):
            np.testing.assert_array_equal(getattr(one.solutions, name), getattr(other.solutions, name))


@pytest.mark.parametrize(("shape", "n"), [((10, 15, 15), 1500), ((10, 40, 40), 100)], ids=["many", "long"])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_an_interrupt_does_not_wait_for_the_batch(shape: tuple[int, int, int], n: int, n_jobs: int) -> None:
    """These batches take some five seconds, which used to be one compiled call."""
    p = np.random.default_rng(0).dirichlet(np.ones(np.prod(shape)), size=4).reshape(4, *shape)
    joints = np.broadcast_to(p, (n // 4, *p.shape)).reshape(n, *shape)
    first, second = joints.sum(3), joints.sum(2)
    bivariate_pid_batch(p[:1])  # compiled by now
    fired = []

    def interrupt() -> None:
        fired.append(time.perf_counter())
        _thread.interrupt_main()

    # A shell that starts the tests in the background has them ignore interrupts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        timer = threading.Timer(0.3, interrupt)
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            solve_broja_batch(first, second, n_jobs=n_jobs)
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.perf_counter() - fired[0] < 1.0


def test_a_lone_joint_can_be_asked_of_two_threads() -> None:
    found = bivariate_pid_batch(gate("AND").joint[None], n_jobs=2)
    assert found.synergy == pytest.approx([0.5], abs=1e-9)


def test_large_batches_take_threads_by_themselves_and_blas_gets_its_own_back(monkeypatch: pytest.MonkeyPatch) -> None:
    joints = joints_of(np.random.default_rng(3), (3, 4, 4), KINDS)
    plain = bivariate_pid_batch(joints)
    used = []
    parallel = interior_point_batch.Parallel  # type: ignore[attr-defined]
    monkeypatch.setattr(interior_point_batch, "Parallel", lambda **options: used.append(options) or parallel(**options))  # type: ignore[func-returns-value, redundant-expr]
    monkeypatch.setattr(interior_point_batch, "SMALL_BATCH", 0)
    monkeypatch.setattr(interior_point_batch, "cpu_count", lambda: 3)
    before = [(pool["internal_api"], pool["num_threads"]) for pool in threadpool_info()]
    threaded = bivariate_pid_batch(joints)
    assert used == [{"n_jobs": 3, "prefer": "threads"}]
    assert [(pool["internal_api"], pool["num_threads"]) for pool in threadpool_info()] == before
    np.testing.assert_array_equal(threaded.redundancy, plain.redundancy)


def test_what_is_given_is_left_as_it_is() -> None:
    joints = joints_of(np.random.default_rng(4), (3, 3, 4), KINDS)
    kept, state = joints.copy(), np.geterr()
    bivariate_pid_batch(joints)
    np.testing.assert_array_equal(joints, kept)
    assert np.geterr() == state


def test_lists_and_other_memory_orders_will_do() -> None:
    joints = joints_of(np.random.default_rng(4), (3, 3, 4), KINDS)
    np.testing.assert_array_equal(bivariate_pid_batch(joints.tolist()).synergy, bivariate_pid_batch(joints).synergy)
    close_to_singles(bivariate_pid_batch(np.asfortranarray(joints)), joints)


def test_a_tolerance_out_of_reach_raises_or_is_reported() -> None:
    joints = np.stack([gate("RDN").joint, random_joint(np.random.default_rng(5), (2, 2, 2)), gate("RDN").joint])
    message = r"^1 of 3 problems stayed above tol = 1e-09 bits, the worst at \S+; ask for a larger tol, or pass check="
    limit = next(k for k in range(1, 20) if bivariate_pid_batch(joints, max_iter=k, check=False)[0].report.gap <= 1e-9)
    with pytest.raises(pidkit.SolverError, match=message):
        bivariate_pid_batch(joints, max_iter=limit)
    with pytest.raises(pidkit.SolverError, match=message):
        solve_broja_batch(*marginals_of(joints), max_iter=limit)
    taken = bivariate_pid_batch(joints, max_iter=limit, check=False)
    assert taken.solutions.converged.tolist() == [True, False, True]
    assert taken.solutions.status.tolist() == ["converged", "max_iter", "converged"]
    assert (taken.solutions.iterations <= limit).all()
    exact = bivariate_pid_batch(joints)
    assert (np.abs(taken.unique_1 - exact.unique_1) <= taken.solutions.gap + exact.solutions.gap).all()
    assert bivariate_pid_batch(joints, tol=0.1).solutions.iterations[1] < exact.solutions.iterations[1]


def test_the_joint_that_is_no_joint_is_named() -> None:
    joints = joints_of(np.random.default_rng(6), (2, 2, 2), ["dense"] * 4)
    joints[2] *= 1.5
    with pytest.raises(pidkit.InputError, match=re.escape("p[2] sums to 1.5, not 1; divide every joint by its sum")):
        bivariate_pid_batch(joints)


@pytest.mark.parametrize("limit", [1, 4, 7, 30, 400])
def test_a_limit_of_iterations_changes_no_bit_in_a_batch(limit: int) -> None:
    """One compiled loop certifies every iterate. At 2x2x2 a limit made a batch 4.5 times slower, and now 1.5 times."""
    joints = np.random.default_rng(0).dirichlet(np.full(36, 0.3), 12).reshape(12, 3, 3, 4)
    joints[1] = np.diag([1.0, 1e-9, 1.0]).reshape(3, 3, 1) * np.ones((3, 3, 4))
    joints[1] /= joints[1].sum()
    batch = bivariate_pid_batch(joints, solver="interior-point", max_iter=limit, check=False)
    for k, p in enumerate(joints):
        one = bivariate_pid(p, solver="interior-point", max_iter=limit, check=False, progress=False)
        assert batch[k].report.gap == one.report.gap
        assert (batch[k].report.iterations, batch[k].report.status) == (one.report.iterations, one.report.status)
        assert batch[k].redundancy == pytest.approx(one.redundancy, abs=1e-13)
