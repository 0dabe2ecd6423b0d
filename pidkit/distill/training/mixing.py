"""Mixup and CutMix: two samples in one input, and their labels in proportion."""

from __future__ import annotations

import abc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pidkit.arguments import keep_checked, real_number, whole_number
from pidkit.distill.soft_labels import as_soft, has_label
from pidkit.errors import InputError
from pidkit.nn.inputs import Inputs, each_tensor, named_tensors

Mix = Callable[[Any, Tensor, torch.Generator], tuple[Any, Tensor]]
"""A function of a batch of inputs, its labels and a generator on their device, which returns mixed inputs and soft
labels (n, n_classes, ...)."""


@dataclass(frozen=True, kw_only=True)
class _Mixing(abc.ABC):
    """What both have in common: the share lambda ~ Beta(alpha, alpha) of a batch, and the partners, a permutation."""

    n_classes: int
    alpha: float = 1.0
    probability: float = 1.0

    def __post_init__(self) -> None:
        """Check the values."""
        keep_checked(
            self,
            n_classes=whole_number("n_classes", self.n_classes, least=2),
            alpha=real_number("alpha", self.alpha, above=0.0),
            probability=real_number("probability", self.probability, least=0.0, most=1.0),
        )

    def __call__(self, x: Any, labels: Tensor, draws: torch.Generator) -> tuple[Any, Tensor]:
        """Return mixed inputs and soft labels; of a batch that is not mixed the inputs as they are."""
        soft = self._soft(labels)
        # Beta needs a generator of numpy: torch's own distribution draws from the global one.
        seed = int(torch.randint(2**62, (), generator=draws, device=draws.device))
        rng = np.random.default_rng(seed)
        mixed, share = rng.random() < self.probability, float(rng.beta(self.alpha, self.alpha))
        order = torch.randperm(len(labels), generator=draws, device=draws.device).to(labels.device)
        if not mixed:
            return x, soft
        x, share = self._mixed(x, order, share, rng)
        together = share * soft + (1.0 - share) * soft[order]
        known = has_label(soft, soft)
        # A sample without a label, in half of the input or in all of it, leaves the label of the mixture unknown.
        return x, together * (known & known[order])[:, None]

    def _soft(self, labels: Tensor) -> Tensor:
        if labels.is_floating_point():
            if labels.ndim < 2 or labels.shape[1] != self.n_classes:
                shape = tuple(labels.shape)
                raise InputError(f"labels have shape {shape}, and soft ones need {self.n_classes} classes on axis 1")
            return labels
        return as_soft(labels, self.n_classes)

    @abc.abstractmethod
    def _mixed(self, x: Inputs, order: Tensor, share: float, rng: np.random.Generator) -> tuple[Inputs, float]:
        """Return every sample with its partner in it, and the share that is its own."""


@dataclass(frozen=True, kw_only=True)
class Mixup(_Mixing):
    r"""Averages of two samples and of their labels: x' = l x + (1 - l) x[order], y' = l y + (1 - l) y[order].

    To hand to `Trainer(mix=)`. The share l ~ Beta(alpha, alpha) is drawn once a batch and the partners are a
    permutation of it, as in the published code; both from the run's generator. Teachers see the mixed inputs too.

    Attributes
    ----------
    n_classes : int
    alpha : float
        1 draws the share uniformly; the smaller, the more often it is near 0 or 1.
    probability : float
        How often a batch is mixed.

    Raises
    ------
    InputError
        If a value cannot be used; from a batch, if inputs are whole numbers, such as tokens, or labels are no classes.

    Source: Zhang, Cisse, Dauphin and Lopez-Paz, "mixup: beyond empirical risk minimization", ICLR 2018, section 2.

    Examples
    --------
    >>> x, labels = torch.eye(2), torch.tensor([0, 1])
    >>> mixed, soft = Mixup(n_classes=2)(x, labels, torch.Generator().manual_seed(0))
    >>> torch.equal(mixed, soft), soft.sum(1)
    (True, tensor([1., 1.]))
    """

    def _mixed(self, x: Inputs, order: Tensor, share: float, rng: np.random.Generator) -> tuple[Inputs, float]:
        for name, part in named_tensors(x).items():
            if not part.is_floating_point():
                what = f"input {name!r}" if name else "x"
                raise InputError(f"{what} holds {part.dtype}, whose averages mean nothing; mix embeddings or images")
        return each_tensor(x, lambda part: share * part + (1.0 - share) * part[order]), share


@dataclass(frozen=True, kw_only=True)
class CutMix(_Mixing):
    """A box of every image replaced by that of its partner, labels by area: y' = l y + (1 - l) y[order].

    To hand to `Trainer(mix=)`. Of l0 ~ Beta(alpha, alpha) the box has the sides ``floor(height sqrt(1 - l0))`` and
    ``floor(width sqrt(1 - l0))`` around a uniform centre, cut off at the borders; l is the share of pixels outside it.
    One box serves a batch, as in the published code.

    Attributes
    ----------
    n_classes, alpha, probability
        As of `Mixup`.

    Raises
    ------
    InputError
        If a value cannot be used; from a batch, if it holds no images (n, channels, height, width), or has a label for
        every place.

    Source: Yun et al., "CutMix: regularization strategy to train strong classifiers with localizable features", ICCV
    2019, eq. 1 and 2.

    Examples
    --------
    >>> x, labels = torch.stack([torch.zeros(1, 8, 8), torch.ones(1, 8, 8)]), torch.tensor([0, 1])
    >>> mixed, soft = CutMix(n_classes=2)(x, labels, torch.Generator().manual_seed(0))
    >>> torch.allclose(mixed.mean((1, 2, 3)), soft[:, 1])
    True
    """

    def _mixed(self, x: Inputs, order: Tensor, share: float, rng: np.random.Generator) -> tuple[Inputs, float]:
        if not isinstance(x, Tensor) or x.ndim != 4:
            what = f"shape {tuple(x.shape)}" if isinstance(x, Tensor) else type(x).__name__
            raise InputError(f"images must have shape (n, channels, height, width) to be cut, not {what}")
        top, bottom, left, right = cut_box(x.shape[2], x.shape[3], share, rng)
        mixed = x.clone()
        mixed[:, :, top:bottom, left:right] = x[order, :, top:bottom, left:right]
        return mixed, 1.0 - (bottom - top) * (right - left) / (x.shape[2] * x.shape[3])

    def _soft(self, labels: Tensor) -> Tensor:
        soft = super()._soft(labels)
        if soft.ndim != 2:
            raise InputError(f"labels have shape {tuple(labels.shape)}, and CutMix takes one label an image")
        return soft


def cut_box(height: int, width: int, share: float, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """Return top, bottom, left and right of the box that leaves a share of an image, cut off at the borders.

    Examples
    --------
    >>> cut_box(8, 8, 0.75, np.random.default_rng(0))
    (4, 8, 3, 7)
    """
    edges = []
    for length in (height, width):
        side, centre = int(length * (1.0 - share) ** 0.5), int(rng.integers(length))
        low = centre - side // 2
        edges += [max(low, 0), min(low + side, length)]
    top, bottom, left, right = edges
    return top, bottom, left, right
