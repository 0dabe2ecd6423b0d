"""Labels, logits of a teacher and a student that know something about them, and the objective of their redundancy."""

from typing import Any

import torch
from torch.nn.functional import one_hot

from pidkit.distill import Batch, Outputs
from pidkit.distill.codes import LogitCodes
from pidkit.distill.objectives.redundancy import ExactRedundancy


def batch_of(teacher: torch.Tensor, student: torch.Tensor) -> Batch:
    return Batch(Outputs(student, {}), {"teacher": Outputs(teacher, {})})


def draw(
    n: int = 200, n_classes: int = 3, n_codes: int = 4, seed: int = 0, dtype: torch.dtype = torch.float64
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Labels, and logits of a teacher and a student that know something about them."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(n_classes, (n,), generator=generator)
    known = one_hot(labels, n_codes).to(dtype)
    noise = torch.randn(2, n, n_codes, dtype=dtype, generator=generator)
    return labels, 2.0 * known + noise[0], known + noise[1]


def objective_of(
    n_classes: int = 3, n_t: int = 4, n_s: int = 4, *, hard: bool = False, **options: Any
) -> ExactRedundancy:
    teacher = LogitCodes(n_t, temperature=None if hard else 1.0)
    return ExactRedundancy(teacher, LogitCodes(n_s, temperature=1.0), n_classes=n_classes, **options)


def tables(
    labels: torch.Tensor, teacher: torch.Tensor, student: torch.Tensor, n_classes: int = 3
) -> list[torch.Tensor]:
    classes = one_hot(labels, n_classes).double()
    return [classes.T @ torch.softmax(x.double(), 1) / len(labels) for x in (teacher, student)]
