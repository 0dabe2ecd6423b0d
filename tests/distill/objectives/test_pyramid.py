"""Feature pyramids: value and gradient by hand, of levels and of boxes."""

import pytest
import torch

from pidkit.distill import Batch, FeaturePyramid, LayerPair, Outputs
from pidkit.errors import InputError
from tests.distill.objectives.by_hand import LABELS, slope

LEVELS = [LayerPair("p3", "p3", (1, 2, 1), (1, 2, 1)), LayerPair("p4", "p4", (2, 1, 1), (1, 1, 1))]
BOXES = LayerPair("boxes", "boxes", (2,), (2,))


def batch_of(theirs: dict[str, torch.Tensor], ours: dict[str, torch.Tensor]) -> Batch:
    logits = torch.zeros(1, 2, dtype=torch.float64)
    return Batch(Outputs(logits, ours), {"teacher": Outputs(logits, theirs)})


def test_value_and_gradient_by_hand() -> None:
    theirs = {
        "p3": torch.tensor([[[[1.0], [4.0]]]], dtype=torch.float64),
        "p4": torch.tensor([[[[2.0]], [[0.0]]]], dtype=torch.float64),
        "boxes": torch.tensor([[0.0, 5.0]], dtype=torch.float64),
    }
    ours = {
        "p3": torch.tensor([[[[0.0], [6.0]]]], dtype=torch.float64),
        "p4": torch.tensor([[[[3.0]]]], dtype=torch.float64),
        "boxes": torch.tensor([[0.5, 8.0]], dtype=torch.float64),
    }
    for one in ours.values():
        one.requires_grad_(True)
    pyramid = FeaturePyramid(LEVELS, [2.0, 0.5], localisation=BOXES, weight_localisation=4.0).double()
    regressor = pyramid.regressors[1]
    regressor.weight.data = torch.tensor([[[1.0]], [[-1.0]]], dtype=torch.float64)
    regressor.bias.data.zero_()
    batch = batch_of(theirs, ours)
    # 2 (1 + 4) / 2 + .5 (1 + 9) / 2 + 4 (.125 + 2.5) / 2
    assert float(pyramid(batch, LABELS[:1]).detach()) == pytest.approx(5.0 + 2.5 + 5.25)
    assert slope(pyramid, batch, LABELS[:1], ours["p3"]).flatten().tolist() == [-2.0, 4.0]
    # .5 (2 (3 - 2) - 2 (-3 - 0)) / 2
    assert slope(pyramid, batch, LABELS[:1], ours["p4"]).flatten().tolist() == [2.0]
    assert slope(pyramid, batch, LABELS[:1], ours["boxes"]).flatten().tolist() == [1.0, 2.0]


def test_without_boxes_and_with_equal_weights() -> None:
    level = torch.ones(1, 1, 2, 1, dtype=torch.float64)
    found = FeaturePyramid(LEVELS[:1])(batch_of({"p3": 3.0 * level}, {"p3": level}), LABELS[:1])
    assert float(found) == 4.0


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(InputError, match="cannot be compared place by place"):
        FeaturePyramid([LayerPair("p3", "p3", (2, 4, 4), (2, 2, 2))])
    with pytest.raises(InputError, match="weights must have one entry a level, 2, not 1"):
        FeaturePyramid(LEVELS, [1.0])
    with pytest.raises(InputError, match="boxes are compared number by number"):
        FeaturePyramid(LEVELS, localisation=LayerPair("b", "b", (4,), (2,)))
