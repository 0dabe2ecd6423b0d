"""Cross-modal alignment: what teacher and student make of one sample lies together, of two samples apart."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from pidkit.arguments import check_count, real_number
from pidkit.distill.batch import Batch
from pidkit.distill.objective import Objective
from pidkit.distill.pairing import checked_pairs, embedded, embedding_maps, inner_products
from pidkit.distill.places import LayerPair
from pidkit.errors import InputError


class CrossModalAlignment(Objective):
    """Symmetric InfoNCE between a layer of the teacher and one of the student, which may see another modality.

    With unit vectors t_i and s_i of learned linear maps, -1/2 mean_i ( log softmax_j(s_i . t_j / tau)_i +
    log softmax_j(t_i . s_j / tau)_i ): the other samples of the batch are the negatives, and log n minus the loss is a
    lower bound on I(T;S) in nats.

    Parameters
    ----------
    pair : LayerPair
        Flattened; any shapes.
    embedding : int
        Length of the vectors.
    temperature : float
        tau.

    Attributes
    ----------
    maps : nn.ModuleDict
        The linear maps of "teacher" and "student", group "critics".

    Raises
    ------
    InputError
        If an option is out of its range; from a batch of a single sample, which has no negatives.

    Notes
    -----
    Networks take one tensor. For two modalities put both into it and let each network read its part: a module whose
    forward is ``self.model(x[:, :3])`` for the images, ``self.model(x[:, 3:])`` for the depth.

    Source: Goswami, "Notes on distillation", 2025, eq. 21 and 22; the bound of van den Oord et al., 2018, both ways.

    Examples
    --------
    >>> alignment = CrossModalAlignment(LayerPair("pool", "pool", (64,), (16,)), embedding=8)
    >>> {group: len(parameters) for group, parameters in alignment.groups().items()}
    {'critics': 4}
    """

    def __init__(self, pair: LayerPair, *, embedding: int = 128, temperature: float = 0.07) -> None:
        """Build the maps."""
        super().__init__()
        (self.pair,) = checked_pairs([pair])
        embedding = check_count("embedding", embedding)
        self.temperature = real_number("temperature", temperature, above=0.0)
        self.maps = embedding_maps(self.pair, embedding)

    def student_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return the loss in nats; the labels are not looked at."""
        n = len(batch.student.logits)
        if n < 2:
            raise InputError("CrossModalAlignment needs at least 2 samples a batch, for negatives; drop the last batch")
        t, s = embedded(batch, self.pair, self.maps)
        scores = inner_products(s, t) / self.temperature
        own = torch.arange(n, device=scores.device)
        return 0.5 * (functional.cross_entropy(scores, own) + functional.cross_entropy(scores.T, own))

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """Return the parameters of the maps."""
        return {"critics": list(self.maps.parameters())}
