"""Gradients of the atoms from the potentials, against finite differences and Euler's identity."""

import numpy as np
import pytest

from pidkit import BROJASolution, bivariate_pid, solve_broja, solve_broja_batch
from pidkit.pid import AtomGradients, atom_gradients

NAMES = ("redundancy", "unique_1", "unique_2")


def joint(seed: int, shape: tuple[int, int, int]) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(int(np.prod(shape)))).reshape(shape)


def gradients_of(p: np.ndarray) -> tuple[BROJASolution, AtomGradients]:
    pair = p.sum(2), p.sum(1)
    found = solve_broja(*pair, tol=1e-11, unit="nats")
    return found, atom_gradients(*pair, found.lam, found.mu)


@pytest.mark.parametrize("shape", [(2, 2, 2), (3, 4, 5), (5, 3, 2), (4, 6, 6)])
@pytest.mark.parametrize("name", NAMES)
def test_directional_derivative_is_the_central_difference(shape: tuple[int, int, int], name: str) -> None:
    p = joint(sum(shape), shape)
    _, gradients = gradients_of(p)
    first, second = getattr(gradients, name)
    full = first[:, :, None] + second[:, None, :]
    rng = np.random.default_rng(1)
    step = 1e-4
    for _ in range(3):
        direction = p * rng.normal(size=shape)
        direction -= p * direction.sum()  # keeps the total mass, and moves no entry by more than a part of itself
        ends = [
            getattr(bivariate_pid((p + sign * step * direction) / (p + sign * step * direction).sum(), tol=1e-11,
                                  unit="nats"), name)
            for sign in (1.0, -1.0)
        ]  # fmt: skip
        assert (full * direction).sum() == pytest.approx((ends[0] - ends[1]) / (2.0 * step), abs=2e-7)


@pytest.mark.parametrize("name", NAMES)
def test_atoms_are_homogeneous_so_the_gradient_gives_them_back(name: str) -> None:
    p = joint(7, (4, 5, 3))
    found, gradients = gradients_of(p)
    first, second = getattr(gradients, name)
    value = (first * p.sum(2)).sum() + (second * p.sum(1)).sum()
    assert value == pytest.approx(getattr(found, name), abs=1e-10)


def test_the_gauge_of_the_potentials_does_not_matter() -> None:
    p = joint(8, (3, 4, 5))
    pair = p.sum(2), p.sum(1)
    found, before = gradients_of(p)
    shift = np.array([1.0, -2.0, 3.0])[:, None]
    after = atom_gradients(*pair, found.lam + shift, found.mu - shift)
    for name in NAMES:
        a, b = (g[0][:, :, None] + g[1][:, None, :] for g in (getattr(before, name), getattr(after, name)))
        np.testing.assert_allclose(a, b, atol=1e-12)


def test_zero_mass_has_gradient_zero_and_batches_are_the_single_ones() -> None:
    p = joint(9, (3, 4, 5))
    p[:, 1, :] = 0.0
    p[2, 2, :] = 0.0
    p /= p.sum()
    found = solve_broja_batch(p.sum(2)[None], p.sum(1)[None])
    batch = atom_gradients(p.sum(2)[None], p.sum(1)[None], found.lam, found.mu)
    for name in NAMES:
        for part, marginal in zip(getattr(batch, name), (p.sum(2), p.sum(1)), strict=True):
            assert part.shape == (1, *marginal.shape)
            assert np.isfinite(part).all()
            assert not part[0][marginal == 0.0].any()
