"""What an objective sees of a batch: layers by name, one teacher or several."""

from typing import Any

import pytest
import torch

from pidkit import InputError
from pidkit.distill import Batch, Outputs


def outputs(**layers: Any) -> Outputs:
    return Outputs(torch.ones(2, 3), layers)


def test_a_layer_is_found_by_name() -> None:
    layer = torch.ones(2, 5)
    assert outputs(conv=layer).layer("conv") is layer


def test_a_layer_that_is_not_tapped_is_named_beside_those_that_are() -> None:
    with pytest.raises(InputError, match=r"layer 'fc' is not tapped \(tapped: 'conv'\); name it in tap"):
        outputs(conv=torch.ones(2, 5)).layer("fc")
    with pytest.raises(InputError, match="tapped: none"):
        outputs().layer("fc")


def test_the_only_teacher_and_one_of_several() -> None:
    one, two = outputs(), outputs()
    assert Batch(outputs(), {"one": one}).teacher is one
    both = Batch(outputs(), {"one": one, "two": two})
    with pytest.raises(InputError, match="follows one teacher, the batch has 'one', 'two'; wrap it in SeveralTeachers"):
        _ = both.teacher
    assert both.with_teacher("two").teacher is two
    assert both.with_teacher("two").student is both.student
    with pytest.raises(InputError, match="no teacher is called 'three'; the teachers are 'one', 'two'"):
        both.with_teacher("three")
    with pytest.raises(InputError, match="the batch has none"):
        _ = Batch(outputs(), {}).teacher


def test_zero_is_a_scalar_of_the_students_kind_without_a_graph() -> None:
    student = Outputs(torch.ones(2, 3, dtype=torch.float64, requires_grad=True), {})
    zero = Batch(student, {}).zero()
    assert zero.shape == ()
    assert zero.dtype == torch.float64
    assert not zero.requires_grad
