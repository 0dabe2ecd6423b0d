"""Enumerated rays against column generation, two roads to one value."""

from collections.abc import Iterator

import numpy as np
import pytest
from scipy.optimize import linprog

from pidkit.intersection.blackwell import blackwell_cone
from pidkit.intersection.column_generation import generate_columns
from pidkit.intersection.cone import Cone
from pidkit.intersection.coordinates import find_coordinates
from pidkit.intersection.griffith_ho import griffith_ho_cone
from pidkit.intersection.rays import enumerate_rays, split_over_rays
from tests.intersection.joints import TABLE, dirichlet

SHAPES = [(2, 2, 2), (2, 2, 3), (3, 2, 3), (2, 3, 3)]


def cones() -> Iterator[Cone]:
    for shape in SHAPES:
        for seed in range(2):
            p = dirichlet(shape, seed)
            yield griffith_ho_cone(p).cone
            yield blackwell_cone([p.sum(2), p.sum(1)])
    for name in ("AND", "correlated UNQ1", "ImperfectRDN"):
        yield griffith_ho_cone(TABLE[name].p).cone


@pytest.mark.parametrize("cone", list(cones()))
def test_rays_and_column_generation_agree_with_scipy(cone: Cone) -> None:
    coordinates = find_coordinates(cone)
    rays = enumerate_rays(coordinates)
    assert rays is not None
    # The slow twin: SciPy's linear program over all rays and all rows.
    twin = linprog(-cone.information(rays), A_eq=rays.T, b_eq=cone.total)
    assert twin.fun is not None
    by_rays = split_over_rays(cone, coordinates, rays)
    by_columns = generate_columns(cone, coordinates, tol=1e-10)
    for split in (by_rays, by_columns):
        assert split is not None
        assert split.lower == pytest.approx(-twin.fun, abs=1e-9)
        assert -1e-12 <= split.upper - split.lower <= 1e-9
        np.testing.assert_allclose(split.parts.sum(0), cone.total, atol=1e-9)
        np.testing.assert_allclose(split.parts @ cone.equalities.T, 0.0, atol=1e-9)
        assert cone.information(split.parts).sum() == pytest.approx(split.lower, abs=1e-12)


def test_rays_cannot_be_split_further() -> None:
    cone = griffith_ho_cone(dirichlet((2, 3, 3), 0)).cone
    rays = enumerate_rays(find_coordinates(cone))
    assert rays is not None
    np.testing.assert_allclose(rays @ cone.equalities.T, 0.0, atol=1e-10)
    for ray in rays:
        support = ray > 1e-9
        assert support.sum() - np.linalg.matrix_rank(cone.equalities[:, support], tol=1e-8) == 1


def test_limits() -> None:
    cone = griffith_ho_cone(dirichlet((2, 3, 3), 0)).cone
    coordinates = find_coordinates(cone)
    assert enumerate_rays(coordinates, max_rays=50) is None
    single = find_coordinates(griffith_ho_cone(TABLE["XOR"].p).cone)
    rays = enumerate_rays(single)
    assert rays is not None
    np.testing.assert_allclose(np.abs(rays), rays)


def test_missed_rays_are_noticed() -> None:
    cone = griffith_ho_cone(dirichlet((2, 2, 2), 0)).cone
    coordinates = find_coordinates(cone)
    rays = enumerate_rays(coordinates)
    assert rays is not None
    assert split_over_rays(cone, coordinates, rays[:2]) is None  # they cannot make up the total
    whole = split_over_rays(cone, coordinates, rays)
    assert whole is not None
    for missing in range(len(rays)):
        split = split_over_rays(cone, coordinates, np.delete(rays, missing, axis=0))
        if split is not None:  # pricing makes the bound hold all the same
            assert split.upper >= whole.lower - 1e-10


@pytest.mark.slow
def test_all_rays_of_a_three_by_three_joint() -> None:
    cone = griffith_ho_cone(dirichlet((3, 3, 3), 0)).cone
    coordinates = find_coordinates(cone)
    rays = enumerate_rays(coordinates, max_rays=50_000)
    assert rays is not None
    assert len(rays) == 18481
    split = split_over_rays(cone, coordinates, rays)
    assert split is not None
    assert split.lower == pytest.approx(generate_columns(cone, coordinates, tol=1e-10).lower, abs=1e-9)
