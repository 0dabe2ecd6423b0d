"""`solve_broja`: what it returns is what it says, at the corners of the problem; and what it refuses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pidkit
from pidkit import solve_broja
from pidkit.info import conditional_entropy
from pidkit.joint import pair_marginals
from pidkit.types import FloatArray
from pidkit.units import NATS_PER_UNIT
from tests.pid.strategies import joints, random_joint


@settings(max_examples=100)
@given(joints())
def test_potentials_are_feasible_and_coupling_and_weights_fit_them(p: np.ndarray) -> None:
    p_yx1, p_yx2 = pair_marginals(p)
    found = solve_broja(p_yx1, p_yx2, unit="nats")
    q_given = np.exp(found.lam[:, :, None] + found.mu[:, None, :])
    assert q_given.sum(0).max() <= 1.0 + 1e-12
    assert np.isneginf(found.lam[p_yx1 == 0.0]).all()
    assert np.isfinite(found.lam[p_yx1 > 0.0]).all()
    coupling = found.coupling()
    np.testing.assert_allclose(coupling.sum(2), p_yx1, atol=1e-12)
    np.testing.assert_allclose(coupling.sum(1), p_yx2, atol=1e-12)
    np.testing.assert_allclose(coupling.sum(0), found.weights, atol=1e-14)
    for y in range(len(p)):
        np.testing.assert_array_equal(found.coupling_block(y), coupling[y])
    np.testing.assert_array_equal(found.coupling_block(-1), coupling[-1])
    # Complementary slackness: the gap is sum Q log(Q(y|x1,x2) / exp(lam + mu)), so both must agree where Q has mass.
    # Pinsker bounds the distance of the two by the square root of twice the gap.
    distance = np.abs(coupling - found.weights * q_given).sum()
    assert distance <= np.sqrt(2.0 * max(found.gap, 0.0)) + 2.0 * found.gap + 1e-9
    assert found.upper - found.lower == pytest.approx(found.gap, abs=1e-15)


def test_the_potentials_are_the_gradient() -> None:
    """dUni1/dP(y,x1) = lam, dUni1/dP(y,x2) = mu - log P(y|x2): against central differences in a random direction."""
    rng = np.random.default_rng(0)
    p = random_joint(rng, (3, 4, 5))
    first, second = pair_marginals(p)
    found = solve_broja(first, second, tol=1e-12, unit="nats")
    gradient = found.lam[:, :, None] + (found.mu - np.log(second / second.sum(0)))[:, None, :]
    direction = rng.normal(size=p.shape) * p
    direction -= direction.sum() * p
    step = 1e-4
    ahead, behind = (
        solve_broja(*pair_marginals(p + sign * step * direction), tol=1e-12, unit="nats").unique_1 for sign in (1, -1)
    )
    assert (gradient * direction).sum() == pytest.approx((ahead - behind) / (2.0 * step), abs=1e-7)


def test_a_warm_start_needs_fewer_iterations_and_finds_the_same() -> None:
    rng = np.random.default_rng(1)
    cold_total = warm_total = 0
    for _ in range(20):
        p = random_joint(rng, (5, 6, 7))
        near = 0.999 * p + 0.001 * random_joint(rng, (5, 6, 7))
        start = solve_broja(*pair_marginals(p)).start
        cold, warm = solve_broja(*pair_marginals(near)), solve_broja(*pair_marginals(near), init=start)
        assert warm.unique_1 == pytest.approx(cold.unique_1, abs=cold.gap + warm.gap)
        cold_total, warm_total = cold_total + cold.report.iterations, warm_total + warm.report.iterations
    assert warm_total < cold_total


def test_a_warm_start_that_is_a_list_or_carries_symbols_without_mass_works() -> None:
    p = np.insert(random_joint(np.random.default_rng(2), (3, 4, 5)), 1, 0.0, axis=2)
    cold = solve_broja(*pair_marginals(p))
    warm = solve_broja(*pair_marginals(p), init=tuple(part.tolist() for part in cold.start))
    assert warm.redundancy == pytest.approx(cold.redundancy, abs=cold.gap + warm.gap)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_symbols_without_mass_are_kept_as_zeros(axis: int) -> None:
    p = random_joint(np.random.default_rng(3), (3, 3, 4))
    padded = np.insert(p, [0, 2, p.shape[axis]], 0.0, axis)
    found, plain = solve_broja(*pair_marginals(padded)), solve_broja(*pair_marginals(p))
    assert found.redundancy == pytest.approx(plain.redundancy, abs=found.gap + plain.gap)
    coupling = found.coupling()
    assert coupling.shape == padded.shape
    empty = padded.sum(tuple({0, 1, 2} - {axis})) == 0.0
    np.testing.assert_array_equal(np.compress(empty, coupling, axis), 0.0)
    np.testing.assert_allclose(coupling.sum(2), padded.sum(2), atol=1e-12)
    np.testing.assert_array_equal(np.isneginf(found.lam), padded.sum(2) == 0.0)


def test_disconnected_supports_add_up() -> None:
    """Two problems on disjoint symbols, mixed: the atoms given the part, plus the part itself as redundancy."""
    rng = np.random.default_rng(4)
    parts, share = [random_joint(rng, (2, 3, 2)), random_joint(rng, (3, 2, 4))], 0.3
    p = np.zeros((5, 5, 6))
    p[:2, :3, :2], p[2:, 3:, 2:] = share * parts[0], (1.0 - share) * parts[1]
    whole, first, second = (solve_broja(*pair_marginals(q)) for q in (p, *parts))
    assert whole.unique_1 == pytest.approx(share * first.unique_1 + (1.0 - share) * second.unique_1, abs=1e-8)
    which = -share * np.log2(share) - (1.0 - share) * np.log2(1.0 - share)
    expected = which + share * first.redundancy + (1.0 - share) * second.redundancy
    assert whole.redundancy == pytest.approx(expected, abs=1e-8)


def test_a_target_that_never_varies_has_no_information() -> None:
    p = random_joint(np.random.default_rng(5), (1, 4, 3))
    found = solve_broja(*pair_marginals(p))
    assert (found.mi_1, found.redundancy, found.unique_2) == pytest.approx((0.0, 0.0, 0.0), abs=1e-12)


def test_a_hundred_classes() -> None:
    p = random_joint(np.random.default_rng(6), (100, 10, 10))
    found = solve_broja(*pair_marginals(p))
    assert found.report.solver == "interior-point"
    assert found.gap <= 1e-9
    assert found.report.marginal_residual <= 1e-12
    assert found.redundancy + found.unique_2 == pytest.approx(found.mi_2, abs=1e-12)


def test_a_tolerance_out_of_reach_is_an_error_that_says_what_to_do() -> None:
    marginals = pair_marginals(pidkit.gate("AND").joint)
    message = (
        r"^solver 'interior-point' ended with status 'max_iter' at a certified gap of \S+ bits after 2 iterations; "
        r"tol is 1e-09\. To go on: .* or pass check=False to take the result with its gap$"
    )
    with pytest.raises(pidkit.SolverError, match=message):
        solve_broja(*marginals, max_iter=2)
    taken = solve_broja(*marginals, max_iter=2, check=False)
    assert taken.report.status == "max_iter"
    assert taken.gap > taken.report.tol
    assert taken.lower <= solve_broja(*marginals).upper <= taken.upper + 1e-12


def test_a_readable_repr_and_units() -> None:
    marginals = pair_marginals(pidkit.gate("DIFF").joint)
    bits, nats = solve_broja(*marginals), solve_broja(*marginals, unit="nats")
    assert repr(bits).startswith("BROJASolution(redundancy=0.122556, unique_1=0.188722, unique_2=0.188722, unit='bits'")
    assert nats.unique_1 == pytest.approx(np.log(2.0) * bits.unique_1, abs=1e-15)
    assert nats.gap == pytest.approx(np.log(2.0) * bits.gap, abs=1e-20)
    assert (nats.lower, nats.upper) == pytest.approx((np.log(2.0) * bits.lower, np.log(2.0) * bits.upper), abs=1e-15)


@settings(max_examples=60)
@given(joints(), st.sampled_from(["bits", "nats"]), st.sampled_from(["bits", "nats"]))
def test_the_gap_is_the_distance_of_the_bounds_in_the_same_unit(p: FloatArray, asked: str, unit: str) -> None:
    # One step leaves a gap that shows: a converged one is too small to tell the units apart.
    found = solve_broja(*pair_marginals(p), max_iter=1, check=False, unit=asked).to(unit)  # type: ignore[arg-type]
    assert found.unit == found.report.unit == unit
    assert found.gap == found.report.gap == pytest.approx(found.upper - found.lower, abs=1e-15)
    assert found.unique_1 == pytest.approx(conditional_entropy(p.sum(1)) / NATS_PER_UNIT[unit] + found.upper, abs=1e-12)
    potentials = solve_broja(*pair_marginals(p), max_iter=1, check=False).start
    for kept, of_bits in zip(found.start, potentials, strict=True):
        np.testing.assert_array_equal(kept, of_bits)  # logarithms of probabilities: no unit changes them


def test_progress_is_told_the_iteration_and_the_gap() -> None:
    seen = []
    found = solve_broja(*pair_marginals(pidkit.gate("AND").joint), unit="nats", progress=lambda *a: seen.append(a))
    assert seen[-1] == (found.report.iterations, pytest.approx(found.gap, rel=1e-12))  # nats to bits and back
