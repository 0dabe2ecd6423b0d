"""The Blackwell cone and the channels read off its points."""

import numpy as np

from pidkit.intersection.blackwell import blackwell_cone, source_channels
from tests.intersection.joints import dirichlet


def test_the_total_is_in_the_cone_of_any_number_of_sources() -> None:
    p = dirichlet((3, 2, 4, 3), 0)
    pairs = [p.sum((2, 3)), p.sum((1, 3)), p.sum((1, 2))]
    for k in (1, 2, 3):
        cone = blackwell_cone(pairs[:k])
        np.testing.assert_allclose(cone.equalities @ cone.total, 0.0, atol=1e-14)
        np.testing.assert_allclose(cone.to_target @ cone.total, p.sum((1, 2, 3)))


def test_channels_sum_to_one_and_fill_unused_symbols() -> None:
    totals = [np.array([0.5, 0.0, 0.5]), np.array([0.25, 0.75])]
    masses = np.array([[0.1, 0.2, 0.05, 0.25], [0.4, 0.3, 0.2, 0.5]])
    first, second = source_channels(masses, totals)
    np.testing.assert_allclose(first, [[0.2, 0.3, 0.4], [0.8, 0.7, 0.6]])
    np.testing.assert_allclose(second.sum(0), 1.0)
