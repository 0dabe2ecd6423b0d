"""Salient feature masking: any objective, of a teacher of whose outputs only the greatest entries are kept."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Literal, get_args

import torch
from torch import Tensor

from pidkit.arguments import items_of, one_of
from pidkit.distill.batch import Batch, Outputs
from pidkit.distill.labels import check_logits
from pidkit.distill.objective import Objective
from pidkit.distill.objectives.wrapping import WrappedObjective
from pidkit.distill.padding import counted_places
from pidkit.distill.salience import Ranking, check_share, keep_top

Fill = Literal["-inf", "zero"]
"""What replaces the logits that are not kept, by name."""

FILLS: dict[Fill, float] = {"-inf": -math.inf, "zero": 0.0}
"""The values behind these names."""


class SalientMask(WrappedObjective):
    """An objective whose teacher is masked: of each sample only the top fraction K of the teacher's entries is kept.

    Of n entries, k = max(1, ceil(K n)) are kept. Logits are ranked among the classes, at each place where there are
    several; layers are ranked by magnitude over channels and places together, padding left out, and
    the rest is 0. K = 1 gives exactly the loss of the objective itself. Every phase sees the masked teacher.

    Parameters
    ----------
    objective : Objective
    keep : float
        K, 0 < K <= 1. The information plane guides it: take it where I(masked layer; .) against K levels off (.5 to .8
        with the authors; on digits .2 was enough for I(Y; .)).
    logits : "value", "magnitude" or "none"
        How the logits are ranked; "none" leaves them whole.
    fill : "-inf" or "zero"
        What becomes of the other logits. With -inf the teacher's probabilities are the k greatest, renormalised.
    layers : "all" or iterable of str
        Which of the teacher's layers are masked; () for none.

    Raises
    ------
    InputError
        If `keep` is not in (0, 1], an option is unknown, or, from a batch, a layer in `layers` is not tapped.

    Notes
    -----
    The source's Proposition 1 says that the mask makes the teacher less uniform. With -inf it does: renormalising over
    the top k never raises the entropy, at any temperature. With the zeros of the source it does not: a zero is greater
    than a negative logit. Measured on Gaussian logits of standard deviation .5 to 3: with K >= .5 the entropy rises in
    all draws over 100 classes, and with K >= .8 in over 99 % of those over 10; only for small K and logits far apart,
    where most of what is dropped is positive, does it fall.

    Source: "Efficient knowledge distillation via salient feature masking" (SFKD).

    Examples
    --------
    >>> import torch
    >>> from pidkit.distill.objectives.logits import KD
    >>> follow = SalientMask(KD(temperature=2.0), keep=0.5)
    >>> student, teacher = Outputs(torch.zeros(1, 4), {}), Outputs(torch.tensor([[3.0, 1.0, 2.0, -1.0]]), {})
    >>> masked = Outputs(torch.tensor([[3.0, -math.inf, 2.0, -math.inf]]), {})
    >>> labels = torch.tensor([0])
    >>> loss = follow(Batch(student, {"teacher": teacher}), labels)
    >>> bool(loss == KD(temperature=2.0)(Batch(student, {"teacher": masked}), labels))
    True
    """

    def __init__(
        self,
        objective: Objective,
        *,
        keep: float,
        logits: Ranking | Literal["none"] = "value",
        fill: Fill = "-inf",
        layers: str | Iterable[str] = "all",
    ) -> None:
        """Check the options."""
        super().__init__(objective)
        self.logits: Ranking | Literal["none"] = one_of("logits", logits, (*get_args(Ranking), "none"))
        self.fill = one_of("fill", fill, get_args(Fill))
        self.keep = check_share(keep)
        self.layers = (
            None if layers == "all" else frozenset([layers] if isinstance(layers, str) else items_of("layers", layers))
        )

    def seen(self, batch: Batch, labels: Tensor) -> Batch:
        """Return the batch with the masked teachers."""
        if self.keep == 1.0:
            return batch
        return replace(
            batch, teachers={name: self._masked(outputs, labels) for name, outputs in batch.teachers.items()}
        )

    def _masked(self, outputs: Outputs, labels: Tensor) -> Outputs:
        for name in self.layers or ():
            outputs.layer(name)  # refuses what is not tapped
        logits = outputs.logits.detach()
        if self.logits != "none":
            if logits.ndim > 2:
                check_logits(logits, labels)
            rows = logits.movedim(1, -1)
            kept = keep_top(rows.flatten(0, -2), self.keep, by=self.logits, fill=FILLS[self.fill])
            logits = kept.reshape(rows.shape).movedim(-1, 1)
        names = frozenset(outputs.layers) if self.layers is None else self.layers
        return Outputs(logits, _MaskedLayers(outputs, names, self.keep), outputs.mask)

    def extra_repr(self) -> str:
        """Show the options."""
        layers = "all" if self.layers is None else sorted(self.layers)
        return f"keep={self.keep:g}, logits={self.logits!r}, fill={self.fill!r}, layers={layers!r}"


class _MaskedLayers(Mapping[str, Tensor]):
    """Tapped layers, some of which are masked at the moment they are read: layers that nobody reads cost nothing."""

    def __init__(self, outputs: Outputs, names: frozenset[str], keep: float) -> None:
        self._layers, self._mask, self._names, self._keep = outputs.layers, outputs.mask, names, keep

    def __getitem__(self, name: str) -> Tensor:
        layer = self._layers[name].detach()
        if name not in self._names:
            return layer
        counted = counted_places(self._mask, layer)
        if counted is None:
            return keep_top(layer, self._keep, by="magnitude")
        # Sample by sample: each has its own number of entries, of which the fraction is kept.
        masked = torch.zeros_like(layer)
        at_places = masked if layer.ndim == 3 else masked.movedim(1, -1)
        rows = layer if layer.ndim == 3 else layer.movedim(1, -1)
        there = counted.reshape(rows.shape[:-1])
        for own, kept, row in zip(there, at_places, rows, strict=True):
            if bool(own.any()):
                kept[own] = keep_top(row[own][None], self._keep, by="magnitude")[0]
        return masked

    def __iter__(self) -> Iterator[str]:
        return iter(self._layers)

    def __len__(self) -> int:
        return len(self._layers)
