"""The risk of a student by its teacher's and their divergence: R_S <= R_T + E TV(p_T, p_S) <= R_T + sqrt(E KL / 2).

For a loss in [0, 1] of answers that are drawn from p(y|x); Pinsker's inequality and Jensen's.
"""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pidkit.types import FloatArray


def risk_and_bounds(p: FloatArray, teacher: FloatArray, student: FloatArray) -> tuple[float, float, float, float]:
    """R_S, R_T, E TV and E KL(teacher || student) for P(x, y) and answers P(y|x), the loss being that of an error."""
    p_x = p.sum(1)
    risks = [1.0 - float((p * answers).sum()) for answers in (student, teacher)]
    distance = 0.5 * float((p_x * np.abs(teacher - student).sum(1)).sum())
    # Rounding may leave a divergence of -1e-17.
    divergence = max(float((p_x[:, None] * teacher * np.log(teacher / student)).sum()), 0.0)
    return risks[0], risks[1], distance, divergence


def tables(seed: int, sharpness: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """A joint of 6 inputs and 4 labels, and two tables of answers."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(24, 0.5)).reshape(6, 4)
    logits = sharpness * rng.normal(size=(2, 6, 4))
    answers = np.exp(logits) / np.exp(logits).sum(2, keepdims=True)
    return p, answers[0], answers[1]


@settings(max_examples=50)
@given(st.integers(0, 10**6), st.floats(0.0, 8.0))
def test_both_bounds_hold(seed: int, sharpness: float) -> None:
    r_s, r_t, distance, divergence = risk_and_bounds(*tables(seed, sharpness))
    assert r_s <= r_t + distance + 1e-12
    assert distance <= np.sqrt(0.5 * divergence) + 1e-12


def test_the_first_is_attained_and_the_second_is_loose() -> None:
    """A student that moves all its mass from right answers to wrong ones attains the first bound."""
    p = np.array([[1.0, 0.0]])
    r_s, r_t, distance, divergence = risk_and_bounds(p, np.array([[0.9, 0.1]]), np.array([[0.4, 0.6]]))
    assert np.isclose(r_s - r_t, 0.5)
    assert np.isclose(distance, 0.5)
    assert 0.5 < np.sqrt(0.5 * divergence) < 0.55
    gaps = [risk_and_bounds(*tables(seed, 2.0)) for seed in range(200)]
    loss, bound = (float(np.mean(x)) for x in zip(*[(s - t, np.sqrt(0.5 * d)) for s, t, _, d in gaps], strict=True))
    # Random answers change the risk by nothing on average, where the bound allows for most of what there is.
    assert abs(loss) < 0.05
    assert bound > 0.7
