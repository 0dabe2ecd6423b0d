"""What layers tell about the labels, inside torch: calibrated linear decoders that were fitted once and stay."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from pidkit.arguments import Rng, flag, generator, items_of, whole_number
from pidkit.distill.batch import Outputs
from pidkit.distill.padding import pooled_layer, without_padding
from pidkit.distill.teacher_features import teacher_features
from pidkit.errors import InputError
from pidkit.mi.decoder import FittedLabelDecoder, LabelDecoder
from pidkit.mi.decoder.network import UNIFORM_SHARE
from pidkit.nn.inputs import Inputs, n_samples
from pidkit.representations.calibration import Calibration, fit_calibration
from pidkit.representations.folds import cross_fitting_splits
from pidkit.symbols import encode_labels
from pidkit.types import FloatArray, IntArray


class LayerDecoder(nn.Module):
    """Read P(y | layers) out of a frozen network: the mean of calibrated logistic regressions, one a fold of a sample.

    A teacher of another task knows something about this one, which its own answers do not say. The decoders are those
    of `representation_pid`: each was fitted to the other folds and calibrated on rows that it had not seen.

    Parameters
    ----------
    layers : sequence of str
        Qualified names of tapped layers, read side by side.
    decoders : sequence of FittedLabelDecoder
        Linear ones.
    calibrations : sequence of Calibration
    pool : bool
        Whether the channels are averaged over the places first.

    Attributes
    ----------
    n_classes : int
    cross_fitted : ndarray, shape (n, n_classes)
        After `fit`, the posteriors of its rows by the decoder that had not seen them; else None.

    Examples
    --------
    >>> labels = torch.arange(200) % 2
    >>> x = nn.functional.one_hot(labels, 2) + 0.1 * torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
    >>> model = nn.Sequential(nn.Linear(2, 3))
    >>> decoder = LayerDecoder.fit(model, "0", x, labels)
    >>> log_q = decoder(Outputs(x, {"0": model(x).detach()}))
    >>> bool((log_q.argmax(1) == labels).all())
    True
    """

    weights: Tensor
    biases: Tensor
    matrices: Tensor
    shifts: Tensor

    def __init__(
        self,
        layers: Sequence[str],
        decoders: list[FittedLabelDecoder],
        calibrations: list[Calibration],
        *,
        pool: bool,
    ) -> None:
        """Copy what was fitted into buffers, standardisation included."""
        super().__init__()
        self.layers = tuple(items_of("layers", layers))
        self.pool = flag("pool", pool)
        self.cross_fitted: FloatArray | None = None
        linear = [_affine(decoder) for decoder in items_of("decoders", decoders)]
        self.n_classes = linear[0][1].size
        for name, arrays in (
            ("weights", [weight for weight, _ in linear]),
            ("biases", [bias for _, bias in linear]),
            ("matrices", [calibration.matrix for calibration in items_of("calibrations", calibrations)]),
            ("shifts", [calibration.bias for calibration in items_of("calibrations", calibrations)]),
        ):
            self.register_buffer(name, torch.tensor(np.stack(arrays), dtype=torch.float64))

    @classmethod
    def fit(
        cls,
        model: nn.Module,
        layers: str | Iterable[str],
        x: Inputs,
        labels: npt.ArrayLike | Tensor,
        *,
        calibrate_on: tuple[Inputs, npt.ArrayLike | Tensor] | None = None,
        pool: bool = True,
        folds: int = 5,
        batch_size: int = 256,
        rng: Rng = 0,
    ) -> Self:
        """Fit the decoders to what layers of a network make of labelled inputs; the network is left as it was.

        Parameters
        ----------
        model : nn.Module
            The teacher, or `Networks` with one teacher, whose layers are then meant.
        layers : str or iterable of str
            Qualified names or globs.
        x : Tensor, shape (n, ...), or mapping of str to Tensor
            Inputs as in training.
        labels : array_like of int, length n
            Classes 0, 1, ... of the task, each with `folds` inputs at least.
        calibrate_on : pair of Tensor and array_like, optional
            Other inputs, which the teacher has not been trained on, and their labels: a decoder of what a teacher has
            seen is too sure of what it has not. None calibrates on rows of `x` that the decoder has not been fitted to.
        pool : bool
            Average the channels over the places first; False flattens them.
        folds, batch_size : int
        rng : int or numpy.random.Generator
            Seeds the folds.

        Raises
        ------
        InputError
            If a layer is unknown, labels are missing or too few, or as `collect_features`.
        """
        pool = flag("pool", pool)
        n_folds, draws = whole_number("folds", folds, least=2), generator(rng)
        y, n_classes = encode_labels(labels, n=None, name="labels")
        read = partial(_rows, model, layers, pool=pool, batch_size=batch_size)
        rows, names = read(x, y, "labels")
        if np.unique(y).size < max(n_classes, 2):
            raise InputError(f"labels must hold every class from 0 to {n_classes - 1}, two at least")
        splits = cross_fitting_splits(y, n_folds, None, draws)
        decoders = LabelDecoder().cross_fit(rows, y, splits=splits, rng=draws)
        if calibrate_on is None:
            seen = [(rows[split.stop], y[split.stop]) for split in splits]
        else:
            held_out, _ = encode_labels(calibrate_on[1], n=n_classes, name="calibrate_on[1]")
            others, _ = read(calibrate_on[0], held_out, "calibrate_on[1]")
            seen = [(others, held_out)] * n_folds
        calibrations = [
            fit_calibration(decoder.posteriors(rows_seen), labels_seen)
            for decoder, (rows_seen, labels_seen) in zip(decoders, seen, strict=True)
        ]
        cross_fitted = np.empty((y.size, n_classes))
        for split, decoder, calibration in zip(splits, decoders, calibrations, strict=True):
            cross_fitted[split.value] = calibration.apply(decoder.posteriors(rows[split.value]))
        made = cls(names, decoders, calibrations, pool=pool)
        made.cross_fitted = cross_fitted
        return made

    def forward(self, outputs: Outputs) -> Tensor:
        """Return log P(y | layers), shape (n, n_classes), float64."""
        mask, taps = outputs.mask, [outputs.layer(name) for name in self.layers]
        read = [pooled_layer(x, mask) if self.pool else without_padding(x, mask).flatten(1) for x in taps]
        rows = torch.cat([one.double() for one in read], 1)
        if rows.shape[1] != self.weights.shape[1]:
            raise InputError(
                f"{', '.join(self.layers)} have {rows.shape[1]} features a sample, but the decoder was fitted to "
                f"{self.weights.shape[1]}; fit it on the inputs that training uses"
            )
        q = self._spread(torch.softmax(rows @ self.weights.double() + self.biases.double()[:, None], 2))
        calibrated = q.log() @ self.matrices.double().transpose(1, 2) + self.shifts.double()[:, None]
        return self._spread(torch.softmax(calibrated, 2)).mean(0).log()

    def _spread(self, q: Tensor) -> Tensor:
        """Mix probabilities with a little of the uniform, as the decoders of numpy do."""
        return (1.0 - UNIFORM_SHARE) * q + UNIFORM_SHARE / self.n_classes


def _rows(
    model: nn.Module,
    layers: str | Iterable[str],
    x: Inputs,
    labels: IntArray,
    name: str,
    *,
    pool: bool,
    batch_size: int,
) -> tuple[FloatArray, list[str]]:
    """Return the rows of the layers side by side, one a label, and the layers' names."""
    features = teacher_features(model, layers, x, batch_size=batch_size, pool=pool)
    if labels.size != n_samples(x):
        raise InputError(f"{name} must hold one class an input; there are {labels.size} for {n_samples(x)} inputs")
    return torch.cat([*features.values()], 1).double().numpy(), [*features]


def _affine(decoder: FittedLabelDecoder) -> tuple[FloatArray, FloatArray]:
    """Return weights (d, C) and biases (C,) of a linear decoder for rows that are not standardised."""
    table = decoder.net.weights[0]
    weights = table[:-1] / np.asarray(decoder.scale)[:, None]
    return weights, table[-1] - decoder.shift @ weights
