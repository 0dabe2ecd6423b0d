"""One core on numpy and torch: tensors give what arrays give, stacks what their problems give one by one."""

from typing import Any

import numpy as np
import pytest
import torch

from pidkit import Gate, solve_broja
from pidkit.errors import InputError, SolverError
from pidkit.gates import GATES
from pidkit.info import conditional_entropy
from pidkit.joint import pair_marginals
from pidkit.pid.solvers.problem import Candidate
from pidkit.pid.solvers.scaling.solver import solve_scaling, solve_scaling_stack
from pidkit.units import NATS_PER_UNIT
from tests.pid.strategies import KINDS, random_joint

BITS = NATS_PER_UNIT["bits"]
DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")),
]


def padded(p: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Return a joint on larger alphabets, the new symbols without mass."""
    return np.pad(p, [(0, n - m) for n, m in zip(shape, p.shape, strict=True)])


def stack_of_gates(shape: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray, list[Gate]]:
    """Return the pair marginals of all gates that fit into one shape, and the gates."""
    gates = [gate for gate in GATES.values() if all(m <= n for m, n in zip(gate.joint.shape, shape, strict=True))]
    joints = np.stack([padded(gate.joint, shape) for gate in gates])
    return joints.sum(3), joints.sum(2), gates


def awkward_stack(n: int = 24, shape: tuple[int, int, int] = (4, 5, 3)) -> tuple[np.ndarray, np.ndarray]:
    """Return pair marginals of joints of every kind, some with symbols without mass."""
    rng = np.random.default_rng(7)
    joints = np.stack([random_joint(rng, shape, KINDS[i % len(KINDS)]) for i in range(n)])
    joints[3, 1] = joints[4, :, 2] = joints[5, :, :, 1] = joints[6, 2:] = 0.0
    joints /= joints.sum((1, 2, 3), keepdims=True)
    return joints.sum(3), joints.sum(2)


def host(values: np.ndarray | torch.Tensor) -> np.ndarray:
    return values.cpu().numpy() if isinstance(values, torch.Tensor) else values


def check_certificate(candidate: Candidate, p_yx1: np.ndarray, p_yx2: np.ndarray) -> None:
    """Check the bounds without `certificate`: feasible potentials, exact marginals, ordered values."""
    lam, mu = host(candidate.lower.lam), host(candidate.lower.mu)
    assert np.einsum("yi,yj->ij", np.exp(lam), np.exp(mu)).max() <= 1.0 + 1e-12
    assert (np.isfinite(lam) == (p_yx1 > 0.0)).all()
    assert (np.isfinite(mu) == (p_yx2 > 0.0)).all()
    coupling = host(candidate.upper.to_dense())
    assert coupling.min() >= 0.0
    np.testing.assert_allclose(coupling.sum(2), p_yx1, atol=1e-12)
    np.testing.assert_allclose(coupling.sum(1), p_yx2, atol=1e-12)
    np.testing.assert_allclose(host(candidate.upper.pair_mass()), coupling.sum(0), atol=1e-12)
    assert candidate.lower.value <= candidate.upper.value


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("kind", KINDS)
def test_tensors_give_the_interval_of_arrays(kind: str, device: str) -> None:
    p_yx1, p_yx2 = pair_marginals(random_joint(np.random.default_rng(3), (4, 6, 5), kind))
    arrays = solve_scaling(p_yx1, p_yx2, tol=1e-8)
    tensors: Any = solve_scaling(torch.tensor(p_yx1, device=device), torch.tensor(p_yx2, device=device), tol=1e-8)
    assert arrays.status == tensors.status == "converged"
    assert tensors.lower.value <= arrays.upper.value
    assert arrays.lower.value <= tensors.upper.value
    for part in (tensors.lam, tensors.mu, tensors.weights, tensors.upper.to_dense()):
        assert (part.dtype, part.device.type) == (torch.float64, device)
    check_certificate(tensors, p_yx1, p_yx2)


@pytest.mark.parametrize("device", ["numpy", *DEVICES])
def test_a_stack_gives_what_its_problems_give_one_by_one(device: str) -> None:
    p_yx1, p_yx2 = awkward_stack()
    first, second = (p if device == "numpy" else torch.tensor(p, device=device) for p in (p_yx1, p_yx2))
    stack = solve_scaling_stack(first, second, tol=1e-6, max_iter=6000)
    assert [candidate.status for candidate in stack] == ["converged"] * len(stack)
    assert len({candidate.iterations for candidate in stack}) > 3
    for candidate, *tables in zip(stack, p_yx1, p_yx2, strict=True):
        alone = solve_scaling(*tables, tol=1e-6, max_iter=6000)
        assert candidate.lower.value <= alone.upper.value
        assert alone.lower.value <= candidate.upper.value
        assert candidate.upper.value == pytest.approx(alone.upper.value, abs=1e-6)
        check_certificate(candidate, *tables)


@pytest.mark.parametrize("device", ["numpy", *DEVICES])
def test_gates_padded_to_one_shape(device: str) -> None:
    p_yx1, p_yx2, gates = stack_of_gates((4, 4, 4))
    first, second = (p if device == "numpy" else torch.tensor(p, device=device) for p in (p_yx1, p_yx2))
    assert len(gates) > 8
    for gate, candidate, *tables in zip(
        gates, solve_scaling_stack(first, second, tol=1e-8 * BITS), p_yx1, p_yx2, strict=True
    ):
        assert candidate.status == "converged"
        bounds = (conditional_entropy(tables[1]) + np.array([candidate.lower.value, candidate.upper.value])) / BITS
        assert bounds[0] - 1e-12 <= gate.unique_1 <= bounds[1] + 1e-12
        check_certificate(candidate, *tables)
        assert not host(candidate.weights)[tables[0].sum(0) == 0.0].any()


def test_symbols_without_mass_change_nothing() -> None:
    p = random_joint(np.random.default_rng(1), (3, 4, 4))
    alone = solve_scaling(*pair_marginals(p), tol=1e-9)
    wider = solve_scaling(*pair_marginals(padded(p, (5, 6, 7))), tol=1e-9)
    assert wider.status == "converged"
    assert wider.iterations == alone.iterations
    assert wider.upper.value == pytest.approx(alone.upper.value, abs=1e-13)
    assert wider.lower.value == pytest.approx(alone.lower.value, abs=1e-13)


def test_a_stack_with_one_target_symbol() -> None:
    p_yx1, p_yx2 = np.full((2, 1, 3), 1 / 3), np.array([[[0.5, 0.5]], [[1.0, 0.0]]])
    for candidate, *tables in zip(solve_scaling_stack(p_yx1, p_yx2, tol=1e-10), p_yx1, p_yx2, strict=True):
        assert candidate.status == "converged"
        assert candidate.upper.value == pytest.approx(0.0, abs=1e-10)
        check_certificate(candidate, *tables)


def test_max_iter_is_honest_for_each_problem_of_a_stack() -> None:
    p_yx1, p_yx2, _ = stack_of_gates((4, 4, 4))
    seen = []
    stack = solve_scaling_stack(p_yx1, p_yx2, tol=1e-9, max_iter=40, progress=lambda *news: seen.append(news))
    assert {candidate.status for candidate in stack} == {"converged", "max_iter"}
    for candidate, *tables in zip(stack, p_yx1, p_yx2, strict=True):
        assert (candidate.status == "converged") == (candidate.gap <= 1e-9)
        assert candidate.iterations in (0, 30, 40)
        assert candidate.status == "converged" or candidate.iterations == 40
        check_certificate(candidate, *tables)
    assert [iteration for iteration, _ in seen] == [0, 30, 40]
    assert seen[-1][1] == max(candidate.gap for candidate in stack)


def test_warm_starts_of_a_stack() -> None:
    p_yx1, p_yx2 = awkward_stack(8)
    cold = solve_scaling_stack(p_yx1, p_yx2, tol=1e-7)
    start: Any = tuple(np.stack([getattr(candidate, name) for candidate in cold]) for name in ("lam", "mu", "weights"))
    warm = solve_scaling_stack(p_yx1, p_yx2, tol=1e-7, init=start)
    assert all(candidate.status == "converged" for candidate in warm)
    assert sum(c.iterations for c in warm) < 0.7 * sum(c.iterations for c in cold)


@pytest.mark.parametrize("device", DEVICES)
def test_the_door_returns_tensors_where_tensors_came_in(device: str) -> None:
    solver = "scaling" if device == "cpu" else "auto"
    p = random_joint(np.random.default_rng(2), (3, 4, 5), "zero-mass symbol")
    p_yx1, p_yx2 = pair_marginals(p)
    expected = solve_broja(p_yx1, p_yx2, solver="scaling", tol=1e-7)
    tensors = [torch.tensor(table, device=device) for table in (p_yx1, p_yx2)]
    found: Any = solve_broja(*tensors, solver=solver, tol=1e-7)  # type: ignore[arg-type]
    assert found.report.solver == "scaling"
    assert found.redundancy == pytest.approx(expected.redundancy, abs=2e-7)
    for name in ("redundancy", "unique_1", "unique_2", "lower", "upper"):
        assert type(getattr(found, name)) is float
    for name in ("lam", "mu", "weights"):
        part = getattr(found, name)
        assert (part.dtype, part.device.type) == (torch.float64, device)
        assert tuple(part.shape) == getattr(expected, name).shape
    assert torch.isneginf(found.lam)[tensors[0] == 0.0].all()
    np.testing.assert_allclose(host(found.coupling()).sum(2), p_yx1, atol=1e-12)
    np.testing.assert_allclose(host(found.coupling()).sum(1), p_yx2, atol=1e-12)
    again = solve_broja(*tensors, solver=solver, tol=1e-7, init=found.start)  # type: ignore[arg-type]
    assert again.report.iterations <= found.report.iterations
    assert isinstance(solve_broja(*tensors, solver=solver, tol=1e-7, init=expected.start).lam, torch.Tensor)  # type: ignore[arg-type]


def test_other_dtypes_are_promoted_and_then_checked_as_arrays_are() -> None:
    half = torch.eye(2, dtype=torch.float32) / 2  # halves are exact in float32
    assert solve_broja(half, half, solver="scaling").lam.dtype == torch.float64
    third = torch.full((1, 3), 1 / 3, dtype=torch.float32)  # sums to 1 + 3e-8, which is the rounding of float32
    assert solve_broja(third, third, solver="scaling").mi_1 == pytest.approx(0.0, abs=1e-12)
    with pytest.raises(InputError, match=r"p_yx1 sums to 1\.00000\d+, not 1; divide it by its sum first .* float64"):
        solve_broja(third * (1 + 1e-6), third, solver="scaling")


def test_what_the_door_refuses() -> None:
    table = torch.eye(2, dtype=torch.float64) / 2
    with pytest.raises(InputError, match="must be tensors on one device: p_yx1 is on cpu, p_yx2 is a ndarray"):
        solve_broja(table, table.numpy(), solver="scaling")
    with pytest.raises(InputError, match="p_yx1 is on cpu, p_yx2 is on meta"):
        solve_broja(table, table.to("meta"), solver="scaling")
    assert solve_broja(table.clone().requires_grad_(), table, solver="scaling").redundancy == pytest.approx(1.0)
    with pytest.raises(InputError, match="init must be"):
        solve_broja(table, table, solver="scaling", init=(table, table))  # type: ignore[arg-type]
    rng = np.random.default_rng(0)
    pair = [torch.tensor(part) for part in pair_marginals(random_joint(rng, (3, 4, 5)))]
    with pytest.raises(SolverError, match="'scaling' ended with status 'max_iter'"):
        solve_broja(*pair, solver="scaling", tol=1e-9, max_iter=2)


def test_solvers_for_arrays_read_tensors_of_the_host_as_arrays() -> None:
    table = torch.eye(2, dtype=torch.float64) / 2
    for solver in ("auto", "interior-point"):
        assert isinstance(solve_broja(table, table, solver=solver).lam, np.ndarray)


def test_torch_is_left_as_it_was() -> None:
    state, dtype = torch.get_rng_state(), torch.get_default_dtype()
    table = torch.eye(2, dtype=torch.float64) / 2
    solve_broja(table, table, solver="scaling")
    assert torch.equal(state, torch.get_rng_state())
    assert torch.get_default_dtype() == dtype
