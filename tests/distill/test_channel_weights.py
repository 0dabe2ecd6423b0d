"""Weights of channels: the minimiser in closed form against a grid, running means by hand, and learned ones."""

from typing import Any

import pytest
import torch

from pidkit.distill import LayerPair
from pidkit.distill.channel_weights import ChannelWeights
from pidkit.distill.filters import SIGMA_FLOOR
from pidkit.errors import InputError

PAIRS = [LayerPair("a", "a", (3, 2, 2), (2, 2, 2)), LayerPair("b", "b", (4,), (1,))]


def weights(rule: Any, **changed: Any) -> ChannelWeights:
    options: dict[str, Any] = {"initial_sigma": 1.0, "momentum": 0.5, "reduction": "mean", **changed}
    return ChannelWeights(PAIRS, rule, **options)


@pytest.mark.parametrize(("reduction", "places"), [("mean", 1), ("sum", 4)])
def test_the_closed_form_is_the_minimiser(reduction: str, places: int) -> None:
    v = torch.tensor([0.3, 7.0], dtype=torch.float64)
    best = weights("closed-form", reduction=reduction).sigma_for(v, k=0, places=4.0)
    grid = torch.linspace(0.01, 6.0, 60000, dtype=torch.float64)[:, None]
    least = grid[(grid.square() + places * v / grid).argmin(0), 0]
    torch.testing.assert_close(best, least, rtol=1e-3, atol=1e-3)
    assert weights("closed-form").sigma_for(torch.zeros(2), k=0, places=4.0).tolist() == pytest.approx(
        [SIGMA_FLOOR] * 2
    )


def test_running_means_begin_at_one_and_follow_by_hand() -> None:
    closed = weights("closed-form")
    assert closed.sigma(0, 4.0).tolist() == [1.0, 1.0]
    closed.remember([torch.tensor([4.0, 8.0]), torch.tensor([2.0])])
    closed.remember([torch.tensor([0.0, 16.0]), torch.tensor([2.0])])
    assert [running.tolist() for running in closed.running_v] == [[2.0, 12.0], [2.0]]
    assert closed.sigma(0, 4.0).tolist() == pytest.approx([1.0, 6.0 ** (1 / 3)])


def test_learned_weights_start_where_they_are_told_and_remember_nothing() -> None:
    learned = weights("learned", initial_sigma=5.0)
    assert learned.sigma(0, 4.0).tolist() == pytest.approx([5.0, 5.0])
    assert torch.equal(learned.sigma_for(torch.ones(2), k=0, places=4.0), learned.sigma(0, 4.0))
    learned.remember([torch.ones(2), torch.ones(1)])
    assert learned.running_v == []
    assert len(list(learned.parameters())) == 2


def test_options_are_checked() -> None:
    for changed, message in (
        ({"rule": "best"}, "sigma must be 'learned' or 'closed-form', not 'best'"),
        ({"momentum": 1.0}, "momentum must be"),
        ({"initial_sigma": 0.0}, "initial_sigma must be"),
    ):
        with pytest.raises(InputError, match=message):
            weights(**{"rule": "learned", **changed})
