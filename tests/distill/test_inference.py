"""Times of inference: how many, of what, and that nothing is left behind."""

import pytest
import torch
from torch import Tensor, nn

from pidkit.distill import inference_seconds
from pidkit.errors import InputError
from tests.distill.toys import network, same, weights


class Counted(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.n_passes, self.modes = 0, set[bool]()

    def forward(self, x: Tensor) -> Tensor:
        self.n_passes += 1
        self.modes.add(self.training or torch.is_grad_enabled())
        return x


def test_passes_are_counted_in_eval_mode_and_without_gradients() -> None:
    model = Counted()
    seconds = inference_seconds(model, torch.ones(2, 3), n_runs=4, warm_up=2)
    assert (len(seconds), model.n_passes, model.modes) == (4, 6, {False})
    assert all(one >= 0.0 for one in seconds)
    assert model.training


def test_a_larger_network_takes_longer_and_is_left_alone() -> None:
    small, large = network(2), nn.Sequential(*[nn.Linear(600, 600) for _ in range(6)])
    before = weights(small)
    least = [min(inference_seconds(one, x)) for one, x in ((small, torch.ones(64, 4)), (large, torch.ones(64, 600)))]
    assert least[0] < least[1]
    assert same(before, weights(small))
    with pytest.raises(InputError, match="x is empty"):
        inference_seconds(small, torch.ones(0, 4))
