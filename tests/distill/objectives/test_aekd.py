"""AEKD: weights by hand in the logits and in a layer, caps, teachers without a say, and no graph."""

import pytest
import torch

from pidkit import InputError
from pidkit.distill import AEKD, KD, Batch, FitNet, LayerPair, Outputs, Phase

LABEL = torch.tensor([0])


def batch_of(student: torch.Tensor, first: torch.Tensor, second: torch.Tensor) -> Batch:
    return Batch(Outputs(student, {}), {"a": Outputs(first, {}), "b": Outputs(second, {})})


def test_opposite_teachers_by_hand() -> None:
    # At tau 1 the gradients are q - p: (.5 - .9) and (.5 - .3) along (1, -1), opposite. Unit vectors: a = (1/2, 1/2);
    # divided by the lengths 4 : 2 that is (1/3, 2/3), where the gradient is zero.
    student = torch.zeros(1, 2, dtype=torch.float64, requires_grad=True)
    first, second = (torch.tensor([p], dtype=torch.float64).log() for p in ([0.9, 0.1], [0.3, 0.7]))
    batch, aekd = batch_of(student, first, second), AEKD({"a": KD(1.0), "b": KD(1.0)})
    loss = aekd(batch, LABEL)
    assert list(aekd.last_weights.values()) == pytest.approx([1 / 3, 2 / 3])
    assert float(torch.autograd.grad(loss, student)[0].abs().max()) < 1e-9
    losses = [float(value) for value in aekd.last.values()]
    assert float(loss.detach()) == pytest.approx(losses[0] / 3 + 2 * losses[1] / 3)


def test_agreeing_teachers_share_by_their_lengths_and_caps_hold() -> None:
    # Gradients along one direction, lengths 2 : 1: every mixture of the unit vectors is as short, and equal ones stay.
    student = torch.zeros(1, 2, dtype=torch.float64, requires_grad=True)
    first, second = (torch.tensor([p], dtype=torch.float64).log() for p in ([0.9, 0.1], [0.7, 0.3]))
    batch = batch_of(student, first, second)
    for cap in (0.5, 0.6, 1.0):
        aekd = AEKD({"a": KD(1.0), "b": KD(1.0)}, cap=cap)
        aekd(batch, LABEL)
        assert list(aekd.last_weights.values()) == pytest.approx([1 / 3, 2 / 3])


def test_a_layer_instead_of_the_logits() -> None:
    layer = torch.zeros(1, 2, requires_grad=True)
    student = Outputs(torch.zeros(1, 2), {"s": layer})
    teachers = {
        name: Outputs(torch.zeros(1, 2), {"t": torch.tensor([row])})
        for name, row in (("a", [1.0, 0.0]), ("b", [0.0, 2.0]))
    }
    hints = {}
    for name in teachers:
        hint = FitNet([LayerPair("t", "s", (2,), (2,))], bias=False)
        with torch.no_grad():
            hint.regressors[0].weight.copy_(torch.eye(2)[:, :, None])
        hints[name] = hint
    aekd = AEKD(hints, layer="s")
    aekd(Batch(student, teachers), LABEL)
    # Gradients -(1, 0) and -(0, 2): unit vectors at right angles, 1/2 each, divided by 1 and 2.
    assert list(aekd.last_weights.values()) == pytest.approx([2 / 3, 1 / 3])
    with pytest.raises(InputError, match="a loss does not depend on the student's logits, where AEKD compares"):
        AEKD(hints)(Batch(student, teachers), LABEL)


def test_a_teacher_that_has_been_reached_takes_the_weight_that_its_cap_allows() -> None:
    student = torch.zeros(1, 2, dtype=torch.float64, requires_grad=True)
    first = torch.tensor([[0.9, 0.1]], dtype=torch.float64).log()
    aekd = AEKD({"a": KD(1.0), "b": KD(1.0)}, cap=0.75)
    aekd(batch_of(student, first, torch.zeros(1, 2, dtype=torch.float64)), LABEL)
    assert list(aekd.last_weights.values()) == pytest.approx([0.25, 0.75])


def test_without_a_graph_all_weigh_alike_and_other_phases_just_add() -> None:
    batch = batch_of(torch.zeros(1, 2), torch.ones(1, 2), torch.eye(2)[:1])
    aekd = AEKD({"a": KD(1.0), "b": KD(1.0)})
    with torch.no_grad():
        aekd(batch, LABEL)
    assert list(aekd.last_weights.values()) == [0.5, 0.5]
    assert float(aekd(batch, LABEL, Phase.WARM_UP)) == 0.0


def test_what_is_refused() -> None:
    with pytest.raises(InputError, match=r"cap must be a number in \[0\.5, 1\], not 0\.4; 1 / M = 0\.5"):
        AEKD({"a": KD(), "b": KD()}, cap=0.4)
    with pytest.raises(InputError, match="objectives must be a mapping of teachers' names to objectives"):
        AEKD({})
