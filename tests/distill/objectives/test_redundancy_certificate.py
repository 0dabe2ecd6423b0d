"""Exact redundancy as a loss: what a batch does whose certificate cannot be had, and batches that once had none."""

import copy
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from pidkit import SolverError
from pidkit.distill.codes import LogitCodes
from pidkit.distill.objectives.redundancy import ExactRedundancy
from pidkit.errors import PidkitWarning
from tests.distill.objectives.informed_logits import batch_of, draw, objective_of


def test_a_batch_without_a_certificate_has_no_gradient_and_ten_in_a_row_stop_the_run() -> None:
    """It ended the run. The value is that of the bounds reached, here the right one to 1e-9."""
    labels, teacher, student = draw()
    student.requires_grad_()
    objective = objective_of(momentum=None, tol=1e-18)
    right = float(objective_of(momentum=None, tol=1e-9)(batch_of(teacher, student), labels).detach())
    message = (
        "^ExactRedundancy leaves a batch out: the certified gap is .* and tol is 1.0e-18; this step has no gradient"
    )
    for _ in range(9):
        with pytest.warns(PidkitWarning, match=message):
            loss = objective(batch_of(teacher, student), labels)
        loss.backward()
        assert float(loss.detach()) == pytest.approx(right, abs=1e-8)
    assert student.grad is not None
    assert not student.grad.any()
    with pytest.raises(SolverError, match=r"^the certified gap of 10 batches in a row stayed above tol: .* 1\.0e-18$"):
        objective(batch_of(teacher, student), labels)


def test_a_certified_batch_starts_the_count_again_and_evaluation_does_not_count() -> None:
    labels, teacher, student = draw()
    objective = objective_of(momentum=None)
    for tol in (1e-18, 1e-5) * 12:
        objective.tol = tol
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            objective(batch_of(teacher, student), labels)
        assert len(told) == (tol == 1e-18)
    objective.eval()
    objective.tol = 1e-18
    for _ in range(12):
        with pytest.warns(PidkitWarning, match="^ExactRedundancy leaves a batch out"):
            objective(batch_of(teacher, student), labels)


def test_a_batch_of_sources_that_nearly_agree_is_certified() -> None:
    """A saturated student that copies its teacher: such batches had no certificate, and ended the run."""
    labels = torch.arange(200) % 20
    hard = 40.0 * nn.functional.one_hot(labels, 20).double()
    codes = LogitCodes(20, temperature=1.0)
    objective = ExactRedundancy(copy.deepcopy(codes), codes, n_classes=20, momentum=None)
    student = (
        hard + 0.1 * torch.randn(hard.shape, generator=torch.manual_seed(0), dtype=torch.float64)
    ).requires_grad_()
    loss = objective(batch_of(hard, student), labels)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(-np.log(20.0), abs=1e-4)
    assert student.grad is not None
    assert student.grad.isfinite().all()
