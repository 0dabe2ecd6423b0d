"""The pieces of one step against numpy, and the corrector against the exact equations."""

from typing import Any

import numpy as np
import pytest

from pidkit.pid.solvers._kernels.arrays import Side, State, Step, Tables
from pidkit.pid.solvers._kernels.steps import (
    LARGEST_BEND,
    LEAST_SHARE,
    complementarity_after,
    first_order_side,
    lower_idle_cells,
    measure_pairs,
    pair_shares,
    pair_steps,
    second_order_side,
    what_is_left,
)


def state(
    seed: int, *, inactive: bool = True
) -> tuple[np.random.Generator, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Random pi, active, w, g on 3 x 4 pairs and 5 classes."""
    rng = np.random.default_rng(seed)
    pi, w, g = rng.dirichlet(np.ones(5), size=(3, 4)), rng.random((3, 4)), rng.random((3, 4))
    active = np.ones((3, 4), bool)
    if inactive:
        active[1, 2] = False
        pi[1, 2], w[1, 2], g[1, 2] = 0.0, 0.0, 1.0
    return rng, pi, active, w, g


ZERO1, ZERO2, ZERO = np.zeros((3, 5)), np.zeros((4, 5)), np.zeros((3, 4))
"""For what a kernel does not read."""


def state_of(active: Any, w: Any, g: Any, lam: Any = ZERO1, mu: Any = ZERO2) -> Any:
    """The state of pairs alone."""
    return State(active, lam, mu, w, g)


def test_measuring_raises_slacks_and_prices_potentials() -> None:
    rng, _, active, w, g = state(0)
    h, mass = rng.normal(size=(3, 4)) * active, rng.random(3)
    before, kappa, rg = g.copy(), np.zeros((3, 4)), np.zeros((3, 4))
    complementarity, price = measure_pairs(state_of(active, w, g), h, mass, kappa, rg)
    np.testing.assert_array_equal(g, np.where(active, np.maximum(before, -h), 1.0))
    np.testing.assert_allclose(complementarity, (w * g).sum())
    np.testing.assert_allclose(price, mass @ np.maximum(h.max(1), 0.0))
    np.testing.assert_allclose(kappa, np.where(active, w * (1.0 / g - 1.0), 0.0), rtol=1e-12)
    np.testing.assert_allclose(rg, np.where(active, -(g + h), 0.0))


def test_the_predictor_aims_at_zero() -> None:
    rng, pi, active, w, g = state(1)
    rg, r1, r2 = rng.normal(size=(3, 4)) * active, rng.normal(size=(3, 5)), rng.normal(size=(4, 5))
    rc, b1, b2 = np.zeros((3, 4)), np.empty((3, 5)), np.empty((4, 5))
    first_order_side(pi, state_of(active, w, g), Side(r1, r2, rg, rc, b1, b2))
    np.testing.assert_allclose(rc, -w * g)
    change = ((rc - w * rg) / g)[..., None] * pi
    np.testing.assert_allclose(b1, r1 - change.sum(1), rtol=1e-12)
    np.testing.assert_allclose(b2, r2 - change.sum(0), rtol=1e-12)


def exact(lam: np.ndarray, mu: np.ndarray, w: np.ndarray, g: np.ndarray) -> np.ndarray:
    """The marginals of w pi, g + h, and w g."""
    exponent = lam[:, None] + mu[None]
    h = np.logaddexp.reduce(exponent, axis=2)
    q = w[..., None] * np.exp(exponent - h[..., None])
    return np.concatenate([q.sum(1).ravel(), q.sum(0).ravel(), (g + h).ravel(), (w * g).ravel()])


def test_the_corrector_holds_what_a_small_step_leaves_out_to_second_order() -> None:
    """Twin: the exact equations at a step, less their linear part; what remains is of third order."""
    rng, pi, active, w, g = state(2, inactive=False)
    lam, mu = rng.normal(size=(3, 5)), rng.normal(size=(4, 5))
    pi = np.exp(lam[:, None] + mu[None])
    pi /= pi.sum(2, keepdims=True)
    zero1, zero2, zero = np.zeros((3, 5)), np.zeros((4, 5)), np.zeros((3, 4))
    direction = rng.normal(size=(3, 5)), rng.normal(size=(4, 5)), rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
    errors = []
    for size in (1e-2, 5e-3):
        d1, d2, dw, dg = (size * part for part in direction)
        dh = (pi * (d1[:, None] + d2[None])).sum(2)
        rg, rc, b1, b2 = zero.copy(), zero.copy(), zero1.copy(), zero2.copy()
        side, predicted = Side(zero1, zero2, rg, rc, b1, b2), Step(d1, d2, d1, dh, dg, dw)
        second_order_side(pi, state_of(active, w, g), side, predicted, zero, 0.0, 1.0)
        rc += w * g  # the part that is not a correction
        change = ((rc - w * g - w * rg) / g)[..., None] * pi  # what eliminating dw puts into b1 and b2
        told = np.concatenate([-(b1 + change.sum(1)).ravel(), -(b2 + change.sum(0)).ravel(), -rg.ravel(), -rc.ravel()])
        centred = d1[:, None] + d2[None] - dh[..., None]
        linear = dw[..., None] * pi + w[..., None] * pi * centred
        parts = [linear.sum(1).ravel(), linear.sum(0).ravel(), (dg + dh).ravel(), (dw * g + w * dg).ravel()]
        left = exact(lam + d1, mu + d2, w + dw, g + dg) - exact(lam, mu, w, g) - np.concatenate(parts)
        assert np.abs(left).max() > 10.0 * np.abs(left - told).max()
        errors.append(np.abs(left - told).max())
    assert 6.0 < errors[0] / errors[1] < 10.0  # a third power: 8


def test_the_corrector_aims_at_its_target_shared_out_and_takes_its_share_of_what_is_left_out() -> None:
    """Nothing of it where the step is to stay where it is: a predictor that aims elsewhere has nothing to say there."""
    rng, pi, active, w, g = state(6)
    d1, d2, dw, dg = (rng.normal(size=shape) for shape in ((3, 5), (4, 5), (3, 4), (3, 4)))
    dh, omega = (pi * (d1[:, None] + d2[None])).sum(2), rng.random((3, 4))
    for share in (0.0, 0.3):
        rg, rc, b1, b2 = np.zeros((3, 4)), np.zeros((3, 4)), np.empty((3, 5)), np.empty((4, 5))
        side, predicted = Side(ZERO1, ZERO2, rg, rc, b1, b2), Step(d1, d2, d1, dh, dg, dw)
        second_order_side(pi, state_of(active, w, g), side, predicted, omega, 0.7, share)
        np.testing.assert_allclose(rc[active], (0.7 * omega - w * g - share * dw * dg)[active], rtol=1e-12)
        assert np.any(rg) == (share > 0.0)
        if share == 0.0:
            change = (rc / g)[..., None] * pi
            np.testing.assert_allclose(b1, -change.sum(1), rtol=1e-12)
            np.testing.assert_allclose(b2, -change.sum(0), rtol=1e-12)


def test_complementarity_is_shared_out_by_the_mass_that_pairs_have_when_independent_given_y() -> None:
    rng = np.random.default_rng(7)
    p1, p2 = rng.random((3, 5)), rng.random((4, 5))
    p1[1, :3] = p2[2, 3:] = p1[:, 4] = p2[:, 4] = 0.0  # one pair without a common y, and a y without mass
    p2[0] *= 1e-20
    active = (p1 > 0.0).astype(float) @ (p2 > 0.0).T > 0.0
    assert not active.all()
    omega = np.full((3, 4), 7.0)
    pair_shares(Tables(p1, p2), active, omega, np.empty(5))
    p_y = p1.sum(0)
    expected = np.maximum((p1 / np.where(p_y > 0.0, p_y, 1.0)) @ p2.T, LEAST_SHARE) * active
    np.testing.assert_allclose(omega, expected / expected[active].mean(), rtol=1e-12)


def log_sums(lam: np.ndarray, mu: np.ndarray) -> np.ndarray:
    return np.logaddexp.reduce(lam[:, None] + mu[None], axis=2)


def lower_in(p1: Any, p2: Any, active: Any, g: Any, lam: Any, mu: Any) -> Any:
    """Return `lower_idle_cells` for h and a price."""
    return lambda h, price: lower_idle_cells(Tables(p1, p2), state_of(active, ZERO, g, lam, mu), h, price, np.empty(4))


def test_a_broken_constraint_is_mended_by_potentials_of_little_mass_and_by_no_others() -> None:
    """Pair (1, 2) is broken; lam[1, 0] and mu[2, 3] have next to no mass, and together most of its pi."""
    rng = np.random.default_rng(8)
    p1, p2 = rng.uniform(0.1, 1.0, (3, 4)), rng.uniform(0.1, 1.0, (4, 4))
    p1[1, 0], p2[2, 3] = 1e-14, 1e-15
    lam, mu = rng.normal(size=(3, 4)) - 4.0, rng.normal(size=(4, 4))
    lam[1, 0] += 4.0
    lam[1] -= log_sums(lam, mu)[1, 2]  # h = 0
    lam[1] += 1e-3
    h, g, active = log_sums(lam, mu), rng.uniform(1e-6, 1e-5, (3, 4)), np.zeros((3, 4), bool)
    active[1, 2] = active[0, 0] = True
    lower = lower_in(p1, p2, active, g, lam, mu)
    before = lam.copy(), mu.copy()
    assert not lower(h, 1e-19)  # it would cost more than that
    np.testing.assert_array_equal(lam, before[0])
    assert lower(h, 1e-15)
    assert log_sums(lam, mu)[1, 2] == pytest.approx(-g[1, 2], rel=1e-6)
    moved = lam != before[0]
    assert moved.sum() == 1
    assert moved[1, 0]
    assert set(zip(*np.nonzero(mu != before[1]), strict=True)) <= {(2, 3)}
    assert (lam <= before[0]).all()
    assert (mu <= before[1]).all()
    assert not lower_idle_cells(
        Tables(p1, p2), state_of(active, ZERO, g, lam, mu), log_sums(lam, mu), 1e-15, np.empty(4)
    )


def test_potentials_with_mass_stay_although_a_constraint_is_broken() -> None:
    rng = np.random.default_rng(9)
    p1, p2 = rng.uniform(0.1, 1.0, (3, 4)), rng.uniform(0.1, 1.0, (4, 4))
    lam, mu = rng.normal(size=(3, 4)), rng.normal(size=(4, 4))
    before = lam.copy(), mu.copy()
    g, active = np.full((3, 4), 1e-3), np.ones((3, 4), bool)
    lower = lower_in(p1, p2, active, g, lam, mu)
    assert not lower(log_sums(lam, mu), 1e-12)
    np.testing.assert_array_equal(lam, before[0])
    np.testing.assert_array_equal(mu, before[1])


def test_the_curvature_of_a_wild_step_is_bounded() -> None:
    _, pi, active, w, g = state(3)
    wild = np.full((3, 5), 1e6) * np.array([1.0, -1.0, 1.0, -1.0, 1.0])
    rg, rc, b1, b2, zero = np.zeros((3, 4)), np.zeros((3, 4)), np.empty((3, 5)), np.empty((4, 5)), np.zeros((3, 4))
    side, predicted = Side(ZERO1, ZERO2, rg, rc, b1, b2), Step(wild, ZERO2, wild, zero, zero, zero)
    second_order_side(pi, state_of(active, w, g), side, predicted, zero, 0.0, 1.0)
    assert np.abs(rg).max() <= 0.5 * LARGEST_BEND**2 * (1.0 + 1e-12)
    np.testing.assert_allclose(rg[active], -0.5 * LARGEST_BEND**2)


def test_steps_stop_short_of_the_boundary_and_solve_their_equations() -> None:
    rng, _, active, w, g = state(4)
    rg, rc, dh = (rng.normal(size=(3, 4)) * active for _ in range(3))
    dg, dw = np.zeros((3, 4)), np.zeros((3, 4))
    step_w, step_g = pair_steps(
        state_of(active, w, g), Side(ZERO1, ZERO2, rg, rc, ZERO1, ZERO2), Step(ZERO1, ZERO2, ZERO1, dh, dg, dw), 0.9
    )
    np.testing.assert_allclose(dg + dh, rg, atol=1e-14)
    np.testing.assert_allclose(g * dw + w * dg, rc, atol=1e-13)
    for x, dx, step in ((w, dw, step_w), (g, dg, step_g)):
        down = active & (dx < 0.0)
        np.testing.assert_allclose(step, min(1.0, (-0.9 * x[down] / dx[down]).min()))
    after = ((w + step_w * dw) * (g + step_g * dg)).sum()
    found = complementarity_after(state_of(active, w, g), Step(ZERO1, ZERO2, ZERO1, dh, dg, dw), step_w, step_g)
    np.testing.assert_allclose(found, after)


def test_what_is_left_of_a_right_hand_side() -> None:
    b, done = np.array([[1.0, -2.0], [0.5, 0.0]]), np.array([[0.5, -1.0], [1.0, 0.0]])
    assert what_is_left(b, done) == 2.0
    np.testing.assert_array_equal(b, [[0.5, -1.0], [-0.5, 0.0]])
