"""The bank: first in, first out, against a slow twin that keeps a list."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pidkit import InputError
from pidkit.distill import FeatureBank


@given(st.integers(0, 7), st.lists(st.integers(0, 10), max_size=8))
def test_it_holds_the_last_rows_pushed(size: int, pushes: list[int]) -> None:
    bank, counter = FeatureBank(size, 2), 0
    twin: list[torch.Tensor] = []
    for n in pushes:
        rows = torch.arange(counter, counter + n, dtype=torch.float32)[:, None].repeat(1, 2)
        counter += n
        bank.push(rows)
        twin = (twin + rows[:, 0].tolist())[-size:] if size else []
        assert len(bank) == len(twin)
        assert sorted(bank.filled()[:, 0].tolist()) == twin
        assert bank.filled().shape == (len(twin), 2)


def test_state_goes_on_where_it_was_saved() -> None:
    bank, twin = FeatureBank(4, 1), FeatureBank(4, 1)
    bank.push(torch.tensor([[1.0], [2.0], [3.0]]))
    twin.load_state_dict(bank.state_dict())
    for held in (bank, twin):
        held.push(torch.tensor([[4.0], [5.0]]))
    assert torch.equal(bank.filled(), twin.filled())
    assert sorted(twin.filled().flatten().tolist()) == [2.0, 3.0, 4.0, 5.0]
    assert set(bank.state_dict()) == {"rows", "pointer", "n_filled"}


def test_what_is_pushed_has_no_graph_and_the_precision_of_the_bank() -> None:
    bank = FeatureBank(2, 1).double()
    bank.push(torch.ones(1, 1, requires_grad=True))
    assert bank.filled().dtype == torch.float64
    assert not bank.filled().requires_grad
    assert "size=2, channels=1" in repr(bank)


def test_what_cannot_be_done_is_refused() -> None:
    for size in (-1, 2.0, True):
        with pytest.raises(InputError, match=r"^size must be a whole number >= 0, not"):
            FeatureBank(size, 1)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"^features must be rows of 3 channels, not of shape \(2, 4\)$"):
        FeatureBank(5, 3).push(torch.ones(2, 4))
