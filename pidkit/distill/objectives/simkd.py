"""SimKD: the student borrows the teacher's classifier, and learns only to give it the teacher's features."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from pidkit.arguments import check_count
from pidkit.distill.batch import Batch
from pidkit.distill.frozen_teacher import FrozenTeacher
from pidkit.distill.objective import Objective
from pidkit.distill.pairing import checked_pairs, counted_pair, mean_square
from pidkit.distill.places import LayerPair
from pidkit.errors import InputError


class ReusedHead(nn.Module):
    """A student that ends in its teacher's classifier: head(projector(body(x))), the head frozen.

    The projector is a 1x1, a 3x3 and a 1x1 convolution, each with batch normalisation and ReLU, from the body's
    channels over the teacher's, divided by `narrowing`, to the teacher's. It stays part of the student after training.

    Parameters
    ----------
    body : nn.Module
        The student without its classifier: puts out maps (n, channels, height, width).
    head : nn.Module
        What the teacher makes of its last maps: pooling and classifier, such as
        ``nn.Sequential(teacher.avgpool, nn.Flatten(), teacher.fc)``. Shared with the teacher, not copied.
    channels_in, channels_out : int
        Of the body's and of the teacher's maps.
    narrowing : int
        r, by which the projector is narrower than the teacher.

    Attributes
    ----------
    projector : nn.Sequential
        Tap this one against the teacher's last maps.

    Raises
    ------
    InputError
        If a size is not a whole number from 1 on, or `narrowing` is more than the teacher's channels.

    Notes
    -----
    The same module is the recipe for other ways to reuse a head: train it on `KD` (the head alone is shared), or first
    on `SimKD` and then on labels with the head released, ``student.head.requires_grad_(True)``.

    Source: Chen et al., "Knowledge distillation with the reused teacher classifier", CVPR 2022, section 3.2.

    Examples
    --------
    >>> import torch
    >>> head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3))
    >>> student = ReusedHead(nn.Conv2d(1, 2, 3), head, channels_in=2, channels_out=8)
    >>> student(torch.ones(5, 1, 6, 6)).shape
    torch.Size([5, 3])
    """

    def __init__(
        self, body: nn.Module, head: nn.Module, *, channels_in: int, channels_out: int, narrowing: int = 2
    ) -> None:
        """Freeze the head and build the projector."""
        super().__init__()
        ours, theirs = check_count("channels_in", channels_in), check_count("channels_out", channels_out)
        hidden = theirs // check_count("narrowing", narrowing)
        if hidden == 0:
            raise InputError(f"narrowing is {narrowing}, more than the teacher's {theirs} channels; make it smaller")
        self.body = body
        self.projector = nn.Sequential(
            *_convolution(ours, hidden, 1), *_convolution(hidden, hidden, 3), *_convolution(hidden, theirs, 1)
        )
        self.head = SharedHead(head)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        logits: Tensor = self.head(self.projector(self.body(x)))
        return logits


class SharedHead(FrozenTeacher):
    """A part of the teacher that works in the student: frozen, in eval mode, and let through by gradients."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, with the graph of what came in."""
        logits: Tensor = self.model(x)
        return logits


class SimKD(Objective):
    """SimKD: sum_pairs mean (T - S)^2 of layers of one shape, the student's being a projector's output.

    Its student is a `ReusedHead`; with nothing else in the loss, not even the labels.

    Parameters
    ----------
    pairs : sequence of LayerPair
        One: the teacher's last maps, and "projector" of the student.

    Raises
    ------
    InputError
        If there are no pairs, or the layers of a pair differ in channels or places.

    Source: Chen et al., "Knowledge distillation with the reused teacher classifier", CVPR 2022, eq. 2.

    Examples
    --------
    >>> SimKD([LayerPair("last", "last", (8, 4, 4), (3, 4, 4))])
    Traceback (most recent call last):
    pidkit.errors.InputError: pairs holds teacher layer 'last' of shape (8, 4, 4) and student layer 'last' of shape
    (3, 4, 4), with different channels; let the student end in a ReusedHead and tap its "projector"
    """

    def __init__(self, pairs: Sequence[LayerPair]) -> None:
        """Check the pairs."""
        super().__init__()
        self.pairs = checked_pairs(pairs)
        for pair in self.pairs:
            _ = pair.n_places  # refuses pairs without common places
            if pair.teacher_channels != pair.student_channels:
                advice = 'let the student end in a ReusedHead and tap its "projector"'
                raise InputError(f"pairs holds {pair}, with different channels; {advice}")

    def student_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return the mean squares; the labels are not looked at."""
        total = batch.zero()
        for pair in self.pairs:
            total = total + mean_square(*counted_pair(batch, pair))
        return total


def _convolution(n_in: int, n_out: int, size: int) -> list[nn.Module]:
    """Return a convolution that keeps places, batch normalisation and ReLU."""
    return [nn.Conv2d(n_in, n_out, size, padding=size // 2, bias=False), nn.BatchNorm2d(n_out), nn.ReLU()]
