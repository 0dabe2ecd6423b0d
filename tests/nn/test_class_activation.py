"""Class activation maps by hand, where they are the classifier's own weights, and what has none."""

import pytest
import torch
from torch import Tensor, nn

from pidkit.errors import InputError
from pidkit.nn import class_activation_maps, own_random_state


def network() -> nn.Sequential:
    with own_random_state(0):
        blocks = [nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(inplace=True)]
        return nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.5), nn.Linear(3, 4))


def test_before_a_mean_and_a_linear_layer_they_are_the_classifiers_weights() -> None:
    model = network()
    x = torch.randn(5, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    model(x)
    classes = torch.tensor([0, 3, 1, 1, 2])
    found = class_activation_maps(model, "2", x, classes, batch_size=2)
    with torch.no_grad():
        maps = model.eval()[:3](x)
        by_hand = torch.einsum("nc,nchw->nhw", model[6].weight[classes], maps).clamp_min(0) / 16
        answers = model(x).argmax(1)
    torch.testing.assert_close(found, by_hand)
    torch.testing.assert_close(class_activation_maps(model, "2", x), class_activation_maps(model, "2", x, answers))
    # In-place operations behind a layer do not reach its maps.
    assert class_activation_maps(model, "1", x, classes).shape == (5, 4, 4)


def test_a_frozen_network_is_read_and_left_alone() -> None:
    model = network().requires_grad_(False)
    before = [value.clone() for value in model.state_dict().values()]
    class_activation_maps(model, "0", torch.ones(2, 1, 6, 6))
    assert model.training
    assert all(torch.equal(a, b) for a, b in zip(before, model.state_dict().values(), strict=True))
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not any(layer._forward_hooks for layer in model.modules())


def test_what_has_no_maps_is_refused() -> None:
    class Aside(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.aside, self.main = nn.Conv2d(1, 2, 1), nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            self.aside(x)
            return self.main(x.flatten(1))

    x = torch.ones(2, 1, 2, 2)
    with pytest.raises(InputError, match="layer 'aside' has no part in the logits"):
        class_activation_maps(Aside(), "aside", x)
    with pytest.raises(InputError, match="layer 'main' puts out no maps"):
        class_activation_maps(Aside(), "main", x)
    with pytest.raises(InputError, match="layer must be one layer, and '\\*' fits aside, main"):
        class_activation_maps(Aside(), "*", x)
    with pytest.raises(InputError, match=r"classes must be one class number a sample, \(2,\), not \(3,\)"):
        class_activation_maps(Aside(), "aside", x, torch.zeros(3).long())
