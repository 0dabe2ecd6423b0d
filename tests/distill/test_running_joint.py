"""Counts of labels and codes, and their average over steps, by hand."""

import pytest
import torch

from pidkit.distill.running_joint import averaged, counted, one_hot_labels, summed_over_processes
from pidkit.errors import InputError


def test_counts_by_hand() -> None:
    classes = one_hot_labels(torch.tensor([0, 1, 0]), 2)
    rows = torch.tensor([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]])
    counts = counted(classes, rows, 2, "codes")
    assert counts.tolist() == [[1.0, 1.0], [0.5, 0.5]]
    assert summed_over_processes(counts, counts, 3.0) == (counts, counts, 3.0, 1.0), "alone, as they are"


def test_the_average_is_that_of_the_formula_and_kept_only_on_request() -> None:
    running = torch.zeros(1, 2, dtype=torch.float64)
    tables = [torch.tensor([[0.2, 0.8]]), torch.tensor([[0.6, 0.4]])]
    for table in tables:
        averaged(running, table.double(), 0.75, keep=True)
    assert running.flatten().tolist() == pytest.approx([0.25 * (0.6 + 0.75 * 0.2), 0.25 * (0.4 + 0.75 * 0.8)])
    before = running.clone()
    seen = averaged(running, tables[0].double(), 0.75, keep=False)
    assert torch.equal(running, before)
    assert not torch.equal(seen, before)
    assert averaged(running, tables[0], None, keep=True) is tables[0]
    assert torch.equal(running, before)


def test_what_cannot_be_counted_is_refused() -> None:
    with pytest.raises(InputError, match=r"labels must lie in 0..1, as n_classes says; they reach 0..2"):
        one_hot_labels(torch.tensor([0, 2]), 2)
    with pytest.raises(InputError, match="labels must be class numbers of shape"):
        one_hot_labels(torch.tensor([[0.5]]), 2)
    classes = one_hot_labels(torch.tensor([0, 1]), 2)
    with pytest.raises(InputError, match=r"codes must give one row a label, \(2, 3\), not \(2, 2\)"):
        counted(classes, torch.ones(2, 2), 3, "codes")
    with pytest.raises(InputError, match="codes holds NaN or infinite entries"):
        counted(classes, torch.full((2, 3), float("nan")), 3, "codes")
