"""Salient feature masking: any objective, of a teacher of whose outputs only the greatest entries are kept."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from pidkit.arguments import items_of, one_of, real_number
from pidkit.distill.batch import Batch, Outputs
from pidkit.distill.labels import check_logits
from pidkit.distill.objective import Objective
from pidkit.distill.phases import Phase
from pidkit.errors import InputError

Ranking = Literal["value", "magnitude"]
"""How entries are ranked: by their value, or by their absolute value."""

Fill = Literal["-inf", "zero"]
"""What replaces the logits that are not kept, by name."""

FILLS: dict[Fill, float] = {"-inf": -math.inf, "zero": 0.0}
"""The values behind these names."""


class SalientMask(Objective):
    """An objective whose teacher is masked: of each sample only the top fraction K of the teacher's entries is kept.

    Of n entries, k = max(1, ceil(K n)) are kept. Logits are ranked among the classes, at each place where there are
    several; layers are ranked by magnitude over channels and places together, and
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
        super().__init__()
        given: object = objective
        if not isinstance(given, Objective):
            raise InputError(f"objective must be an Objective, not {type(given).__name__}")
        self.logits: Ranking | Literal["none"] = one_of("logits", logits, (*get_args(Ranking), "none"))
        self.objective, self.fill = objective, one_of("fill", fill, get_args(Fill))
        self.keep = check_share(keep)
        self.layers = (
            None if layers == "all" else frozenset([layers] if isinstance(layers, str) else items_of("layers", layers))
        )

    def forward(self, batch: Batch, labels: Tensor, phase: Phase | None = None) -> Tensor:
        """Return the objective's loss with the masked teachers."""
        if self.keep < 1.0:
            teachers = {name: self._masked(outputs, labels) for name, outputs in batch.teachers.items()}
            batch = replace(batch, teachers=teachers)
        loss: Tensor = self.objective(batch, labels, phase)
        return loss

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
        return Outputs(logits, _MaskedLayers(outputs.layers, names, self.keep))

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """Return the objective's parameters by group."""
        return self.objective.groups()

    def set_epoch(self, epoch: int) -> None:
        """Tell the objective."""
        self.objective.set_epoch(epoch)

    def extra_repr(self) -> str:
        """Show the options."""
        layers = "all" if self.layers is None else sorted(self.layers)
        return f"keep={self.keep:g}, logits={self.logits!r}, fill={self.fill!r}, layers={layers!r}"


class _MaskedLayers(Mapping[str, Tensor]):
    """Tapped layers, some of which are masked at the moment they are read: layers that nobody reads cost nothing."""

    def __init__(self, layers: Mapping[str, Tensor], names: frozenset[str], keep: float) -> None:
        self._layers, self._names, self._keep = layers, names, keep

    def __getitem__(self, name: str) -> Tensor:
        layer = self._layers[name].detach()
        return keep_top(layer, self._keep, by="magnitude") if name in self._names else layer

    def __iter__(self) -> Iterator[str]:
        return iter(self._layers)

    def __len__(self) -> int:
        return len(self._layers)


def keep_top(x: Tensor, keep: float, *, by: Ranking = "value", fill: float = 0.0) -> Tensor:
    """Return `x` with only the top fraction of each sample's entries kept, the rest replaced by `fill`.

    Parameters
    ----------
    x, keep, by
        As in `top_fraction_mask`.
    fill : float
        Infinity is allowed: -inf takes an entry out of a softmax.

    Raises
    ------
    InputError
        As `top_fraction_mask`, or if `fill` is no real number.

    Examples
    --------
    >>> keep_top(torch.tensor([[1.0, -3.0, 2.0]]), 0.5, by="magnitude")
    tensor([[ 0., -3.,  2.]])
    """
    fill = real_number("fill", fill, finite=False)
    return torch.where(top_fraction_mask(x, keep, by=by), x, fill)


def top_fraction_mask(x: Tensor, keep: float, *, by: Ranking = "value") -> Tensor:
    """Return which entries are the k = max(1, ceil(keep n)) greatest of each sample's n: exactly k, whatever the ties.

    Of equal entries the first are kept. A sample that holds NaN is kept whole, so that the NaN is not hidden.

    Parameters
    ----------
    x : Tensor, shape (n_samples, ...)
    keep : float
        0 < keep <= 1.
    by : "value" or "magnitude"

    Returns
    -------
    Tensor of bool, the shape of `x`

    Raises
    ------
    InputError
        If `keep` is not in (0, 1], `by` is unknown, or the samples have no entries.

    Examples
    --------
    >>> top_fraction_mask(torch.tensor([[1.0, -3.0, 2.0, 2.0]]), 0.5)
    tensor([[False, False,  True,  True]])
    >>> top_fraction_mask(torch.tensor([[1.0, -3.0, 2.0, 2.0]]), 0.5, by="magnitude")
    tensor([[False,  True,  True, False]])
    """
    one_of("by", by, get_args(Ranking))
    if x.ndim < 2 or x[:1].numel() == 0:
        raise InputError(f"x must have shape (n_samples, ...) with entries for each sample, not {tuple(x.shape)}")
    rows = x.detach().flatten(1)
    rows = rows.abs() if by == "magnitude" else rows
    k = n_kept(keep, rows.shape[1])
    least = rows.topk(k, dim=1, sorted=False).values.amin(1, keepdim=True)
    above, equal = ~(rows <= least), rows == least
    n_ties = k - above.sum(1, keepdim=True)
    return (above | (equal & (equal.cumsum(1) <= n_ties))).reshape(x.shape)


def n_kept(keep: float, n: int) -> int:
    """Return k = max(1, ceil(keep n)), the number of entries kept of n.

    Raises
    ------
    InputError
        If `keep` is not in (0, 1].

    Examples
    --------
    >>> n_kept(0.5, 9), n_kept(0.07, 100), n_kept(0.01, 3)
    (5, 7, 1)
    """
    keep = check_share(keep)
    # As a fraction: in floating point .07 * 100 is a little over 7, and its ceiling 8.
    return max(1, math.ceil(Fraction(keep).limit_denominator(10**6) * n))


def check_share(keep: object) -> float:
    """Return the share of entries to keep if it lies in (0, 1], else raise InputError."""
    return real_number("keep", keep, above=0.0, most=1.0, remedy="1 keeps everything")
