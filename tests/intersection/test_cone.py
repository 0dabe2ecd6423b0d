"""The cone of a common symbol: phi, its parts, its coordinates."""

import numpy as np
import pytest

from pidkit.errors import InputError
from pidkit.intersection.cone import pointwise_information, refuse_tiny_masses
from pidkit.intersection.coordinates import find_coordinates
from pidkit.intersection.griffith_ho import griffith_ho_cone
from tests.intersection.joints import TABLE, dirichlet


def test_phi_is_homogeneous_convex_and_zero_at_the_prior() -> None:
    rng = np.random.default_rng(0)
    p_y = rng.dirichlet(np.ones(4))
    u, v = rng.random((2, 50, 4))
    phi = pointwise_information(u, p_y)
    np.testing.assert_allclose(pointwise_information(3.0 * u, p_y), 3.0 * phi)
    assert (pointwise_information(u + v, p_y) <= phi + pointwise_information(v, p_y) + 1e-12).all()
    assert pointwise_information(p_y, p_y) == pytest.approx(0.0, abs=1e-15)
    np.testing.assert_array_equal(pointwise_information(np.array([[0.0, -1e-18]]), np.array([0.5, 0.5])), [0.0])


def test_parts_follow_the_components_of_the_sources() -> None:
    cone = griffith_ho_cone(TABLE["RDNUNQXOR"].p).cone
    pieces = cone.split()
    assert len(pieces) == 2
    assert sum(piece.mass for _, piece in pieces) == pytest.approx(1.0)
    np.testing.assert_array_equal(np.sort(np.concatenate([index for index, _ in pieces])), np.arange(len(cone.total)))


def test_coordinates_determine_the_rest() -> None:
    cone = griffith_ho_cone(dirichlet((3, 3, 3), 0)).cone
    coordinates = find_coordinates(cone)
    assert (coordinates.dimension, coordinates.n_posterior) == (15, 3)
    np.testing.assert_allclose(cone.equalities @ coordinates.null_space, 0.0, atol=1e-12)
    assert np.linalg.matrix_rank(coordinates.equalities) == len(coordinates.equalities)
    assert np.linalg.matrix_rank(coordinates.null_space[coordinates.free]) == coordinates.dimension
    point = coordinates.null_space @ np.random.default_rng(0).normal(size=15)
    np.testing.assert_allclose(coordinates.basis @ (coordinates.to_x @ point), cone.to_target @ point, atol=1e-12)


def test_masses_near_rounding_are_refused() -> None:
    refuse_tiny_masses(np.array([0.0, 1e-11, 1.0]))
    with pytest.raises(InputError, match=r"p holds a mass of 2\.0e-13, below 1e-12"):
        refuse_tiny_masses(np.array([0.0, 2e-13, 1.0]))
