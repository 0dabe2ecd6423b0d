"""Train a critic on one part of the samples, stop by a second, take the value from a third."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn

from pidkit.arguments import Rng, generator, keep_checked, mapping_of, one_of, seed_name, whole_number
from pidkit.errors import InputError
from pidkit.mi.constant import zero_where_constant
from pidkit.mi.doubts import doubted
from pidkit.mi.neural.bounds import BOUNDS, MovingAverageDV, dv, infonce, jsd, nwj
from pidkit.mi.neural.critics import CRITICS
from pidkit.mi.neural.fitted import LOWER_BOUNDS, FittedCritic, Reading, combine, score_matrix, shuffled
from pidkit.mi.neural.learning_curve import learning_gain
from pidkit.mi.neural.scaling import scaling_of
from pidkit.mi.repeats import repeats
from pidkit.mi.result import MIEstimate
from pidkit.mi.row_groups import Groups, joined
from pidkit.mi.samples import Samples, check_maps, check_pairs
from pidkit.mi.splits import check_folds, three_way_splits
from pidkit.nn.budget import TrainingBudget, check_budget
from pidkit.nn.early_stopping import FitReport
from pidkit.nn.fit import fit
from pidkit.nn.seeding import seeded, torch_generator
from pidkit.types import FloatArray, IntArray, Shape, Unit

CriticObjective = Literal["jsd", "infonce", "dv", "nwj"]
"""The objectives that a critic can be trained on, by name."""

OBJECTIVES: dict[CriticObjective, Callable[[Tensor], Tensor]] = {"jsd": jsd, "infonce": infonce, "dv": dv, "nwj": nwj}
"""The functions behind these names: each takes the matrix of scores."""

READOUTS: dict[CriticObjective, str] = {"jsd": "nwj", "infonce": "infonce", "dv": "dv", "nwj": "nwj"}
"""The bound that reads a critic of each objective unless another is asked for."""

LARGEST_K = {"separable": 4096, "project-and-dot": 2048}
"""Most pairs of one matrix of scores, by critic; the others look at every pair apart and get 1024."""

MOST_TO_STOP_BY = 4096
"""Rows at most that decide when training stops: they are scored at every check, which costs their number squared."""

FEWEST = 40
"""Samples below which a three-way split leaves too little to each part."""


@dataclass(frozen=True)
class NeuralMI:
    """Estimate I(A; B) with a trained critic.

    Parameters
    ----------
    objective : str
        "infonce", "jsd", "dv" (MINE: the gradient's denominator is a moving average) or "nwj".
    readout : str, optional
        "infonce" for a critic of InfoNCE; "dv", "nwj", "smile" or "mean" for the others, whose critics estimate the log
        density ratio. None: "infonce", "nwj" for "jsd" and "nwj", "dv" for "dv". "smile" and "mean" are no bounds.
    critic : str or callable
        "separable", "concatenated", "project-and-dot", "concatenate-and-convolve", or a function from the shapes of one
        sample of a and b to a module that maps (K, ...) and (K', ...) to scores (K, K') or (places, K, K').
    critic_options : dict
        Keywords of a critic given by name, such as width.
    budget : TrainingBudget
        How long to train. For critics that look at every pair apart the batch is at most 64.
    folds : int, optional
        1 for one three-way split, more for cross-fitting; None for five folds below 2000 samples.
    device : str
        A torch device.
    n_surrogates : int
        Samples of known information, with the correlations and tails of a and b, that the estimator is tried on: one
        training each with a single split, of 5000 rows at most. `surrogate_found` and `surrogate_known` of the
        diagnostics say what it returned there, and a warning where it is off. One more critic is trained on a quarter
        of the rows; `learning_gain` says how much less it gives, and a warning where as much is likely to be missing
        from the value. 0 does neither, and saves the time.
    options : TrainingBudget, optional
        Another word for `budget`, which then has it.

    Notes
    -----
    With maps (places, K, K') the value is the mean over the places of a bound of the information at each, as in MIMKD.

    References
    ----------
    Poole et al., ICML 2019; Hjelm et al., ICLR 2019; Song & Ermon, ICLR 2020; Belghazi et al., ICML 2018.

    Examples
    --------
    >>> from pidkit.mi import TASKS
    >>> from pidkit.mi.neural import NeuralMI
    >>> from pidkit.nn import TrainingBudget
    >>> task = TASKS["normal 1x1"]
    >>> neural = NeuralMI("jsd", budget=TrainingBudget(max_steps=200), folds=1)
    >>> estimate = neural.estimate(*task.sample(2000), unit="nats")
    >>> bool(abs(estimate.value - task.mi) < 0.2), estimate.kind, estimate.diagnostics["jsd_objective"] < 0
    (True, 'lower_bound', True)
    """

    objective: CriticObjective = "infonce"
    readout: str | None = None
    critic: str | Callable[[Shape, Shape], nn.Module] = "separable"
    critic_options: dict[str, Any] = field(default_factory=dict)
    budget: TrainingBudget = TrainingBudget()  # noqa: RUF009  # frozen
    folds: int | None = None
    device: str = "cpu"
    n_surrogates: int = 1
    options: TrainingBudget | None = None

    def __post_init__(self) -> None:
        """Check the parameters."""
        objective = one_of("objective", self.objective, get_args(CriticObjective))
        allowed = ("infonce",) if self.objective == "infonce" else tuple(name for name in BOUNDS if name != "infonce")
        readout, critic = self.readout, self.critic
        if readout is not None:
            hint = "the JSD objective is no mutual information" if readout == "jsd" else ""
            readout = one_of(f"readout of a critic trained on {objective!r}", readout, allowed, remedy=hint)
        if not callable(critic):
            critic = one_of("critic", critic, CRITICS, remedy="or a function from two shapes to a module")
        device = str(self.device) if isinstance(self.device, (str, torch.device)) else ""  # type: ignore[redundant-expr]
        try:
            torch.device(device)
        except RuntimeError as error:
            raise InputError(f"device must name a torch device such as 'cpu' or 'cuda', not {self.device!r}") from error
        folds = check_folds(self.folds)
        n_surrogates = whole_number("n_surrogates", self.n_surrogates)
        options = mapping_of("critic_options", self.critic_options)
        keep_checked(self, objective=objective, readout=readout, critic=critic, folds=folds, device=device)
        keep_checked(self, n_surrogates=n_surrogates)
        keep_checked(self, critic_options=options)
        if self.options is not None and self.budget != TrainingBudget():
            raise InputError("budget and options are two words for one thing; pass budget alone")
        keep_checked(self, budget=check_budget(self.budget if self.options is None else self.options), options=None)

    @property
    def read_by(self) -> str:
        """The bound that gives the value."""
        return READOUTS[self.objective] if self.readout is None else self.readout

    @zero_where_constant
    @doubted(check="any rows")
    def estimate(
        self, a: Samples, b: Samples, *, unit: Unit = "bits", rng: Rng = 0, groups: Groups | None = None
    ) -> MIEstimate:
        """Estimate I(A; B) from `a` (n, ...) and `b` (n, ...), in `unit`, by a three-way split or cross-fitting.

        Rows of one of the `groups` (n,) stay in one part of a split, as copies of one row do, and the standard error
        allows for them.

        Raises
        ------
        InputError
            If a side is not a finite real array, the lengths differ, there are fewer than 40 samples, or groups leave
            fewer than ten sets of rows.
        SolverError
            If training diverges at once.
        """
        began = time.perf_counter()
        rows_a, rows_b = check_maps(a, "a"), check_maps(b, "b")
        n = check_pairs(len(rows_a), len(rows_b), at_least=FEWEST, reason="a three-way split")
        draws = generator(rng)
        together = joined(groups, repeats(rows_a, rows_b).groups)
        readings: list[Reading] = []
        scored: list[IntArray] = []
        reports: list[FitReport] = []
        splits = three_way_splits(n, draws, folds=self.folds, groups=together)

        def trained(rows: IntArray, stop: IntArray, draws: np.random.Generator) -> FittedCritic:
            with torch.inference_mode(mode=False):
                return self._fit((rows_a[rows], rows_b[rows]), (rows_a[stop], rows_b[stop]), draws)

        for split in splits:
            fitted = trained(split.train, split.stop, draws)
            readings.append(fitted.read(rows_a[split.value], rows_b[split.value]))
            scored.append(split.value)
            reports.append(fitted.report)
        found = combine(
            readings,
            fitted,
            n_samples=n,
            unit=unit,
            groups=None if groups is None else together[np.concatenate(scored)],
            seed=seed_name(rng),
            seconds=time.perf_counter() - began,
            information={"best_scores": [report.best_score for report in reports]},
            extra={
                "folds": len(readings),
                "fits": [{"steps": r.steps, "best_step": r.best_step, "stopped": r.stopped} for r in reports],
            },
        )
        if not self.n_surrogates:
            return found
        gain = learning_gain(
            splits[0],
            readings[0],
            lambda rows: trained(rows, splits[0].stop, np.random.default_rng(0)),
            rows_a,
            rows_b,
            together=together,
            errors_by=None if groups is None else together,
        )
        return gain.noted_in(found)

    def without_trials(self) -> NeuralMI:
        """Return the estimator without what only looks for doubts in its value, for replicates that need the value."""
        return replace(self, n_surrogates=0)

    def fit(self, a: Samples, b: Samples, *, rng: Rng = 0, groups: Groups | None = None) -> FittedCritic:
        """Train a critic on `a` and `b` (a quarter of them say when to stop), to be read on other pairs.

        Raises
        ------
        InputError, SolverError
            As `estimate`.
        """
        rows_a, rows_b = check_maps(a, "a"), check_maps(b, "b")
        n = check_pairs(len(rows_a), len(rows_b), at_least=FEWEST, reason="a split")
        draws = generator(rng)
        split = three_way_splits(n, draws, folds=4, groups=joined(groups, repeats(rows_a, rows_b).groups))[0]
        stop, train = split.value, np.sort(np.concatenate([split.train, split.stop]))
        with torch.inference_mode(mode=False):
            return self._fit((rows_a[train], rows_b[train]), (rows_a[stop], rows_b[stop]), draws)

    def _fit(
        self, train: tuple[FloatArray, FloatArray], stop: tuple[FloatArray, FloatArray], draws: np.random.Generator
    ) -> FittedCritic:
        """Train on checked pairs."""
        device = torch.device(self.device)
        scaling_a, scaling_b = scaling_of(train[0]), scaling_of(train[1])
        some = shuffled(len(stop[0]))[:MOST_TO_STOP_BY]
        stop = stop[0][some], stop[1][some]
        a, b = scaling_a.apply(train[0], device), scaling_b.apply(train[1], device)
        stop_a, stop_b = scaling_a.apply(stop[0], device), scaling_b.apply(stop[1], device)
        with seeded(draws):
            critic = self._build(tuple(a.shape[1:]), tuple(b.shape[1:]))
        critic = critic.to(device, torch.float32)
        per_pair = self.critic in ("concatenated", "concatenate-and-convolve")
        budget = self.budget
        if per_pair and budget.batch_size > 64:
            budget = replace(budget, batch_size=64, check_every=4 * budget.check_every)
        k_stop = 64 if per_pair else 2048
        stops = list(
            zip(
                stop_a.tensor_split(math.ceil(len(stop_a) / k_stop)),
                stop_b.tensor_split(math.ceil(len(stop_b) / k_stop)),
                strict=True,
            )
        )
        objective = OBJECTIVES[self.objective]
        training = MovingAverageDV() if self.objective == "dv" else objective
        stop_by = BOUNDS[self.read_by] if self.read_by in LOWER_BOUNDS else objective
        report = fit(
            critic,
            loss=lambda rows: -training(critic(a[rows], b[rows])).mean(),
            score=lambda: sum(stop_by(score_matrix(critic, x, y)).mean().item() for x, y in stops) / len(stops),
            n_rows=len(a),
            generator=torch_generator(draws),
            budget=budget,
        )
        max_k = LARGEST_K.get(self.critic, 1024) if isinstance(self.critic, str) else 1024
        some = shuffled(len(train[0]))[:max_k]
        training_pairs = (train[0][some], train[1][some])
        scores = score_matrix(critic, a[some], b[some])
        return FittedCritic(
            critic,
            self.objective,
            self.read_by,
            scaling_a,
            scaling_b,
            training_pairs,
            _limits(scores, self.read_by),
            report,
            max_k,
            self.device,
        )

    def _build(self, shape_a: Shape, shape_b: Shape) -> nn.Module:
        if not isinstance(self.critic, str):
            return self.critic(shape_a, shape_b)
        try:
            return CRITICS[self.critic](shape_a, shape_b, **self.critic_options)
        except TypeError as error:
            raise InputError(f"critic_options of {self.critic!r}: {error}") from error


def _limits(scores: Tensor, readout: str) -> tuple[float, float]:
    """Return the range of the scores; InfoNCE, in which no e^T stands alone, gets as much again at either end."""
    low, high = float(scores.min()), float(scores.max())
    margin = high - low if readout == "infonce" else 0.0
    return low - margin, high + margin
