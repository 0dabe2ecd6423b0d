"""What a channel tells: conditional information against entropies."""

import numpy as np
import pytest

from pidkit.info import entropy
from pidkit.intersection.channel import channel_information, conditional_information
from tests.intersection.joints import TABLE, dirichlet


def test_conditional_information_by_entropies() -> None:
    p = dirichlet((2, 3, 4), 0)
    expected = entropy(p.sum(1)) + entropy(p.sum(0)) - entropy(p) - entropy(p.sum((0, 1)))
    assert conditional_information(p) == pytest.approx(expected, abs=1e-12)


def test_q_equal_to_a_source() -> None:
    p = TABLE["AND"].p
    tells_x1 = np.broadcast_to(np.eye(2)[:, None, :, None], (2, 2, 2, 2))
    information = channel_information(p, tells_x1)
    assert information.target == pytest.approx(TABLE["AND"].mmi * np.log(2.0), abs=1e-8)
    assert information.given_x1 == pytest.approx(0.0, abs=1e-15)
    assert information.residual == information.given_x2 == pytest.approx(0.5 * np.log(2.0))
