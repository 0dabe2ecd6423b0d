"""float32 in the early iterations: the same certified answers, never where its range or digits do not suffice."""

import numpy as np
import pytest
import torch

from pidkit import InputError
from pidkit.joint import pair_marginals
from pidkit.pid.solvers.problem import is_sparse
from pidkit.pid.solvers.scaling import precision as module
from pidkit.pid.solvers.scaling import weight_ascent
from pidkit.pid.solvers.scaling.precision import starts_single
from pidkit.pid.solvers.scaling.solver import solve_scaling, solve_scaling_stack
from tests.pid.solvers.scaling.test_solver import check_certificate, dirichlet_pair, kept_marginals
from tests.pid.strategies import random_joint


@pytest.fixture
def dtypes(monkeypatch):
    """The precision of the weights at every certificate."""
    seen = []
    certify = weight_ascent.WeightAscent.certify

    def record(self, iteration):
        certify(self, iteration)
        seen.append(str(self.weights.dtype).removeprefix("torch."))

    monkeypatch.setattr(weight_ascent.WeightAscent, "certify", record)
    return seen


@pytest.mark.parametrize("kind", ["dense", "peaked", "sparse", "deterministic", "duplicated", "counts"])
@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_mixed_precision_certifies_the_same(kind, library):
    tables = kept_marginals(random_joint(np.random.default_rng(1), (4, 6, 5), kind))
    double = solve_scaling(*tables, tol=1e-8, precision="double")
    given = tables if library == "numpy" else map(torch.tensor, tables)
    mixed = solve_scaling(*given, tol=1e-8, precision="mixed")
    assert double.status == mixed.status == "converged"
    assert mixed.gap <= 1e-8
    assert double.lower.value <= mixed.upper.value
    assert mixed.lower.value <= double.upper.value
    if library == "numpy":
        check_certificate(mixed, *tables)
    assert {str(x.dtype).removeprefix("torch.") for x in (mixed.lam, mixed.weights, mixed.upper.w)} == {"float64"}


def test_large_problems_count_in_float32_until_the_gap_is_near_its_rounding(dtypes):
    tables = dirichlet_pair(np.random.default_rng(0), 60, 50, 50)
    loose = solve_scaling(*tables, tol=1e-5)
    assert loose.status == "converged"
    assert set(dtypes) == {"float32"}
    assert loose.upper.marginal_residual < 1e-15
    dtypes.clear()
    tight = solve_scaling(*tables, tol=1e-8)
    assert tight.status == "converged"
    switch = dtypes.index("float64")
    assert dtypes == ["float32"] * switch + ["float64"] * (len(dtypes) - switch)
    assert switch > 2
    double = solve_scaling(*tables, tol=1e-8, precision="double")
    assert tight.iterations <= 1.25 * double.iterations


@pytest.mark.parametrize("precision", ["auto", "double"])
def test_small_problems_never_do_unasked(dtypes, precision):
    solve_scaling(*pair_marginals(random_joint(np.random.default_rng(1), (4, 6, 5))), tol=1e-4, precision=precision)
    assert set(dtypes) == {"float64"}


def test_masses_that_float32_cannot_hold_start_in_float64(dtypes):
    first = np.array([[0.5, 1e-25], [0.25, 0.25]])
    second = np.array([[0.25, 0.25], [0.25, 0.25]])
    assert not starts_single(first[None], second[None], precision="mixed")
    assert starts_single(second[None], second[None], precision="mixed")
    light = np.array([[0.5, 1e-12], [0.5, 1e-12]])
    assert not starts_single(second[None], light[None], precision="mixed")  # P(x) P(x) exp(-35) would underflow
    found = solve_scaling(first / first.sum(), second / second.sum(), tol=1e-9, precision="mixed")
    assert found.status == "converged"
    assert set(dtypes) == {"float64"}


def test_what_runs_out_of_range_all_the_same_is_begun_anew(monkeypatch, dtypes):
    monkeypatch.setattr(module, "SMALLEST_MASS", 0.0)
    monkeypatch.setattr(module, "SMALLEST_SYMBOL", 0.0)
    p = random_joint(np.random.default_rng(4), (3, 4, 4))
    p[:, 0] *= 1e-60
    tables = pair_marginals(p / p.sum())
    state = np.geterr()
    found = solve_scaling(*tables, tol=1e-9, precision="mixed")
    assert found.status == "converged"
    assert set(dtypes) == {"float64"}
    assert np.geterr() == state
    check_certificate(found, *tables)


def test_sparse_tables_stay_in_float64():
    rng = np.random.default_rng(0)
    dense = dirichlet_pair(rng, 60, 50, 50)
    counts = [rng.multinomial(300, p.ravel()).reshape(p.shape) / 300 for p in dense]
    assert not is_sparse(*dense)
    assert is_sparse(*counts)
    assert is_sparse(dense[0], counts[1])
    assert is_sparse(counts[0], dense[1])
    assert starts_single(*(p[None] for p in dense), precision="auto")
    assert not starts_single(*(p[None] for p in counts), precision="auto")


def test_a_stack_changes_over_together_and_warm_starts_work():
    rng = np.random.default_rng(2)
    pairs = [dirichlet_pair(rng, 12, 10, 9) for _ in range(4)]
    stacks = [np.stack([pair[k] for pair in pairs]) for k in (0, 1)]
    mixed = solve_scaling_stack(*stacks, tol=1e-8, precision="mixed")
    start = tuple(np.stack([getattr(candidate, name) for candidate in mixed]) for name in ("lam", "mu", "weights"))
    again = solve_scaling_stack(*stacks, tol=1e-8, precision="mixed", init=start)
    double = solve_scaling_stack(*stacks, tol=1e-8, precision="double")
    for one, other, warm in zip(mixed, double, again, strict=True):
        assert one.status == other.status == warm.status == "converged"
        assert max(one.lower.value, warm.lower.value) <= other.upper.value
        assert other.lower.value <= min(one.upper.value, warm.upper.value)
    assert sum(c.iterations for c in again) < sum(c.iterations for c in mixed)


def test_an_unknown_precision_is_refused():
    table = np.full((2, 2), 0.25)
    with pytest.raises(InputError, match="precision must be one of 'auto', 'mixed', 'double', not 'half'"):
        solve_scaling(table, table, tol=1e-5, precision="half")


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.1, 0.01, 0.001])
def test_sources_that_almost_agree_take_few_more_iterations(noise):
    """Where float32 does not get on the phase ends: it may cost a few dozen iterations, each of half the work."""
    rng = np.random.default_rng(1)
    p_yx1 = rng.dirichlet(np.full(60 * 100, 0.3)).reshape(60, 100)
    p_yx2 = p_yx1 @ ((1.0 - noise) * np.eye(100) + noise / 100)
    mixed, double = (solve_scaling(p_yx1, p_yx2, tol=1e-7, precision=name) for name in ("mixed", "double"))
    assert mixed.status == double.status == "converged"
    assert mixed.iterations <= 1.5 * double.iterations
