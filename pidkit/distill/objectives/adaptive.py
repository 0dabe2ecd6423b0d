"""A weight that is measured: an objective counts for as much as its teacher and the student both tell of the label."""

from __future__ import annotations

from torch import Tensor

from pidkit.distill.batch import Batch
from pidkit.distill.networks import Networks
from pidkit.distill.objectives.measured import MeasuredWeight
from pidkit.distill.told_shares import held_out_rows, redundant_share
from pidkit.nn.inputs import Inputs
from pidkit.types import AnyArray


class AdaptiveWeight(MeasuredWeight):
    """An objective times the share of what the student's answers tell of the label that the teacher's tell as well.

    In the student's phase the loss is a L with ``a = Red(Y:T,S) / I(Y;S)``, T and S the answers of both networks on
    held-out inputs, read as they stand (decoder="softmax" of `representation_pid`): 1 where the teacher knows what the
    student knows, 0 where its answers are about something else. The lower end of the 95 % interval of Red is taken, and
    the share kept in [0, 1]. While the student knows less than a twentieth of H(Y), a is the share of H(Y) that the
    teacher tells. It is measured in `set_epoch`, before the epochs 0, every, 2 every, ..., which leaves no other trace.

    Parameters
    ----------
    objective : Objective
        Of the answers, such as `KD`. Redundancy of answers says nothing about what an objective of layers carries over.
    networks : Networks
        Referred to, not held: they stay the caller's.
    sample : pair of Tensor
        Held-out inputs, one tensor or several by name, and their labels, each class with more than `folds` of them.
    teacher : str, optional
        Its name, where there are several.
    every : int
        Epochs between two measurements.
    folds, batch_size : int
    rng : int or numpy.random.Generator
        Seeds the folds.

    Attributes
    ----------
    share : Tensor
        a, a buffer; 0 before anything is measured.
    measured : dict of str to float
        The last redundancy with its "lower" end, mi_teacher, mi_student and entropy, in bits.

    Raises
    ------
    InputError
        If an option is out of its range or `sample` is no such pair; from set_epoch, as `representation_pid`, or if the
        networks are gone.

    Source: pidkit.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from pidkit.distill import KD, tap
    >>> x, labels = torch.eye(3).repeat(60, 1), torch.arange(180) % 3
    >>> networks = tap(teacher=nn.Identity(), student=nn.Linear(3, 3), example=x[:2])
    >>> adaptive = AdaptiveWeight(KD(), networks, sample=(8.0 * x, labels))
    >>> adaptive.set_epoch(0)
    >>> bool(adaptive.share > 0.9)
    True
    """

    def share_of(self, networks: Networks, x: Inputs, labels: AnyArray) -> tuple[float, dict[str, float]]:
        """Return Red(Y:T,S) / I(Y;S) of the answers, and what was measured in bits."""
        theirs, ours = held_out_rows(networks, x, _logits, teacher=self.teacher, batch_size=self.batch_size)
        return redundant_share(theirs, ours, labels, folds=self.folds, rng=self.rng)


def _logits(batch: Batch) -> tuple[Tensor, Tensor]:
    """Return the logits of the teacher and of the student."""
    return batch.teacher.logits, batch.student.logits
