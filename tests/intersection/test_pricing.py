"""Exact pricing against the largest violation over all enumerated rays."""

import time

import numpy as np
import pytest

from pidkit.intersection.ascent import Climber
from pidkit.intersection.blackwell import blackwell_cone
from pidkit.intersection.coordinates import find_coordinates
from pidkit.intersection.griffith_ho import griffith_ho_cone
from pidkit.intersection.pricing import Pricer
from pidkit.intersection.rays import enumerate_rays
from tests.intersection.joints import dirichlet


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("shape", [(2, 2, 2), (2, 3, 3), (3, 2, 3), (3, 3, 2), (4, 3, 3)])
def test_the_bound_is_the_largest_violation(shape: tuple[int, int, int], seed: int) -> None:
    p = dirichlet(shape, seed)
    rng = np.random.default_rng(seed)
    for cone in (griffith_ho_cone(p).cone, blackwell_cone([p.sum(2), p.sum(1)])):
        coordinates = find_coordinates(cone)
        rays = enumerate_rays(coordinates)
        if coordinates.n_posterior == 1 or rays is None:
            continue
        points = rays / (rays @ cone.to_target.sum(0))[:, None]
        pricer, climber = Pricer(cone, coordinates), Climber(cone, coordinates)
        for _ in range(3):
            prices = 0.1 * rng.normal(size=len(cone.total))
            worth = cone.information(points) - points @ prices
            pricing = pricer.price(prices, stop=-np.inf, deadline=np.inf)
            assert pricing.is_complete
            assert pricing.bound == pytest.approx(worth.max(), abs=1e-8)
            found = cone.information(pricing.columns) - pricing.columns @ prices
            assert found.max() == pytest.approx(worth.max(), abs=1e-8)
            climbed = climber.climb_from_all(prices, points[:1] @ cone.to_target.T)
            assert (cone.information(climbed) - climbed @ prices).max() <= worth.max() + 1e-8
        assert pricer.n_programs > 0
        assert climber.n_programs > 0


def test_the_bound_holds_at_a_deadline() -> None:
    cone = griffith_ho_cone(dirichlet((2, 3, 3), 0)).cone
    coordinates = find_coordinates(cone)
    pricer = Pricer(cone, coordinates)
    prices = np.zeros(len(cone.total))
    early = pricer.price(prices, stop=0.0, deadline=time.perf_counter() - 1.0)
    assert not early.is_complete
    assert early.bound >= pricer.price(prices, stop=0.0, deadline=np.inf).bound - 1e-12
