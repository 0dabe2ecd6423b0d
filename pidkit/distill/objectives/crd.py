"""Contrastive representation distillation: teacher and student agree on a sample and differ on samples of others."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from pidkit.arguments import check_count, real_number
from pidkit.distill.batch import Batch
from pidkit.distill.objective import Objective
from pidkit.distill.pairing import checked_pairs, embedded, embedding_maps, inner_products
from pidkit.distill.places import LayerPair
from pidkit.distill.sample_memory import SampleMemory
from pidkit.errors import InputError


class CRD(Objective):
    """Contrastive representation distillation: a critic tells the pair (T, S) of one sample from pairs of two.

    With unit vectors t = g_T(T) and s = g_S(S) of learned linear maps, and N negatives for each of the n samples of a
    batch, drawn from a memory of all M training samples, the loss is ``L(t | s) + L(s | t)`` with

        L = - mean_i ( log h(positive) + sum of the N log (1 - h(negative)) ),   h = e / (e + N / M),

    where e = exp(a . b / tau) / Z for an anchor a of the batch and a vector b of the other network, from the memory,
    and Z, as in the published code, is M times the mean of exp(a . b / tau) over the first batch. The bound on I(T;S)
    that the loss raises is log N - L.

    Parameters
    ----------
    pair : LayerPair
        The layers before the classifiers; flattened.
    labels : Tensor of int64, shape (M,)
        The class of every training sample: negatives are of other classes, as in the published code. With
        ``torch.arange(M)`` they are all other samples.
    n_negatives : int
        N.
    embedding : int
        Length of the vectors.
    temperature : float
        tau.
    momentum : float
        Weight of the past in the memory.

    Attributes
    ----------
    memory : SampleMemory
        Fed by training passes alone, after their own loss.
    maps : nn.ModuleDict
        g_T and g_S, group "critics".

    Raises
    ------
    InputError
        If an option is out of its range; from a pass, if the batch says no `indices` or some that are not below M.

    Notes
    -----
    `Trainer` passes the number of each sample; in a loop of your own, ``networks(x, phase, indices)``. Negatives are
    drawn from torch's CPU generator.

    Source: Tian, Krishnan and Isola, "Contrastive representation distillation", ICLR 2020, eq. 17 to 19.

    Examples
    --------
    >>> crd = CRD(LayerPair("pool", "pool", (64,), (16,)), torch.arange(100) % 10, n_negatives=20)
    >>> {group: len(parameters) for group, parameters in crd.groups().items()}
    {'critics': 4}
    """

    def __init__(
        self,
        pair: LayerPair,
        labels: Tensor,
        *,
        n_negatives: int = 16384,
        embedding: int = 128,
        temperature: float = 0.07,
        momentum: float = 0.5,
    ) -> None:
        """Build the maps and the memory."""
        super().__init__()
        (self.pair,) = checked_pairs([pair])
        self.n_negatives, embedding = check_count("n_negatives", n_negatives), check_count("embedding", embedding)
        self.temperature = real_number("temperature", temperature, above=0.0)
        self.maps = embedding_maps(self.pair, embedding)
        self.memory = SampleMemory(labels, embedding, real_number("momentum", momentum, least=0.0, below=1.0))
        self.register_buffer("log_normaliser", torch.full((2,), math.nan))

    def student_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return the loss of both directions; the labels of the batch are not looked at."""
        indices = self._indices(batch)
        vectors = dict(zip(("teacher", "student"), embedded(batch, self.pair, self.maps), strict=True))
        others = torch.cat([indices[:, None], self.memory.negatives(indices, self.n_negatives)], 1)
        total = batch.zero()
        for k, (anchor, other) in enumerate((("student", "teacher"), ("teacher", "student"))):
            # A copy: the memory changes before the backward pass.
            known = self.memory.get_buffer(other)[others].to(vectors[anchor])
            scores = inner_products(known, vectors[anchor][:, None])[:, :, 0] / self.temperature
            total = total + self._loss(scores - self._log_normaliser(k, scores))
        if self.training:
            self.memory.remember(indices, vectors["teacher"], vectors["student"])
        return total

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """Return the parameters of the maps."""
        return {"critics": list(self.maps.parameters())}

    def _loss(self, log_e: Tensor) -> Tensor:
        """Return L of log e, shape (n, 1 + N), the positive first."""
        # log h = -log(1 + exp(c - log e)) and log (1 - h) = -log(1 + exp(log e - c)), with c = log(N / M).
        margin = log_e - math.log(self.n_negatives / len(self.memory))
        return functional.softplus(-margin[:, 0]).mean() + functional.softplus(margin[:, 1:]).sum(1).mean()

    @torch.no_grad()
    def _log_normaliser(self, k: int, scores: Tensor) -> Tensor:
        """Return log Z of a direction, which the first batch in training sets."""
        kept = self.get_buffer("log_normaliser")
        here = scores.logsumexp((0, 1)) - math.log(scores.numel()) + math.log(len(self.memory))
        value = torch.where(kept[k].isnan(), here.to(kept), kept[k])
        if self.training:
            kept[k] = value
        return value.to(scores)

    def _indices(self, batch: Batch) -> Tensor:
        if batch.indices is None:
            advice = "networks(x, phase, indices) with the number of each sample among the training data"
            raise InputError(
                f"CRD remembers samples, but the batch says no indices, and a mixed one has none; call {advice}"
            )
        indices = batch.indices.to(self.memory.labels.device)
        if indices.device.type == "cpu":  # a GPU would have to wait
            low, high = int(indices.min()), int(indices.max())
            if low < 0 or high >= len(self.memory):
                raise InputError(f"indices must lie in 0..{len(self.memory) - 1}, they reach {low}..{high}")
        return indices
