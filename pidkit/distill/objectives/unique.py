"""A measured weight: an objective of a layer counts where the teacher's layer tells what the student's do not."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import torch
from torch import Tensor

from pidkit.arguments import Rng, flag, items_of, real_number
from pidkit.distill.batch import Batch
from pidkit.distill.networks import Networks
from pidkit.distill.objective import Objective
from pidkit.distill.objectives.measured import MeasuredWeight
from pidkit.distill.padding import pooled_layer
from pidkit.distill.places import LayerPair
from pidkit.distill.told_shares import held_out_rows, unique_share
from pidkit.errors import InputError
from pidkit.nn.inputs import Inputs
from pidkit.types import AnyArray


class UniqueWeight(MeasuredWeight):
    r"""An objective of a pair of layers that counts where the teacher's layer tells what no layer of the student does.

    In the student's phase the loss is a L. Uni(Y:T\S) / H(Y) is the share of the label's entropy that the teacher's
    layer T tells and the student's tapped layers together, S, do not, on held-out inputs, their channels averaged over
    the places and read by linear decoders, as `representation_pid` does; the lower end of its 95 % interval is taken.
    Where that is at least `least`, a is 1, or with `gradual` the share itself; else 0. An untrained teacher, one of
    another task and a corrupted layer have next to nothing of their own to tell, and their objective does not count.
    S is not the pair's layer alone: a wide layer of random weights tells more than a narrow one as deep, but little
    that the student does not find elsewhere. It is measured in `set_epoch`, before the epochs 0, every, 2 every, ...,
    which leaves no other trace.

    Parameters
    ----------
    objective : Objective
        Of that pair of layers, such as `FitNet` or `VID`; of several pairs, one `UniqueWeight` each.
    networks : Networks
        Referred to, not held: they stay the caller's.
    pair : LayerPair
        The pair whose teacher's layer is measured.
    student_layers : iterable of str, optional
        The layers that are S; None takes all that `networks` taps of the student.
    least : float
        The share of H(Y) below which the layer is not followed, in [0, 1].
    gradual : bool
        Whether the objective counts by the share: give it a larger weight then, since shares are seldom above a half.
    sample : pair of Tensor
        Held-out inputs, one tensor or several by name, and their labels, each class with more than `folds` of them, in
        an order that tells nothing.
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
        The factor a, a buffer; 0 before anything is measured.
    measured : dict of str to float
        The last unique_teacher with its "lower" end, mi_teacher, mi_student and entropy, in bits.

    Raises
    ------
    InputError
        If an option is out of its range, `pair` is no LayerPair, `student_layers` are none or not tapped, or `sample`
        is no such pair; from set_epoch, as `representation_pid`, or if the networks are gone.

    Source: pidkit.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from pidkit.distill import FitNet, tap
    >>> x, labels = torch.eye(3).repeat(60, 1), torch.arange(180) % 3
    >>> student = nn.Sequential(nn.Linear(3, 3), nn.Identity())
    >>> _ = nn.init.zeros_(student[0].weight)  # it tells nothing
    >>> teacher = nn.Sequential(nn.Identity(), nn.Identity())
    >>> networks = tap(teacher=teacher, student=student, layers=["0"], example=x[:2])
    >>> unique = UniqueWeight(FitNet(networks.pairs), networks, networks.pairs[0], sample=(x, labels))
    >>> unique.set_epoch(0)
    >>> float(unique.share)
    1.0
    """

    def __init__(
        self,
        objective: Objective,
        networks: Networks,
        pair: LayerPair,
        *,
        sample: tuple[Inputs, Tensor],
        student_layers: Iterable[str] | None = None,
        least: float = 0.05,
        gradual: bool = False,
        teacher: str | None = None,
        every: int = 1,
        folds: int = 3,
        batch_size: int = 256,
        rng: Rng = 0,
    ) -> None:
        """Check the arguments; nothing is measured yet."""
        super().__init__(
            objective,
            networks,
            sample=sample,
            teacher=teacher,
            every=every,
            folds=folds,
            batch_size=batch_size,
            rng=rng,
        )
        given: object = pair
        if not isinstance(given, LayerPair):
            raise InputError(f"pair must be a LayerPair, one of networks.pairs, not {type(given).__name__}")
        self.pair, self.gradual = pair, flag("gradual", gradual)
        self.least = real_number("least", least, least=0.0, most=1.0)
        pairs = [one for name in networks.teachers for one in networks.pairs_of(name)]
        tapped = tuple(dict.fromkeys(one.student_layer for one in pairs))
        self.student_layers = tapped if student_layers is None else items_of("student_layers", student_layers)
        unknown = [name for name in self.student_layers if name not in tapped]
        if unknown or not self.student_layers:
            found = repr(unknown[0]) if unknown else "none"
            raise InputError(f"student_layers must be tapped layers of the student, {', '.join(tapped)}; not {found}")

    def share_of(self, networks: Networks, x: Inputs, labels: AnyArray) -> tuple[float, dict[str, float]]:
        r"""Return a, by the lower end of Uni(Y:T\S) / H(Y), and what was measured in bits."""
        read = partial(_pooled, of_teacher=self.pair.teacher_layer, of_student=self.student_layers)
        theirs, ours = held_out_rows(networks, x, read, teacher=self.teacher, batch_size=self.batch_size)
        share, measured = unique_share(theirs, ours, labels, folds=self.folds, rng=self.rng)
        counts = share > 0.0 and share >= self.least
        return (share if self.gradual else 1.0) if counts else 0.0, measured


def _pooled(batch: Batch, *, of_teacher: str, of_student: Iterable[str]) -> tuple[Tensor, Tensor]:
    """Return the channels of the teacher's layer and of the student's layers, averaged over the places that count."""
    theirs = pooled_layer(batch.teacher.layer(of_teacher), batch.mask)
    return theirs, torch.cat([pooled_layer(batch.student.layer(name), batch.mask) for name in of_student], 1)
