"""The Griffith-Ho cone: both Markov chains, and channels made from its points."""

import numpy as np
import pytest

from pidkit.intersection.channel import channel_information
from pidkit.intersection.coordinates import find_coordinates
from pidkit.intersection.griffith_ho import griffith_ho_cone, joint_channel
from pidkit.intersection.rays import enumerate_rays
from tests.intersection.joints import TABLE, dirichlet


@pytest.mark.parametrize("name", ["AND", "PntUnq", "RDNXOR"])
def test_the_total_is_in_the_cone(name: str) -> None:
    problem = griffith_ho_cone(TABLE[name].p)
    np.testing.assert_allclose(problem.cone.equalities @ problem.cone.total, 0.0, atol=1e-15)
    np.testing.assert_allclose(problem.cone.to_target @ problem.cone.total, problem.cone.p_y)
    assert problem.cone.mass == pytest.approx(1.0)


def test_every_ray_and_its_rest_keep_both_chains() -> None:
    p = dirichlet((2, 2, 2), 0)
    problem = griffith_ho_cone(p)
    rays = enumerate_rays(find_coordinates(problem.cone))
    assert rays is not None
    assert len(rays) == 10
    for ray in rays:
        share = (problem.cone.total / np.where(ray > 0.0, ray, 1e-300)).min()
        parts = np.array([share * ray, problem.cone.total - share * ray])
        information = channel_information(p, joint_channel(problem, np.maximum(parts, 0.0)))
        assert information.residual <= 1e-12
        assert information.target > 0.0


def test_outcomes_without_mass_get_the_marginal() -> None:
    p = TABLE["AND"].p
    problem = griffith_ho_cone(p)
    total = problem.cone.total
    channel = joint_channel(problem, np.array([0.25 * total, 0.75 * total]))
    np.testing.assert_allclose(channel[0], 0.25)
