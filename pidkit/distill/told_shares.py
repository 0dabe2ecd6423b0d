"""Shares of what two networks tell of the label on held-out inputs: what weights of objectives are measured by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pidkit.distill.batch import Batch
from pidkit.distill.networks import Networks
from pidkit.distill.phases import Phase
from pidkit.nn.features import left_as_found
from pidkit.nn.inputs import Inputs, batches_of, on_device
from pidkit.representations.decoded_pid import decoded_pid
from pidkit.representations.result import RepresentationPID
from pidkit.types import AnyArray

KNOWS_NOTHING = 0.05
"""The share of H(Y) below which a student's information is too little to divide by."""


def held_out_rows(
    networks: Networks,
    x: Inputs,
    read: Callable[[Batch], tuple[Tensor, Tensor]],
    *,
    teacher: str | None,
    batch_size: int,
) -> tuple[AnyArray, AnyArray]:
    """Return what `read` takes of a teacher and of the student for some inputs, (n, columns); nothing changes."""
    kept: list[tuple[Tensor, Tensor]] = []
    device = next(networks.student.parameters()).device
    with left_as_found(networks):
        for rows in batches_of(x, batch_size):
            batch = networks(on_device(rows, device), Phase.WARM_UP)
            theirs, ours = read(batch if teacher is None else batch.with_teacher(teacher))
            kept.append((theirs.cpu().double(), ours.cpu().double()))
    of_teacher, of_student = (torch.cat(side).numpy() for side in zip(*kept, strict=True))
    return of_teacher, of_student


def redundant_share(
    theirs: AnyArray, ours: AnyArray, labels: AnyArray, *, folds: int, rng: int
) -> tuple[float, dict[str, float]]:
    """Return Red(Y:T,S) / I(Y;S) of logits in [0, 1], by the lower end of its interval, and what was measured, in bits.

    Where the student knows less than `KNOWS_NOTHING` of H(Y), the share of H(Y) that the teacher tells.
    """
    found = _decoded(theirs, ours, labels, folds, rng, decoder="softmax", learning_curve=False)
    measured = {"redundancy": found.redundancy, "lower": found.interval["redundancy"][0], **_told(found)}
    if found.mi_2 < KNOWS_NOTHING * found.entropy_y:
        share = found.interval["mi_1"][0] / found.entropy_y
    else:
        share = measured["lower"] / found.mi_2
    return min(max(share, 0.0), 1.0), measured


def unique_share(
    theirs: AnyArray, ours: AnyArray, labels: AnyArray, *, folds: int, rng: int
) -> tuple[float, dict[str, float]]:
    r"""Return Uni(Y:T\S) / H(Y) of two layers in [0, 1], by the lower end of its interval, and what was measured.

    Linear decoders read both; the interval holds what either has not learned from so few rows. In bits.
    """
    found = _decoded(theirs, ours, labels, folds, rng, decoder="linear", synergy=False)
    measured = {"unique_teacher": found.unique_1, "lower": found.interval["unique_1"][0], **_told(found)}
    return min(max(measured["lower"] / found.entropy_y, 0.0), 1.0), measured


def _decoded(
    theirs: AnyArray, ours: AnyArray, labels: AnyArray, folds: int, rng: int, **options: Any
) -> RepresentationPID:
    """Return the decoded atoms of the teacher's rows, x1, and the student's, x2, in bits."""
    draws = np.random.default_rng(rng)
    layers = {"x1": theirs, "x2": ours}
    return decoded_pid(layers, labels, n_folds=folds, unit="bits", rng=draws, provenance={}, **options)


def _told(found: RepresentationPID) -> dict[str, float]:
    """Return what both tell of the label, and what there is to tell."""
    return {"mi_teacher": found.mi_1, "mi_student": found.mi_2, "entropy": found.entropy_y}
