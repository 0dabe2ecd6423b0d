"""FeatureCovariance: value and gradient by hand, and uncorrelated channels."""

import pytest
import torch

from pidkit import InputError
from pidkit.distill import FeatureCovariance, LayerPair
from tests.distill.objectives.by_hand import LABELS, layers, pair_of, slope


def test_value_and_gradient_by_hand() -> None:
    # Channels (1, -1) and (2, -2): covariance 2, its square 4 for both of the two off the diagonal.
    student = torch.tensor([[1.0, 2.0], [-1.0, -2.0]], requires_grad=True)
    objective, batch = FeatureCovariance([pair_of(student, student)]), layers(student.detach(), student)
    assert float(objective(batch, LABELS[:2]).detach()) == 4.0
    # d C^2 = 2 C d C, d C / d x_1 = y_1 / 2 less the mean's share, 0: 4 * (2 / 2, 1 / 2).
    assert slope(objective, batch, LABELS[:2], student).tolist() == [[4.0, 2.0], [-4.0, -2.0]]


def test_places_are_samples_and_uncorrelated_channels_cost_nothing() -> None:
    maps = torch.tensor([[[[1.0, -1.0]], [[1.0, -1.0]]], [[[1.0, -1.0]], [[-1.0, 1.0]]]])
    assert float(FeatureCovariance([pair_of(maps, maps)])(layers(maps, maps), LABELS[:2])) == 0.0


def test_a_single_channel_is_refused() -> None:
    with pytest.raises(InputError, match="a single channel of the student has nothing to correlate with"):
        FeatureCovariance([LayerPair("t", "s", (3,), (1,))])
