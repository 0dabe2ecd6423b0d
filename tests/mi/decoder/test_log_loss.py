"""The log loss of a softmax: scipy's value and slope, and no overflow."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from pidkit.mi.decoder.log_loss import log_loss


@pytest.mark.parametrize("loud", [1.0, 1e4])
def test_value_and_slope_are_scipys(loud: float) -> None:
    rng = np.random.default_rng(0)
    logits, labels = loud * rng.normal(size=(50, 4)), rng.integers(4, size=50)
    loss, slope = log_loss(logits.T.copy(), labels)
    assert loss == pytest.approx(-log_softmax(logits, axis=1)[np.arange(50), labels].mean(), rel=1e-12)
    assert np.abs(slope.T - (softmax(logits, axis=1) - np.eye(4)[labels])).max() < 1e-12
