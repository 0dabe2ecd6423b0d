"""The doors: every gate with every solver, agreement of the solvers, samples against the dense joint, dit as oracle."""

import functools
import warnings
from typing import Any

import numpy as np
import pytest

import pidkit
from pidkit import GATES, PIDResult, bivariate_pid, joint_from_samples, pid_from_samples
from pidkit.pid import ATOMS, INFORMATION
from tests.memory import traced_memory
from tests.pid.strategies import random_joint

OWN_SOLVERS = {"interior-point": None, "scaling": 1e-8}
"""Solvers held to 1e-8 bits, and the tol at which they are (None: their default)."""

SHAPES = [(2, 2, 2), (3, 3, 3), (5, 5, 5), (10, 10, 10), (10, 20, 20)]


@pytest.mark.parametrize("solver", OWN_SOLVERS)
@pytest.mark.parametrize("name", GATES)
def test_every_gate_to_1e_8_bits(name: str, solver: str) -> None:
    found = bivariate_pid(GATES[name].joint, solver=solver, tol=OWN_SOLVERS[solver])  # type: ignore[arg-type]
    for atom in ATOMS:
        assert getattr(found, atom) == pytest.approx(getattr(GATES[name], atom), abs=1e-8), atom
    assert found.report.marginal_residual <= 1e-12
    assert found.report.status == "converged"


@pytest.mark.parametrize("name", GATES)
def test_every_gate_with_the_conic_reference(name: str) -> None:
    found = bivariate_pid(GATES[name].joint, solver="conic")
    for atom in ATOMS:
        assert getattr(found, atom) == pytest.approx(getattr(GATES[name], atom), abs=found.report.gap), atom


def sparse_joint(shape: tuple[int, int, int]) -> np.ndarray:
    """Count 2000 samples of a target seen through two noisy sources."""
    rng = np.random.default_rng(sum(shape))
    y = rng.integers(shape[0], size=2000)
    x1, x2 = ((y + rng.geometric(0.5, size=2000) - 1) * n // shape[0] % n for n in shape[1:])
    return joint_from_samples(y=y, x1=x1, x2=x2, n_y=shape[0], n_x1=shape[1], n_x2=shape[2])


@functools.cache
def reference(shape: tuple[int, int, int], kind: str) -> tuple[np.ndarray, PIDResult]:
    """Return a joint and what the conic reference says about it, solved once for all solvers."""
    p = sparse_joint(shape) if kind == "sparse" else random_joint(np.random.default_rng(sum(shape)), shape)
    return p, bivariate_pid(p, solver="conic")


@pytest.mark.parametrize("solver", ["interior-point", "scaling"])
@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize("shape", SHAPES)
def test_random_joints_agree_with_the_conic_reference(shape: tuple[int, int, int], kind: str, solver: str) -> None:
    p, conic = reference(shape, kind)
    found = bivariate_pid(p, solver=solver)  # type: ignore[arg-type]
    assert found.report.gap <= {"interior-point": 1e-9, "scaling": 1e-5}[solver]
    assert found.report.marginal_residual <= 1e-12
    for atom in ATOMS:
        assert getattr(found, atom) == pytest.approx(getattr(conic, atom), abs=conic.report.gap + found.report.gap)


@pytest.mark.filterwarnings("ignore:.* is constant")
@pytest.mark.parametrize("seed", range(4))
def test_samples_give_what_their_joint_gives(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = (1, 50, 500, 5000)[seed]
    y, x1, x2 = rng.integers(4, size=n), rng.integers(6, size=n), rng.integers(5, size=n)
    sampled = pid_from_samples(y=y, x1=x1, x2=x2, n_x1=9)
    dense = bivariate_pid(joint_from_samples(y=y, x1=x1, x2=x2))
    slack = sampled.report.gap + dense.report.gap + 1e-12
    for name in ATOMS + INFORMATION:
        assert getattr(sampled, name) == pytest.approx(getattr(dense, name), abs=slack), name


def test_samples_never_build_the_dense_joint() -> None:
    """3000 samples of 10 x 2000 x 2000 symbols: the dense array would take 320 MB."""
    rng = np.random.default_rng(0)
    y = rng.integers(10, size=3000)
    x1, x2 = 20 * y + rng.integers(20, size=3000), 20 * y + rng.integers(20, size=3000)
    pid_from_samples(y=y, x1=x1, x2=x2, solver="scaling", check=False, max_iter=1)  # imports and compiles
    with traced_memory() as traced:
        found = pid_from_samples(
            y=y, x1=10 * x1, x2=10 * x2, n_x1=2000, n_x2=2000, solver="scaling", check=False, max_iter=3
        )
    assert traced.peak < 4e7
    assert sum(found.atoms.values()) == pytest.approx(found.mi_joint, abs=1e-12)


def test_codes_as_large_as_hashes_cost_nothing() -> None:
    plain = pid_from_samples(y=[0, 1, 1, 0], x1=[0, 1, 1, 0], x2=[0, 0, 1, 1])
    hashed = pid_from_samples(y=[5, 10**12, 10**12, 5], x1=[0, 10**12, 10**12, 0], x2=[7, 7, 10**15, 10**15])
    assert hashed.atoms == pytest.approx(plain.atoms, abs=2e-9)


def test_symbols_can_be_anything_hashable() -> None:
    y, x1, x2 = [0, 0, 1, 1] * 5, ["a", "b", "a", "b"] * 5, [("k", 1), "none", ("k", 1), 2.5] * 5
    codes = {("k", 1): 0, "none": 1, 2.5: 2}
    named = pid_from_samples(y=y, x1=x1, x2=x2)
    coded = pid_from_samples(y=y, x1=[int(x == "b") for x in x1], x2=[codes[x] for x in x2])
    assert named.atoms == pytest.approx(coded.atoms, abs=2e-9)


def test_auto_takes_the_interior_point_while_a_newton_step_is_cheap() -> None:
    p = random_joint(np.random.default_rng(1), (4, 5, 6))
    assert bivariate_pid(p).report.solver == "interior-point"
    rng = np.random.default_rng(2)
    first, second = rng.dirichlet(np.ones(300), size=100) / 100, rng.dirichlet(np.ones(300), size=100) / 100
    assert pidkit.solve_broja(first, second, max_iter=1, check=False).report.solver == "scaling"


def test_a_tolerance_out_of_reach_raises_or_is_reported() -> None:
    p = random_joint(np.random.default_rng(3), (4, 4, 4))
    with pytest.raises(pidkit.SolverError, match=r"^solver 'interior-point' ended with status 'max_iter' at "):
        bivariate_pid(p, max_iter=2)
    with pytest.raises(pidkit.SolverError, match=r"^solver 'scaling' ended .* raise max_iter, ask for a larger tol"):
        bivariate_pid(p, solver="scaling", tol=1e-9, max_iter=2)
    taken = bivariate_pid(p, max_iter=2, check=False)
    assert taken.report.status == "max_iter"
    exact = bivariate_pid(p)
    assert taken.unique_1 == pytest.approx(exact.unique_1, abs=taken.report.gap + exact.report.gap)
    assert bivariate_pid(p, tol=0.1).report.iterations < exact.report.iterations


def test_results_are_frozen_readable_and_convertible() -> None:
    found = bivariate_pid(GATES["AND"].joint)
    with pytest.raises(AttributeError, match="cannot assign to field"):
        found.redundancy = 0.0  # type: ignore[misc]
    lines = repr(found).splitlines()
    assert lines[0] == "PIDResult (broja, bits)"
    assert lines[1].split() == ["redundancy", "0.311278"]
    assert lines[5] == "  I(Y;X1) = 0.311278   I(Y;X2) = 0.311278   I(Y;X1,X2) = 0.811278"
    nats = found.to("nats")
    assert nats.report.gap == pytest.approx(np.log(2.0) * found.report.gap)
    assert nats.report.tol == pytest.approx(np.log(2.0) * 1e-9)
    assert nats.to("bits").atoms == pytest.approx(found.atoms, abs=1e-15)
    exported = found.to_dict()
    assert exported["report"]["solver"] == "interior-point"
    assert (exported["synergy"], exported["unit"], exported["measure"]) == (found.synergy, "bits", "broja")


@pytest.mark.parametrize("name", ["AND", "UNQ", "RDN", "XOR", "ImperfectRDN", "DIFF"])
def test_dit_agrees_within_its_accuracy(name: str) -> None:
    """dit 2.3's default solver is good to about 1e-3 bits on gates (it drops masses below 1e-6)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dit: Any = pytest.importorskip("dit")
        broja = pytest.importorskip("dit.pid").PID_BROJA

        y, x1, x2 = np.nonzero(GATES[name].joint)
        masses = GATES[name].joint[y, x1, x2]
        outcomes = ["".join(map(str, cell)) for cell in zip(x1, x2, y, strict=True)]
        lattice = broja(dit.Distribution(outcomes, masses), [[0], [1]], [2])
        nodes = (((0,), (1,)), ((0,),), ((1,),), ((0, 1),))
        theirs = [float(lattice.get_pi(node)) for node in nodes]
    assert list(bivariate_pid(GATES[name].joint).atoms.values()) == pytest.approx(theirs, abs=2e-3)
