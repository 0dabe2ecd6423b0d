"""The reconstruction decoder: how much better an input is predicted with a representation than without."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from pidkit.arguments import Rng, generator, keep_checked, one_of, seed_name
from pidkit.errors import InputError
from pidkit.mi.constant import zero_where_constant
from pidkit.mi.decoder.network import DECODER_BUDGET, UNIFORM_SHARE, check_hidden, overfitted, train_perceptron
from pidkit.mi.doubts import doubted
from pidkit.mi.repeats import repeats
from pidkit.mi.result import MIEstimate, in_nats
from pidkit.mi.row_groups import Groups, joined, standard_error
from pidkit.mi.samples import Samples, check_pairs, check_rows, drawn_in, scaling, tail_warnings
from pidkit.mi.splits import ThreeWaySplit, check_folds, three_way_splits
from pidkit.nn.budget import TrainingBudget, check_budget
from pidkit.types import FloatArray, IntArray, Unit

SMALLEST_VARIANCE = 1e-3
"""Smallest variance of a Gaussian decoder, as a share of the mean variance of a pixel."""


PixelLoss = Literal["bce", "gaussian"]
"""What the decoder of a pixel minimises."""


@dataclass(frozen=True)
class ReconstructionDecoder:
    """Measure how much better A is reconstructed with B than without: R(null) - R(decoder), summed over the pixels.

    The null decoder knows the mean of every pixel of A (and its variance); the decoder predicts A from B. Both are
    scored on held-out rows, in nats: 0 means that B helps not at all. This is the V-information of one family of
    decoders, not a lower bound of I(A; B): 784 copies of one bit score 784 bits.

    Parameters
    ----------
    loss : str
        "bce": cross-entropy of pixels in [0, 1], as in SFKD's appendix A; "gaussian": minus the log-density of a
        Gaussian with a mean from the decoder and a variance for every pixel.
    hidden : tuple of int
        Hidden layers of the decoder; () is linear.
    folds : int, optional
        1 for one split in three, more for cross-fitting; None for five folds below 2000 samples.
    budget : TrainingBudget

    References
    ----------
    Xu et al., A theory of usable information under computational constraints, ICLR 2020; SFKD, appendix A.

    Examples
    --------
    >>> import numpy as np
    >>> bit = np.random.default_rng(0).integers(2, size=(600, 1)).astype(float)
    >>> estimate = ReconstructionDecoder("bce").estimate(np.repeat(bit, 4, axis=1), bit)
    >>> estimate.kind, bool(3.5 < estimate.value <= 4.01)
    ('v_information', True)
    """

    loss: PixelLoss = "gaussian"
    hidden: tuple[int, ...] = (128,)
    folds: int | None = None
    budget: TrainingBudget = DECODER_BUDGET

    def __post_init__(self) -> None:
        """Check the parameters."""
        loss = one_of("loss", self.loss, get_args(PixelLoss))
        keep_checked(self, budget=check_budget(self.budget))
        keep_checked(self, loss=loss, hidden=check_hidden(self.hidden), folds=check_folds(self.folds))

    @zero_where_constant
    @doubted()
    def estimate(
        self, a: Samples, b: Samples, *, unit: Unit = "bits", rng: Rng = 0, groups: Groups | None = None
    ) -> MIEstimate:
        """Estimate the V-information of the input `a` (n, ...) in the representation `b` (n, ...), in `unit`.

        Rows of one of the `groups` (n,) stay in one part of a split, as copies of one row do, and the standard error
        allows for them.

        Raises
        ------
        InputError
            If a side is not a finite real array, the lengths differ, there are fewer than 10 samples, `loss` is "bce"
            and `a` leaves [0, 1], or groups leave fewer than ten sets of rows.
        """
        began = time.perf_counter()
        pixels, rows = check_rows(a, "a"), check_rows(b, "b")
        n = check_pairs(len(pixels), len(rows), at_least=10, reason="a split in three")
        if self.loss == "bce" and not (pixels.min() >= 0.0 and pixels.max() <= 1.0):
            raise InputError("a must lie in [0, 1] for loss='bce'; rescale it, or take loss='gaussian'")
        draws = generator(rng)
        together = joined(groups, repeats(pixels, rows).groups)
        scored: list[IntArray] = []
        nulls: list[FloatArray] = []
        decoders: list[FloatArray] = []
        trains: list[float] = []
        for split in three_way_splits(n, draws, folds=self.folds, groups=together):
            scored.append(split.value)
            null, decoder, train = self._costs(pixels, rows, split, draws)
            nulls.append(null)
            decoders.append(decoder)
            trains.append(train)
        null, decoder = np.concatenate(nulls), np.concatenate(decoders)
        saved = null - decoder
        train_value = float(np.average(trains, weights=[part.size for part in nulls]))
        return in_nats(
            saved.mean(),
            kind="v_information",
            estimator=f"reconstruction-decoder ({self.loss})",
            n_samples=n,
            unit=unit,
            stderr=standard_error(saved, None if groups is None else together[np.concatenate(scored)]),
            warnings=(
                *overfitted(train_value, float(saved.mean())),
                *(tail_warnings(pixels, "a", "the Gaussian cost") if self.loss == "gaussian" else ()),
            ),
            information={
                "null": float(null.mean()),
                "decoder": float(decoder.mean()),
                "train_value": train_value,
            },
            diagnostics={"folds": len(nulls), "hidden": list(self.hidden)},
            seed=seed_name(rng),
            seconds=time.perf_counter() - began,
        )

    def _costs(
        self, pixels: FloatArray, rows: FloatArray, split: ThreeWaySplit, rng: np.random.Generator
    ) -> tuple[FloatArray, FloatArray, float]:
        """Return the cost of every held-out row under null and decoder, and what the decoder saves in training."""
        shift, scale = scaling(rows[split.train])
        inputs = drawn_in((rows - shift) / scale)
        # Gaussian pixels are centred on the training mean and share one scale, so that no pixel is blown up.
        centre = pixels[split.train].mean(axis=0)
        size = float(np.sqrt(pixels[split.train].var(axis=0).mean())) or 1.0
        gaussian = self.loss == "gaussian"
        targets = (pixels - centre) / size if gaussian else pixels
        net = train_perceptron(
            (inputs[split.train], targets[split.train]),
            (inputs[split.stop], targets[split.stop]),
            link="identity" if gaussian else "sigmoid",
            hidden=self.hidden,
            rng=rng,
            budget=self.budget,
        )
        means = net.mean(inputs)
        null_mean = np.broadcast_to(targets[split.train].mean(axis=0), targets.shape)
        cost = _gaussian_cost if gaussian else _bce_cost
        null, decoder = (cost(targets, mean, split.stop) for mean in (null_mean, means))
        return null[split.value], decoder[split.value], float((null - decoder)[split.train].mean())


def _bce_cost(target: FloatArray, mean: FloatArray, stop: IntArray) -> FloatArray:
    """Return the cross-entropy of every row, summed over the pixels; predictions are mixed with a little of ½."""
    inside = (1.0 - UNIFORM_SHARE) * mean + 0.5 * UNIFORM_SHARE
    return np.asarray(-(target * np.log(inside) + (1.0 - target) * np.log1p(-inside)).sum(axis=1))


def _gaussian_cost(target: FloatArray, mean: FloatArray, stop: IntArray) -> FloatArray:
    """Return minus the log-density of every row, the variance of every pixel being that of the rows of `stop`."""
    error = (target - mean) ** 2
    variance = np.maximum(error[stop].mean(axis=0), SMALLEST_VARIANCE)
    return np.asarray((0.5 * np.log(2.0 * math.pi * variance) + 0.5 * error / variance).sum(axis=1))
