"""Codes of a teacher's layer inside torch: the nearest k-means centre, or probabilities over all centres."""

from __future__ import annotations

import math
from typing import Self

import torch
from torch import Tensor, nn

from pidkit.arguments import Rng, integer_seed, real_number
from pidkit.distill.batch import Outputs
from pidkit.distill.codes import Codes, check_temperature
from pidkit.distill.padding import without_padding
from pidkit.distill.teacher_features import teacher_features
from pidkit.errors import InputError
from pidkit.nn.inputs import Inputs
from pidkit.quantise import RepresentationCodes


class NearestCentres(Codes):
    """Code a layer by its nearest centre, or by probabilities softmax_k(-||z - c_k||² / temperature), z the projection.

    Flatten, scale to unit length where the quantiser does, project on the principal components, compare with the
    centres; all in float64. The hard codes are those of the quantiser.

    Parameters
    ----------
    layer : str
        Qualified name of a tapped layer.
    quantiser : RepresentationCodes
        Fitted.
    temperature : float, optional
        None gives hard codes. In the unit of the squared distances, of which `spread` tells the scale: at temperature =
        spread, a sample that lies as close to its centre as samples do on average is shared with a centre that is
        twice as far by e^-3 to 1.
    spread : float, optional
        Mean squared distance of a sample to its centre, where known.

    Raises
    ------
    InputError
        If the quantiser is not fitted, the temperature is not positive, or a batch has other features than the fit.

    Examples
    --------
    >>> features = torch.tensor([[0.0, 1.0], [0.1, 1.0], [5.0, 0.0], [5.1, 0.0]])
    >>> codes = NearestCentres("pool", RepresentationCodes(n_codes=2).fit(features))
    >>> rows = codes(Outputs(features, {"pool": features}))
    >>> rows.shape, bool((rows[0] == rows[1]).all()), bool((rows[0] == rows[2]).any())
    (torch.Size([4, 2]), True, False)
    """

    centres: Tensor
    components: Tensor | None
    offset: Tensor | None
    spread: Tensor

    def __init__(
        self,
        layer: str,
        quantiser: RepresentationCodes,
        *,
        temperature: float | None = None,
        spread: float | None = None,
    ) -> None:
        """Copy what the quantiser has learned into buffers."""
        super().__init__()
        if not hasattr(quantiser, "n_codes_"):
            raise InputError(
                "quantiser must be a fitted RepresentationCodes; call its fit first, or NearestCentres.fit"
            )
        self.layer, self.temperature, self.normalise = layer, check_temperature(temperature), bool(quantiser.normalise)
        self.n_codes, self.n_features = quantiser.n_codes_, quantiser.n_features_in_
        pca = quantiser.pca_
        self.register_buffer("centres", torch.tensor(quantiser.codes_.codebook_, dtype=torch.float64))
        self.register_buffer("components", None if pca is None else torch.tensor(pca.components_, dtype=torch.float64))
        self.register_buffer("offset", None if pca is None else torch.tensor(pca.mean_, dtype=torch.float64))
        known = math.nan if spread is None else real_number("spread", spread, least=0.0)
        self.register_buffer("spread", torch.tensor(known, dtype=torch.float64))

    @classmethod
    def fit(
        cls,
        model: nn.Module,
        layer: str,
        x: Inputs,
        *,
        n_codes: int = 10,
        n_pca: int | None = 10,
        normalise: bool = True,
        temperature: float | None = None,
        batch_size: int = 256,
        rng: Rng = 0,
    ) -> Self:
        """Fit the centres on what a layer of a network makes of inputs; the network is left as it was.

        Parameters
        ----------
        model : nn.Module
            The teacher, or `Networks` with one teacher, whose layer is then meant, as it is tapped.
        layer : str
        x : Tensor, shape (n, ...), or mapping of str to Tensor
            Inputs as in training; a few thousand are plenty.
        n_codes, n_pca, normalise
            As in `RepresentationCodes`. Fewer distinct rows than `n_codes` give fewer codes.
        temperature
            As in the class.
        batch_size : int
            Inputs that run through the network at once.
        rng : int or numpy.random.Generator
            Seeds principal components and k-means.

        Raises
        ------
        InputError
            If the layer is unknown or not one layer, or as `collect_features` and `RepresentationCodes` raise it.
        """
        seed = integer_seed(rng)
        layers = teacher_features(model, layer, x, batch_size=batch_size)
        if len(layers) != 1:
            raise InputError(f"layer {layer!r} stands for {len(layers)} layers; name one")
        name, features = next(iter(layers.items()))
        quantiser = RepresentationCodes(n_pca, n_codes, normalise=normalise, random_state=seed).fit(features)
        codes = cls(name, quantiser, temperature=temperature)
        nearest = [codes._distances(rows).amin(1) for rows in torch.split(features, 4096)]
        codes.spread.fill_(float(torch.cat(nearest).mean()))
        return codes

    def forward(self, outputs: Outputs) -> Tensor:
        """Return the codes of the layer, shape (n, n_codes), float64."""
        distances = self._distances(without_padding(outputs.layer(self.layer), outputs.mask))
        if self.temperature is None:
            # The first of equally near centres, as the quantiser takes.
            return nn.functional.one_hot(distances.argmin(1), self.n_codes).double()
        return torch.softmax(-distances / self.temperature, 1)

    def _distances(self, features: Tensor) -> Tensor:
        rows = features.flatten(1).double()
        if rows.shape[1] != self.n_features:
            raise InputError(
                f"layer {self.layer!r} has {rows.shape[1]} features a sample, but the centres were fitted on "
                f"{self.n_features}; fit them on the inputs that training uses"
            )
        if self.normalise:
            rows = _unit_rows(rows)
        if self.components is not None and self.offset is not None:
            rows = (rows - self.offset.double()) @ self.components.double().T
        # Differences, not |a|² - 2ab + |b|²: what the quantiser does, and exact far from the origin.
        return torch.cdist(rows, self.centres.double(), compute_mode="donot_use_mm_for_euclid_dist").square()


def _unit_rows(rows: Tensor) -> Tensor:
    """Return rows at unit Euclidean length, zero rows as they are; tiny ones do not underflow."""
    peak = rows.abs().amax(1, keepdim=True)
    scaled = rows / torch.where(peak > 0.0, peak, 1.0)
    length = scaled.norm(dim=1, keepdim=True)
    return scaled / torch.where(length > 0.0, length, 1.0)
