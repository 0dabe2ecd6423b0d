"""One value of 1e9 does not decide what a critic finds."""

import numpy as np
import pytest
import torch

from pidkit.mi.neural import NeuralMI
from pidkit.mi.neural.scaling import scaling_of
from pidkit.mi.samples import FAR_OUT
from pidkit.nn import TrainingBudget


@pytest.mark.parametrize("objective", ["infonce", "nwj"])
def test_one_huge_value_is_drawn_in_and_named(objective: str) -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=(1500, 1))
    b = a + rng.normal(size=(1500, 1))
    a[17] = 1e9
    budget = TrainingBudget(learning_rate=3e-3, max_steps=150)
    found = NeuralMI(objective, budget=budget, n_surrogates=0).estimate(a, b, unit="nats")  # type: ignore[arg-type]
    assert found.value == pytest.approx(0.5 * np.log(2.0), abs=0.1)
    assert found.warnings[0].startswith("outliers: 1 of 1500 rows are more than 10 standard deviations out")


def test_scaling_is_invertible_and_as_before_near_the_middle() -> None:
    x = np.random.default_rng(0).normal(3.0, 2.0, size=(4000, 2))
    x[5, 0] = -1e12
    scaling = scaling_of(x)
    plain = (x - scaling.shift) / scaling.scale
    found = scaling.apply(x, torch.device("cpu")).numpy()
    inside = np.abs(plain) <= FAR_OUT
    np.testing.assert_allclose(found[inside], plain[inside], rtol=1e-6)
    assert scaling.far_out(x) == 1
    assert -45.0 < found[5, 0] < -10.0
    assert abs(found[inside].std() - 1.0) < 0.05
    order = np.argsort(plain[:, 0])
    assert (np.diff(found[order, 0]) >= 0.0).all()
