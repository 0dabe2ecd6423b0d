"""What a program of students and teachers learns from: images with two labels, in four parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor


class Split(NamedTuple):
    """Images (n, c, h, w), the label that is asked for, and the nuisance: another label, which says nothing of it."""

    images: Tensor
    labels: Tensor
    nuisance: Tensor

    def first(self, n: int) -> Split:
        """Return the first `n` images."""
        return Split(*(part[:n] for part in self))


@dataclass(frozen=True)
class Data:
    """What the teacher learns from, what students do, and what weights are chosen and methods judged by.

    Students have the first of the teacher's images. No image is in two of `teacher`, `validation` and `test`.
    """

    teacher: Split
    train: Split
    validation: Split
    test: Split
