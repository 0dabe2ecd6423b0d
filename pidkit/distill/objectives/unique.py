"""A weight that is measured: an objective of a layer counts for as much as the teacher's layer alone tells."""

from __future__ import annotations

from functools import partial

from torch import Tensor

from pidkit.arguments import Rng
from pidkit.distill.networks import Networks
from pidkit.distill.objective import Objective
from pidkit.distill.objectives.measured import MeasuredWeight
from pidkit.distill.pairing import pooled_pair
from pidkit.distill.places import LayerPair
from pidkit.distill.told_shares import held_out_rows, unique_share
from pidkit.errors import InputError
from pidkit.nn.inputs import Inputs
from pidkit.types import AnyArray


class UniqueWeight(MeasuredWeight):
    r"""An objective of a pair of layers times the share of H(Y) that the teacher's layer tells and the student's not.

    In the student's phase the loss is a L with ``a = Uni(Y:T\S) / H(Y)``, T and S the two layers on held-out inputs,
    their channels averaged over the places and read by linear decoders, as `representation_pid` does: an untrained
    teacher, one of another task and a corrupted layer have nothing of their own to tell, and their objective no weight.
    The lower end of the 95 % interval of Uni counts, kept in [0, 1]; it is 0 where Uni may be what the decoder of the
    student's layer has not learned from so few inputs. It falls as the student catches up. It is measured in
    `set_epoch`, before the epochs 0, every, 2 every, ..., which leaves no other trace.

    Parameters
    ----------
    objective : Objective
        Of that pair of layers, such as `FitNet` or `VID`; of several pairs, one `UniqueWeight` each.
    networks : Networks
        Referred to, not held: they stay the caller's.
    pair : LayerPair
        The pair that is measured.
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
        a, a buffer; 0 before anything is measured.
    measured : dict of str to float
        The last unique_teacher with its "lower" end, mi_teacher, mi_student and entropy, in bits.

    Raises
    ------
    InputError
        If an option is out of its range, `pair` is no LayerPair or `sample` no such pair; from set_epoch, as
        `representation_pid`, or if the networks are gone.

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
    >>> bool(unique.share > 0.9)
    True
    """

    def __init__(
        self,
        objective: Objective,
        networks: Networks,
        pair: LayerPair,
        *,
        sample: tuple[Inputs, Tensor],
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
        self.pair = pair

    def share_of(self, networks: Networks, x: Inputs, labels: AnyArray) -> tuple[float, dict[str, float]]:
        r"""Return Uni(Y:T\S) / H(Y) of the pair, and what was measured in bits."""
        read = partial(pooled_pair, pair=self.pair)
        theirs, ours = held_out_rows(networks, x, read, teacher=self.teacher, batch_size=self.batch_size)
        return unique_share(theirs, ours, labels, folds=self.folds, rng=self.rng)
