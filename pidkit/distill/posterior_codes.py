"""Codes of what a network knows about the labels: the centroid nearest to its posterior."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from pidkit.arguments import Rng, generator, real_number
from pidkit.distill.batch import Outputs
from pidkit.distill.codes import Codes, check_temperature
from pidkit.distill.layer_decoder import LayerDecoder
from pidkit.errors import InputError
from pidkit.representations.posterior_codes import SMALLEST, posterior_codes


class PosteriorCodes(Codes):
    """Code a network by its posterior: the centroid c_k of the smallest KL(posterior, c_k), or probabilities.

    Soft codes are softmax_k(-KL(posterior, c_k) / temperature); a student learns through them. The atoms of codes are
    those of the posteriors up to the mean of these divergences (`coding_loss_1` of `representation_pid`), whereas codes
    without labels follow what varies most in a layer.

    Parameters
    ----------
    centroids : array_like, shape (n_codes, n_classes)
        Probabilities.
    decoder : LayerDecoder, optional
        What reads the posterior out of layers; None takes softmax(logits), the network's own head.
    temperature : float, optional
        In nats; None gives hard codes.

    Raises
    ------
    InputError
        If centroids are not probabilities of a decoder's classes, the temperature is not positive, or a batch has
        another number of logits.

    Examples
    --------
    >>> codes = PosteriorCodes([[0.9, 0.1], [0.1, 0.9]])
    >>> codes(Outputs(torch.tensor([[0.0, 3.0], [1.0, 0.0]]), {})).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """

    log_centroids: Tensor

    def __init__(
        self, centroids: npt.ArrayLike, decoder: LayerDecoder | None = None, *, temperature: float | None = None
    ) -> None:
        """Check the centroids."""
        super().__init__()
        table = np.asarray(centroids, dtype=np.float64)
        if table.ndim != 2 or not np.allclose(table.sum(1), 1.0, atol=1e-6) or (table < 0.0).any():
            raise InputError("centroids must be rows of probabilities, shape (n_codes, n_classes)")
        if decoder is not None and decoder.n_classes != table.shape[1]:
            raise InputError(f"centroids have {table.shape[1]} classes, but the decoder has {decoder.n_classes}")
        self.n_codes, self.decoder, self.temperature = len(table), decoder, check_temperature(temperature)
        self.register_buffer("log_centroids", torch.tensor(np.log(np.maximum(table, SMALLEST)), dtype=torch.float64))

    @classmethod
    def fit(
        cls,
        model: nn.Module,
        layers: str | Iterable[str],
        x: Tensor,
        labels: npt.ArrayLike | Tensor,
        *,
        n_codes: int = 10,
        temperature: float | None = None,
        calibrate_on: tuple[Tensor, npt.ArrayLike | Tensor] | None = None,
        pool: bool = True,
        batch_size: int = 256,
        rng: Rng = 0,
    ) -> Self:
        """Fit a decoder to layers of a teacher, and centroids to the posteriors of inputs that it had not seen.

        Parameters
        ----------
        model, layers, x, labels, calibrate_on, pool, batch_size
            As in `LayerDecoder.fit`.
        n_codes : int
            Fewer distinct posteriors give fewer codes.
        temperature
            As in the class.
        rng : int or numpy.random.Generator
            Seeds the folds and the centroids.

        Raises
        ------
        InputError
            As `LayerDecoder.fit`.
        """
        draws = generator(rng)
        decoder = LayerDecoder.fit(
            model, layers, x, labels, calibrate_on=calibrate_on, pool=pool, batch_size=batch_size, rng=draws
        )
        assert decoder.cross_fitted is not None
        _, centroids = posterior_codes(decoder.cross_fitted, n_codes, draws)
        return cls(centroids, decoder, temperature=temperature)

    def of_student(self, *, temperature: float = 0.1) -> PosteriorCodes:
        """Return the codes of a student's own answers by the same centroids, through which it learns."""
        positive = real_number("temperature", temperature, above=0.0)
        return PosteriorCodes(self.log_centroids.exp().cpu().numpy(), temperature=positive)

    def forward(self, outputs: Outputs) -> Tensor:
        """Return the codes of the posteriors, shape (n, n_codes), float64."""
        q = (self._own(outputs.logits) if self.decoder is None else self.decoder(outputs)).exp()
        expected = q @ self.log_centroids.double().T  # less the posterior's own entropy: -KL, to each centroid
        if self.temperature is None:
            return nn.functional.one_hot(expected.argmax(1), self.n_codes).double()
        return torch.softmax(expected / self.temperature, 1)

    def _own(self, logits: Tensor) -> Tensor:
        n_classes = self.log_centroids.shape[1]
        if logits.ndim != 2 or logits.shape[1] != n_classes:
            raise InputError(f"logits must have shape (n, {n_classes}), as the centroids, not {tuple(logits.shape)}")
        return torch.log_softmax(logits.double(), 1)
