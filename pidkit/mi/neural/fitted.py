"""A trained critic, and the estimates that it gives on pairs it was not trained on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from pidkit.errors import InputError
from pidkit.mi.constant import zero_where_constant
from pidkit.mi.neural.bounds import BOUNDS, joint, jsd
from pidkit.mi.neural.scaling import Scaling
from pidkit.mi.result import MIEstimate, in_nats
from pidkit.mi.row_groups import standard_error
from pidkit.mi.samples import FAR_OUT, Samples, check_maps, check_pairs
from pidkit.nn.early_stopping import FitReport
from pidkit.types import FloatArray, IntArray, Unit

CAP_MARGIN = 0.1
"""Share of log K below the cap within which an InfoNCE value warns that it may show K and not the information."""

CRITIC_OVERFIT = 0.25
"""How much more, in nats, the training pairs may give than the held-out ones before the result says so."""

UNSTABLE = 0.2
"""Standard error in nats from which a value is called unstable: a few pairs with a large e^T then decide it."""

ROWS_AT_ONCE = 1 << 18
"""Scores computed at a time, which bounds the memory of a critic that sees every pair."""


@dataclass(frozen=True)
class Reading:
    """The estimate of one critic on held-out pairs, in nats."""

    value: float
    terms: FloatArray
    train_value: float
    k: int
    outliers: int = 0
    diagnostics: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class FittedCritic:
    """A critic trained on some pairs, ready to be read on others.

    Attributes
    ----------
    critic : nn.Module
        In eval mode.
    objective, readout : str
        What it was trained on, and the bound that gives the value.
    scaling_a, scaling_b : Scaling
    train : tuple of ndarray
        Training pairs, as many as show whether it overfitted.
    limits : tuple of float
        About the smallest and the largest score of training pairs; others are moved to the nearer limit. A critic
        cut off there is a critic too, and the bounds hold for it, but no pair far from all others gets an e^T of its
        own size.
    report : FitReport
    max_k : int
        Most pairs of one matrix of scores.
    device : str
    """

    critic: nn.Module
    objective: str
    readout: str
    scaling_a: Scaling
    scaling_b: Scaling
    train: tuple[FloatArray, FloatArray]
    limits: tuple[float, float]
    report: FitReport
    max_k: int
    device: str

    @zero_where_constant
    def estimate(self, a: Samples, b: Samples, *, unit: Unit = "bits") -> MIEstimate:
        """Estimate I(A; B) from pairs that the critic was not trained on, in `unit`.

        Raises
        ------
        InputError
            If a side is not a finite real array or has another shape than in `fit`, or the lengths differ.
        """
        rows_a, rows_b = check_maps(a, "a"), check_maps(b, "b")
        for name, rows, seen in (("a", rows_a, self.train[0]), ("b", rows_b, self.train[1])):
            if rows.shape[1:] != seen.shape[1:]:
                raise InputError(f"{name} has rows of shape {rows.shape[1:]}, but fit saw {seen.shape[1:]}")
        n = check_pairs(len(rows_a), len(rows_b), at_least=4, reason="a matrix of scores")
        return combine([self.read(rows_a, rows_b)], self, n_samples=n, unit=unit)

    @property
    def name(self) -> str:
        """The objective, and the read-out where that is another function."""
        return self.objective if self.objective == self.readout else f"{self.objective}+{self.readout}"

    def read(self, a: FloatArray, b: FloatArray) -> Reading:
        """Read checked pairs with the chosen bound, and with all the others for comparison, a block at a time."""
        bound = BOUNDS[self.readout]
        others = ("infonce",) if self.objective == "infonce" else tuple(name for name in BOUNDS if name != "infonce")
        n_blocks = math.ceil(len(a) / self.max_k)
        blocks = np.array_split(shuffled(len(a)), n_blocks)
        values, terms, matrices = [], [], []
        for rows in blocks:
            scores = self._scores(a[rows], b[rows])
            values.append(bound(scores).mean().item())
            terms.append(sampling_terms(scores, self.readout))
            matrices.append({f"readout_{name}": BOUNDS[name](scores).mean().item() for name in others})
            if self.objective == "jsd":
                matrices[-1]["jsd_objective"] = jsd(scores).mean().item()
        sizes = np.array([rows.size for rows in blocks])
        diagnostics = {name: _average([block[name] for block in matrices], sizes) for name in matrices[0]}
        if self.objective == "jsd":
            diagnostics["jsd"] = 0.5 * diagnostics["jsd_objective"] + math.log(2.0)
        k = int(sizes.min())
        train_value = bound(self._scores(self.train[0][:k], self.train[1][:k])).mean().item()
        outliers = max(self.scaling_a.far_out(a), self.scaling_b.far_out(b))
        in_order = np.empty(len(a))
        in_order[np.concatenate(blocks)] = np.concatenate(terms)
        return Reading(_average(values, sizes), in_order, train_value, k, outliers, diagnostics)

    def _scores(self, a: FloatArray, b: FloatArray) -> Tensor:
        device = torch.device(self.device)
        scores = score_matrix(self.critic, self.scaling_a.apply(a, device), self.scaling_b.apply(b, device))
        return scores.clamp(*self.limits)


def shuffled(n: int) -> IntArray:
    """Return 0..n-1 in an order that has nothing to do with that of the file, always the same.

    Blocks of rows in file order could hold one class alone, and their products would not be those of the marginals.
    """
    return np.random.default_rng(0).permutation(n)


def score_matrix(critic: nn.Module, a: Tensor, b: Tensor) -> Tensor:
    """Return all scores of a and b, float64 on the CPU, a few rows at a time, without gradients."""
    step = max(1, ROWS_AT_ONCE // len(b))
    with torch.no_grad():
        return torch.cat([critic(rows, b).cpu().double() for rows in torch.split(a, step)], dim=-2)


def sampling_terms(scores: Tensor, readout: str) -> FloatArray:
    """Return one term a sample whose standard deviation / sqrt(n) is the standard error of a read-out.

    For InfoNCE the terms of its mean; for the others T_ii - w (r_i + c_i), with r and c the means of e^T over the row
    and the column: the first-order (Hoeffding) projection of a mean over pairs of samples.
    """
    diagonal = joint(scores)
    if readout == "infonce":
        terms = diagonal - scores.logsumexp(-1)
    elif readout == "mean":
        terms = diagonal
    else:
        exp = (scores.clamp(-5.0, 5.0) if readout == "smile" else scores).exp()
        k = scores.shape[-1]
        own = joint(exp)
        sums = (exp.sum(-1) - own + exp.sum(-2) - own) / (k - 1)
        mean = 0.5 * sums.mean(-1, keepdim=True)
        terms = diagonal - (sums if readout == "nwj" else sums / mean)
    return np.asarray(terms.reshape(-1, terms.shape[-1]).mean(0).numpy(), dtype=np.float64)


def combine(
    readings: list[Reading],
    fitted: FittedCritic,
    *,
    n_samples: int,
    unit: str,
    groups: IntArray | None = None,
    seed: int | str | None = None,
    seconds: float = 0.0,
    information: Mapping[str, object] | None = None,
    extra: Mapping[str, object] | None = None,
) -> MIEstimate:
    """Return the estimate of one reading, or of the folds of a cross-fit weighted by their sizes.

    `groups` are those of the rows of all readings; what one group holds may vary together. `information` (in nats) and
    `extra` are diagnostics beside those of the readings.
    """
    sizes = np.array([reading.terms.size for reading in readings])
    value = _average([reading.value for reading in readings], sizes)
    train = _average([reading.train_value for reading in readings], sizes)
    centred = np.concatenate([reading.terms - reading.terms.mean() for reading in readings])
    k = min(reading.k for reading in readings)
    is_infonce = fitted.readout == "infonce"
    notes: list[str] = []
    if is_infonce and value >= (1.0 - CAP_MARGIN) * math.log(k):
        notes.append(f"near the cap: within 10 % of log K, K = {k}; give more samples, or use 'jsd'")
    if train - value > CRITIC_OVERFIT:
        notes.append(
            f"overfitted: the training pairs give {train:.2f} nats, the held-out ones {value:.2f}; the value is low: "
            "give more samples or a smaller critic"
        )
    outliers = sum(reading.outliers for reading in readings)
    if outliers:
        notes.append(
            f"outliers: {outliers} of {int(sizes.sum())} rows are more than {FAR_OUT:.0f} standard deviations out; "
            "they were drawn in by a logarithm; see check_samples(a, b)"
        )
    stderr = standard_error(centred, groups)
    if stderr > UNSTABLE:
        notes.append(
            f"unstable: the standard error is {stderr:.2f} nats, decided by a few pairs; use 'infonce' or 'smile'"
        )
    return in_nats(
        value,
        kind="lower_bound" if fitted.readout in LOWER_BOUNDS else "estimate",
        estimator=fitted.name,
        n_samples=n_samples,
        unit=unit,
        stderr=stderr,
        cap=("log K", math.log(k)) if is_infonce else None,
        warnings=tuple(notes),
        information={
            **{name: _average([r.diagnostics[name] for r in readings], sizes) for name in readings[0].diagnostics},
            "train_value": train,
            **(information or {}),
        },
        diagnostics={
            "objective": fitted.objective,
            "readout": fitted.readout,
            "k": k,
            "n_held_out": int(sizes.sum()),
            **(extra or {}),
        },
        seed=seed,
        seconds=seconds,
    )


LOWER_BOUNDS = ("dv", "nwj", "infonce")
"""The read-outs that bound the mutual information from below on held-out pairs."""


def _average(values: list[float], sizes: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float:
    return float(np.average(values, weights=sizes))
