"""Double description against a slow twin that tries every set of tight inequalities."""

from itertools import combinations

import numpy as np
import pytest

from pidkit.intersection.double_description import DoubleDescription


def rays_by_brute_force(inequalities: np.ndarray) -> np.ndarray:
    """Return the unit extreme rays of {x : inequalities @ x >= 0}: solve every d - 1 inequalities for a line."""
    dimension = inequalities.shape[1]
    rays: list[np.ndarray] = []
    for chosen in combinations(range(len(inequalities)), dimension - 1):
        _, size, basis = np.linalg.svd(inequalities[list(chosen)])
        if len(size) < dimension - 1 or size[-1] < 1e-9:
            continue
        for ray in (basis[-1], -basis[-1]):
            if (inequalities @ ray >= -1e-9).all() and not any(np.allclose(ray, other, atol=1e-7) for other in rays):
                rays.append(ray)
    return np.array(rays)


def same_rays(first: np.ndarray, second: np.ndarray) -> None:
    """Assert that two sets of unit rays are the same in any order."""
    assert len(first) == len(second)
    assert (np.abs(first[:, None] - second[None]).max(-1).min(1) < 1e-7).all()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("dimension", "n"), [(2, 5), (3, 7), (4, 8), (5, 9)])
def test_random_cones(dimension: int, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    inequalities = rng.normal(size=(n, dimension))
    inequalities *= np.where(inequalities @ rng.normal(size=dimension) > 0.0, 1.0, -1.0)[:, None]
    same_rays(DoubleDescription.from_inequalities(inequalities).rays, rays_by_brute_force(inequalities))


def test_degenerate_cube() -> None:
    cube = np.vstack([np.column_stack([np.eye(3), np.zeros(3)]), np.column_stack([-np.eye(3), np.ones(3)])])
    cone = DoubleDescription.from_inequalities(cube)
    same_rays(cone.rays, rays_by_brute_force(cube))
    # Through four corners of the cube and on, then an inequality that nothing violates.
    plane = np.array([1.0, -1.0, 0.0, 0.0])
    assert cone.add(plane) is not None
    same_rays(cone.rays, rays_by_brute_force(np.vstack([cube, plane])))
    assert cone.add(np.array([1.0, 1.0, 0.0, 0.0])) is None


def test_limit_on_rays_stops_early() -> None:
    inequalities = np.vstack([np.eye(6), 1.0 - 2.0 * np.eye(6)])
    whole = DoubleDescription.from_inequalities(inequalities)
    assert len(DoubleDescription.from_inequalities(inequalities, max_rays=7).rays) < len(whole.rays)
