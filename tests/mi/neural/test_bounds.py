"""The bounds: closed forms, readable twins, and the order among them on every matrix of scores."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from pidkit.mi.neural.bounds import (
    BOUNDS,
    dv,
    infonce,
    joint,
    jsd,
    jsd_of_pairs,
    mean_score,
    nwj,
    product,
    smile,
)

MATRICES = (
    st.integers(2, 7)
    .flatmap(lambda k: arrays(np.float64, (k, k), elements=st.floats(-20, 20, allow_subnormal=False)))
    .map(torch.from_numpy)
)


@given(MATRICES)
def test_nwj_is_at_most_dv(scores: torch.Tensor) -> None:
    assert nwj(scores) <= dv(scores) + 1e-9 * (1 + abs(nwj(scores)))


@given(MATRICES)
def test_infonce_is_at_most_log_k(scores: torch.Tensor) -> None:
    assert infonce(scores) <= math.log(len(scores)) + 1e-12


@given(MATRICES)
def test_the_jsd_objective_is_at_most_zero(scores: torch.Tensor) -> None:
    assert jsd(scores) <= 0


@given(MATRICES)
def test_the_jsd_objective_of_pairs_apart_is_that_of_the_matrix(scores: torch.Tensor) -> None:
    assert jsd_of_pairs(joint(scores), product(scores)) == jsd(scores)


def test_infonce_takes_further_candidates_as_negatives_of_every_row() -> None:
    # log 3 + mean of (2 - log(e^2 + e^0 + e^1)) and (1 - log(e^0 + e^1 + e^-1)).
    scores = torch.tensor([[2.0, 0.0, 1.0], [0.0, 1.0, -1.0]], dtype=torch.float64)
    by_hand = (2 - math.log(math.e**2 + 1 + math.e) + 1 - math.log(1 + math.e + 1 / math.e)) / 2
    assert infonce(scores).item() == pytest.approx(math.log(3) + by_hand, abs=1e-12)
    assert infonce(torch.cat([100 * torch.eye(2), torch.zeros(2, 6)], 1)).item() == pytest.approx(math.log(8), abs=1e-6)


@given(MATRICES, st.floats(-5, 5))
def test_dv_and_infonce_ignore_a_constant_and_nwj_is_dv_at_the_best_one(scores: torch.Tensor, constant: float) -> None:
    assert dv(scores + constant).item() == pytest.approx(dv(scores).item(), abs=1e-9)
    assert infonce(scores + constant).item() == pytest.approx(infonce(scores).item(), abs=1e-9)
    normalised = scores - (mean_score(scores) - dv(scores))
    assert nwj(normalised).item() == pytest.approx(dv(scores).item(), abs=1e-9)


@given(MATRICES, st.floats(0.1, 30))
def test_smile_is_dv_of_clipped_negatives(scores: torch.Tensor, clip: float) -> None:
    negatives = product(scores).clamp(-clip, clip)
    assert smile(scores, clip).item() == pytest.approx(
        mean_score(scores).item() - negatives.exp().mean().log().item(), abs=1e-9
    )
    assert smile(scores, 1e9).item() == pytest.approx(dv(scores).item(), abs=1e-12)


@given(MATRICES)
def test_product_is_everything_but_the_diagonal(scores: torch.Tensor) -> None:
    k = len(scores)
    others = [scores[i, j].item() for i in range(k) for j in range(k) if i != j]
    assert sorted(product(scores).tolist()) == sorted(others)
    assert joint(scores).tolist() == [scores[i, i].item() for i in range(k)]


@given(arrays(np.float64, array_shapes(min_dims=1, max_dims=2, max_side=3), elements=st.floats(-3, 3)))
def test_leading_axes_are_kept_and_do_not_mix(offsets: np.ndarray) -> None:
    base = torch.randn(4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    stacked = base * torch.from_numpy(offsets)[..., None, None]
    for bound in (jsd, *BOUNDS.values()):
        values = bound(stacked)
        assert values.shape == offsets.shape
        for index in np.ndindex(offsets.shape):
            assert values[index].item() == pytest.approx(bound(stacked[index]).item(), abs=1e-12)


def test_with_the_right_critic_they_find_the_truth() -> None:
    """T = log p(a, b) / p(a) p(b) of a Gaussian with correlation .75: I = .41334."""
    rho, rng = 0.75, np.random.default_rng(0)
    a = rng.normal(size=2000)
    b = rho * a + math.sqrt(1 - rho**2) * rng.normal(size=2000)
    x, y = a[:, None], b[None]
    ratio = -0.5 * math.log(1 - rho**2) - (rho**2 * (x**2 + y**2) - 2 * rho * x * y) / (2 * (1 - rho**2))
    scores = torch.from_numpy(ratio)
    for bound in BOUNDS.values():
        assert bound(scores).item() == pytest.approx(0.41334, abs=0.05)
    assert jsd(scores).item() < -1.0


def test_scores_that_know_nothing_give_nothing() -> None:
    zeros = torch.zeros(5, 5)
    for bound in BOUNDS.values():
        assert bound(zeros).item() == pytest.approx(0.0, abs=1e-6)
    assert jsd(zeros).item() == pytest.approx(-2 * math.log(2), abs=1e-6)


def test_they_are_differentiable_and_extreme_scores_stay_finite() -> None:
    scores = torch.full((4, 4), -300.0) + 600.0 * torch.eye(4)
    scores.requires_grad_()
    for bound in (jsd, dv, smile, infonce, mean_score, nwj):
        value = bound(scores)
        (slope,) = torch.autograd.grad(value, scores)
        assert torch.isfinite(value)
        assert torch.isfinite(slope).all()


def test_jsd_is_not_among_what_can_be_read_as_information() -> None:
    assert "jsd" not in BOUNDS
    assert jsd not in BOUNDS.values()
