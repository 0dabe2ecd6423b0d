"""Pairs of layers as objectives read them."""

import pytest
import torch

from pidkit import InputError
from pidkit.distill import Batch, LayerPair, Outputs
from pidkit.distill.pairing import checked_pairs, mean_square, paired_places
from pidkit.distill.places import widened

PAIR = LayerPair("t", "s", (3, 2, 2), (2, 2, 2))


@pytest.mark.parametrize(("wrong", "shown"), [((), "not none"), ((PAIR, "conv1"), "not 'conv1'")])
def test_pairs_must_be_layer_pairs(wrong: tuple[LayerPair | str, ...], shown: str) -> None:
    with pytest.raises(InputError, match=f"pairs must be LayerPairs, at least one.*{shown}"):
        checked_pairs(wrong)  # type: ignore[arg-type]
    assert checked_pairs(iter([PAIR])) == (PAIR,)


def test_the_teachers_places_come_first_and_without_a_graph() -> None:
    teacher, student = (torch.ones(5, c, 2, 2, requires_grad=True) for c in (3, 2))
    batch = Batch(Outputs(torch.zeros(5, 2), {"s": student}), {"teacher": Outputs(torch.zeros(5, 2), {"t": teacher})})
    theirs, ours = paired_places(batch, PAIR)
    assert (tuple(theirs.shape), tuple(ours.shape)) == ((5, 3, 4), (5, 2, 4))
    assert not theirs.requires_grad
    assert ours.requires_grad


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_squares_of_half_precision_are_taken_in_single(dtype: torch.dtype) -> None:
    # 300^2 = 90000 is beyond float16, and 1 + 90000 beyond the digits of bfloat16: (90000 + 1) / 2.
    found = mean_square(torch.tensor([300.0, 0.0], dtype=dtype), torch.tensor([0.0, 1.0], dtype=dtype))
    assert found.dtype == torch.float32
    assert float(found) == 45000.5
    assert widened(torch.ones(1, dtype=torch.float64)).dtype == torch.float64
