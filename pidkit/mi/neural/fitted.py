"""A trained critic, and what it reads from pairs that it has not seen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from pidkit.joint import FloatArray
from pidkit.mi.neural.bounds import BOUNDS, joint, jsd
from pidkit.mi.result import MIEstimate, in_nats
from pidkit.mi.samples import Samples, check_maps, check_pairs
from pidkit.nn.fit import FitReport

NEAR_CAP = 0.1
"""Share of log K within which InfoNCE is more about K than about the samples."""

OVERFITTED = 0.25
"""How much more, in nats, the training pairs may give than the held-out ones before the result says so."""

ROWS_AT_ONCE = 1 << 18
"""Scores computed at a time."""


@dataclass(frozen=True)
class Scaling:
    """The map to mean 0 and standard deviation 1 a channel that training fixed."""

    shift: FloatArray
    scale: FloatArray

    def apply(self, x: FloatArray, device: torch.device) -> Tensor:
        """Return `x` (n, channels, ...) scaled, as float32 on the device."""
        return torch.as_tensor((x - self.shift) / self.scale, dtype=torch.float32).to(device)


@dataclass(frozen=True)
class Reading:
    """What one critic says about held-out pairs, in nats."""

    value: float
    terms: FloatArray
    train_value: float
    k: int
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
    report: FitReport
    max_k: int
    device: str

    def estimate(self, a: Samples, b: Samples, *, unit: str = "bits") -> MIEstimate:
        """Estimate I(A; B) from pairs that the critic was not trained on, in `unit`.

        Raises
        ------
        InputError
            If a side is not a finite real array or is constant, or the lengths differ.
        """
        rows_a, rows_b = check_maps(a, "a"), check_maps(b, "b")
        n = check_pairs(len(rows_a), len(rows_b), at_least=4, reason="a matrix of scores")
        return combine([self.read(rows_a, rows_b)], self, estimator=self.objective, n_samples=n, unit=unit)

    def read(self, a: FloatArray, b: FloatArray) -> Reading:
        """Read checked pairs with the chosen bound, and with all the others for comparison."""
        blocks = self._blocks(a, b)
        bound = BOUNDS[self.readout]
        values = [bound(scores).mean().item() for scores in blocks]
        sizes = np.array([scores.shape[-1] for scores in blocks])
        k = int(sizes.min())
        names = ["infonce"] if self.objective == "infonce" else [name for name in BOUNDS if name != "infonce"]
        readouts = {name: _average([BOUNDS[name](s).mean().item() for s in blocks], sizes) for name in names}
        diagnostics = {f"readout_{name}": value for name, value in readouts.items()}
        if self.objective == "jsd":
            diagnostics["jsd_objective"] = objective = _average([jsd(s).mean().item() for s in blocks], sizes)
            diagnostics["jsd"] = 0.5 * objective + math.log(2.0)
        seen = min(len(self.train[0]), k)
        train_scores = self._scores(self.train[0][:seen], self.train[1][:seen])
        terms = np.concatenate([sampling_terms(scores, self.readout) for scores in blocks])
        return Reading(_average(values, sizes), terms, bound(train_scores).mean().item(), k, diagnostics)

    def _blocks(self, a: FloatArray, b: FloatArray) -> list[Tensor]:
        """Return the matrices of scores of all pairs, each of at most `max_k`."""
        n_blocks = math.ceil(len(a) / self.max_k)
        parts = zip(np.array_split(a, n_blocks), np.array_split(b, n_blocks), strict=True)
        return [self._scores(x, y) for x, y in parts]

    def _scores(self, a: FloatArray, b: FloatArray) -> Tensor:
        device = torch.device(self.device)
        return score_matrix(self.critic, self.scaling_a.apply(a, device), self.scaling_b.apply(b, device))


def score_matrix(critic: nn.Module, a: Tensor, b: Tensor) -> Tensor:
    """Return all scores of a and b in float64, a few rows at a time, without gradients."""
    step = max(1, ROWS_AT_ONCE // len(b))
    with torch.no_grad():
        return torch.cat([critic(rows, b).double() for rows in a.split(step)], dim=-2)


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
    return np.asarray(terms.reshape(-1, terms.shape[-1]).mean(0).cpu().numpy(), dtype=np.float64)


def combine(
    readings: list[Reading],
    fitted: FittedCritic,
    *,
    estimator: str,
    n_samples: int,
    unit: str,
    seed: int | str | None = None,
    seconds: float = 0.0,
    extra: Mapping[str, object] | None = None,
) -> MIEstimate:
    """Return the estimate of one reading, or of the folds of a cross-fit weighted by their sizes."""
    sizes = np.array([reading.terms.size for reading in readings])
    value = _average([reading.value for reading in readings], sizes)
    train = _average([reading.train_value for reading in readings], sizes)
    centred = np.concatenate([reading.terms - reading.terms.mean() for reading in readings])
    k = min(reading.k for reading in readings)
    is_infonce = fitted.readout == "infonce"
    notes: list[str] = []
    if is_infonce and value >= (1.0 - NEAR_CAP) * math.log(k):
        notes.append(f"near the cap: within 10 % of log K, K = {k}; give more samples, or use 'jsd'")
    if train - value > OVERFITTED:
        notes.append(
            f"overfitted: the training pairs give {train:.2f} nats, the held-out ones {value:.2f}; the value is low: "
            "give more samples or a smaller critic"
        )
    return in_nats(
        value,
        kind="lower_bound" if fitted.readout in LOWER_BOUNDS else "estimate",
        estimator=estimator,
        n_samples=n_samples,
        unit=unit,
        stderr=centred.std(ddof=1) / math.sqrt(centred.size),
        cap=("log K", math.log(k)) if is_infonce else None,
        warnings=tuple(notes),
        diagnostics={
            "objective": fitted.objective,
            "readout": fitted.readout,
            **{name: _average([r.diagnostics[name] for r in readings], sizes) for name in readings[0].diagnostics},
            "train_value": train,
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
