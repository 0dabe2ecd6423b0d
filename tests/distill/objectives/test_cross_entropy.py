"""Cross-entropy by hand, with label smoothing, in every phase."""

import math
from typing import Any

import pytest
import torch

from pidkit import InputError
from pidkit.distill import Batch, CrossEntropy, Outputs, Phase


def batch(logits: Any) -> Any:
    return Batch(Outputs(logits, {}), {"teacher": Outputs(logits.detach(), {})})


LABELS = torch.tensor([0, 1])
LOGITS = torch.tensor([[math.log(3.0), 0.0], [0.0, 0.0]], dtype=torch.float64)


def test_cross_entropy_by_hand() -> None:
    """Probabilities of the labels: 3 / 4 and 1 / 2; the mean of -log is (log(4/3) + log 2) / 2."""
    expected = (math.log(4 / 3) + math.log(2)) / 2
    assert float(CrossEntropy()(batch(LOGITS), LABELS)) == pytest.approx(expected, abs=1e-15)


def test_label_smoothing_by_hand() -> None:
    """Targets are .9 and .1: row 1 gives -.9 log(3/4) - .1 log(1/4), row 2 log 2."""
    expected = (0.9 * math.log(4 / 3) + 0.1 * math.log(4) + math.log(2)) / 2
    assert float(CrossEntropy(label_smoothing=0.2)(batch(LOGITS), LABELS)) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("value", [1.0, -0.1])
def test_label_smoothing_is_checked(value: Any) -> None:
    with pytest.raises(InputError, match=r"label_smoothing must be a number in \[0, 1\)"):
        CrossEntropy(label_smoothing=value)


@pytest.mark.parametrize("phase", [Phase.WARM_UP, Phase.TEACHER_FILTER])
def test_cross_entropy_has_no_part_in_other_phases(phase: Any) -> None:
    loss = CrossEntropy()(batch(LOGITS.clone().requires_grad_()), LABELS, phase)
    assert float(loss) == 0.0
    assert not loss.requires_grad


def test_cross_entropy_passes_gradcheck() -> None:
    x = LOGITS.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda logits: CrossEntropy()(batch(logits), LABELS), (x,))
