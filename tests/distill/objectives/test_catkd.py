"""CAT-KD: maps by hand, with and without length one, at other resolutions; the classifier that puts them out."""

import pytest
import torch
from torch import nn

from pidkit import InputError
from pidkit.distill import CATKD, ClassMaps, LayerPair
from tests.distill.objectives.by_hand import LABELS, layers, pair_of, slope


def test_value_and_gradient_by_hand() -> None:
    # One class, pooled to one place: 5/2 for the teacher's 4x4 -> 1; the student's mean is 1.
    teacher = torch.full((1, 1, 4, 4), 2.5)
    student = torch.tensor([[[[0.0, 2.0], [1.0, 1.0]]]], requires_grad=True)
    objective, batch = CATKD([pair_of(teacher, student)], size=1), layers(teacher, student)
    assert float(objective(batch, LABELS[:1]).detach()) == 2.25
    assert slope(objective, batch, LABELS[:1], student).flatten().tolist() == [-0.75] * 4  # 2 (1 - 5/2) / 4


def test_maps_of_length_one_by_hand() -> None:
    # (3, 4, 0, 0) / 5 against (0, 0, 0, 1): (.36 + .64 + 1) / 4.
    teacher = torch.tensor([3.0, 4.0, 0.0, 0.0]).reshape(1, 1, 2, 2)
    student = torch.tensor([0.0, 0.0, 0.0, 7.0]).reshape(1, 1, 2, 2)
    loss = CATKD([pair_of(teacher, student)], normalise=True)(layers(teacher, student), LABELS[:1])
    assert float(loss) == pytest.approx(0.5)


@pytest.mark.parametrize("bias", [True, False])
def test_the_classifier_is_the_linear_layer_after_pooling(bias: bool) -> None:
    linear, x = nn.Linear(4, 3, bias=bias), torch.randn(2, 4, 5, 3)
    maps = ClassMaps.of(linear)
    torch.testing.assert_close(maps(x), linear(x.mean((2, 3))))
    assert maps.maps(x).shape == (2, 3, 5, 3)


@pytest.mark.parametrize(("theirs", "ours"), [((3, 4, 4), (2, 4, 4)), ((3,), (3,))])
def test_other_layers_are_refused(theirs: tuple[int, ...], ours: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="which are not maps of the same classes; end both networks in ClassMaps"):
        CATKD([LayerPair("t", "s", theirs, ours)])
