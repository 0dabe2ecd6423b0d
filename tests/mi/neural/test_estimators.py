"""Trained critics: near the truth, never far above it, JSD never taken for information, nothing left behind."""

import dataclasses
import math
import warnings
from typing import Any

import numpy as np
import pytest
import torch

from pidkit import InputError, PidkitWarning, SolverError, estimate_mi
from pidkit.mi import TASKS, gaussian_task
from pidkit.mi.neural import NeuralMI
from pidkit.mi.neural.bounds import BOUNDS, MovingAverageDV, jsd
from pidkit.mi.neural.fitted import sampling_terms
from pidkit.mi.tasks import paired_covariance
from pidkit.nn import TrainingBudget

SHORT = TrainingBudget(learning_rate=3e-3, max_steps=80)
NORMAL = TASKS["normal 1x1"]


@pytest.mark.parametrize("objective", ["infonce", "jsd", "dv", "nwj"])
def test_every_objective_finds_the_truth(objective: str) -> None:
    estimate = NeuralMI(objective, budget=TrainingBudget(learning_rate=3e-3, max_steps=150), n_surrogates=0).estimate(  # type: ignore[arg-type]
        *NORMAL.sample(3000), unit="nats"
    )
    assert estimate.value == pytest.approx(NORMAL.mi, abs=0.08)
    assert abs(estimate.value - NORMAL.mi) < 4 * estimate.stderr
    assert estimate.kind == "lower_bound"
    assert estimate.diagnostics["fits"][0]["steps"] <= 150


def test_the_jsd_objective_is_never_the_value() -> None:
    for name in ("normal 1x1", "pair 5x5"):
        fitted = NeuralMI("jsd", budget=SHORT, n_surrogates=0).fit(*TASKS[name].sample(600))
        for readout in ("dv", "nwj", "smile", "mean"):
            estimate = dataclasses.replace(fitted, readout=readout).estimate(
                *TASKS[name].sample(600, rng=1), unit="nats"
            )
            objective, divergence = estimate.diagnostics["jsd_objective"], estimate.diagnostics["jsd"]
            assert objective < 0 < estimate.value
            assert divergence == pytest.approx(0.5 * objective + math.log(2))
            assert 0 < divergence < math.log(2)
            assert estimate.value not in (objective, divergence)
            assert estimate.value == pytest.approx(estimate.diagnostics[f"readout_{estimate.diagnostics['readout']}"])
            assert "jsd" not in estimate.diagnostics["readout"]


def test_no_estimator_takes_the_jsd_objective_for_its_read_out() -> None:
    assert jsd not in BOUNDS.values()
    with pytest.raises(InputError, match=r"not 'jsd'; the JSD objective is no mutual information$"):
        NeuralMI("jsd", "jsd")
    with pytest.raises(
        InputError, match=r"^readout of a critic trained on 'jsd' must be one of 'dv', 'nwj', 'smile', 'm"
    ):
        NeuralMI("jsd", "infonce")
    with pytest.raises(InputError, match=r"^readout of a critic trained on 'infonce' must be 'infonce', not 'dv'"):
        NeuralMI("infonce", "dv")


def test_bounds_are_told_from_estimates() -> None:
    a, b = NORMAL.sample(400)
    kinds = {
        readout: NeuralMI("jsd", readout, budget=TrainingBudget(max_steps=10), folds=1, n_surrogates=0)
        .estimate(a, b)
        .kind
        for readout in ("dv", "nwj", "smile", "mean")
    }
    assert kinds == {"dv": "lower_bound", "nwj": "lower_bound", "smile": "estimate", "mean": "estimate"}


def test_infonce_warns_near_log_k() -> None:
    budget = TrainingBudget(learning_rate=5e-3, max_steps=200)
    sure = gaussian_task("sure", paired_covariance(2, [0.99999, 0.99999]), 2)
    with pytest.warns(PidkitWarning, match=r"^infonce: near the cap: within 10 % of log K, K = 40;"):
        estimate = estimate_mi(
            *sure.sample(200), estimator="infonce", unit="nats", folds=5, budget=budget, n_surrogates=0
        )
    assert estimate.cap_name == "log K"
    assert 0.9 * estimate.cap <= estimate.value <= estimate.cap == pytest.approx(math.log(40))
    calm = NeuralMI(budget=SHORT, n_surrogates=0).estimate(*NORMAL.sample(500), unit="nats")
    assert not any("cap" in text for text in calm.warnings)


@pytest.mark.parametrize(
    "name", ["infonce", *(pytest.param(name, marks=pytest.mark.slow) for name in ("jsd", "smile", "mine", "nwj"))]
)
def test_an_overfitted_fit_does_not_report_too_much(name: str) -> None:
    """n = 300, truth 1.02: DV on the training pairs would give 2.5 and more."""
    task = TASKS["pair 5x5"]
    for seed in (0,):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PidkitWarning)
            estimate = estimate_mi(*task.sample(300, rng=seed), estimator=name, unit="nats", rng=seed, n_surrogates=0)  # type: ignore[arg-type]
        assert estimate.value < task.mi + 0.3
        assert estimate.diagnostics["folds"] == 5
        assert estimate.diagnostics["n_held_out"] == 300


def test_overfitting_is_pointed_out() -> None:
    """A wide critic that is stopped late knows its training pairs by heart."""
    task = TASKS["pair 5x5"]
    budget = TrainingBudget(max_steps=300, check_every=300)
    estimate = NeuralMI(budget=budget, folds=1, n_surrogates=0).estimate(*task.sample(300), unit="nats")
    assert estimate.diagnostics["train_value"] > task.mi
    assert any(text.startswith("overfitted: the training pairs give") for text in estimate.warnings)
    assert estimate.value < task.mi + 0.3


def test_fit_then_estimate_on_other_pairs() -> None:
    fitted = NeuralMI("jsd", budget=SHORT, n_surrogates=0).fit(*NORMAL.sample(2000))
    estimates = [fitted.estimate(*NORMAL.sample(2000, rng=s), unit="nats") for s in (1, 2)]
    assert estimates[0].value != estimates[1].value
    for estimate in estimates:
        assert estimate.value == pytest.approx(NORMAL.mi, abs=0.1)
        assert estimate.estimator == "jsd+nwj"


def test_the_standard_error_is_that_of_the_held_out_pairs() -> None:
    fitted = NeuralMI("jsd", budget=SHORT, n_surrogates=0).fit(*NORMAL.sample(1000))
    for readout in ("nwj", "dv", "smile", "mean"):
        read = dataclasses.replace(fitted, readout=readout)
        estimates = [read.estimate(*NORMAL.sample(300, rng=s)) for s in range(40)]
        spread = np.std([e.value for e in estimates])
        assert np.mean([e.stderr for e in estimates]) == pytest.approx(spread, rel=0.4), readout
    assert sampling_terms(torch.zeros(2, 5, 5, dtype=torch.float64), "infonce").shape == (5,)


def test_the_order_of_the_rows_does_not_matter_to_blocks() -> None:
    """Sorted by class, blocks in file order would hold nothing but pairs of like with like."""
    labels = np.sort(np.arange(600) % 2)
    a, b = (labels + 0.1 * np.random.default_rng(s).normal(size=600) for s in (0, 1))
    fitted = dataclasses.replace(NeuralMI("jsd", budget=SHORT, n_surrogates=0).fit(a, b), max_k=100)
    assert fitted.estimate(a, b).value == pytest.approx(1.0, abs=0.15)
    sorted_splits = NeuralMI(
        critic="concatenated", budget=TrainingBudget(max_steps=40), folds=1, n_surrogates=0
    ).estimate(a, b)
    assert sorted_splits.value == pytest.approx(1.0, abs=0.15)


def test_other_shapes_than_in_fit_are_refused() -> None:
    fitted = NeuralMI(budget=TrainingBudget(max_steps=10), n_surrogates=0).fit(*NORMAL.sample(60))
    with pytest.raises(InputError, match=r"^b has rows of shape \(2,\), but fit saw \(1,\)$"):
        fitted.estimate(NORMAL.sample(20)[0], np.random.default_rng(0).normal(size=(20, 2)))


def test_many_pairs_are_read_in_blocks() -> None:
    fitted = NeuralMI(budget=SHORT, n_surrogates=0).fit(*NORMAL.sample(500))
    small = dataclasses.replace(fitted, max_k=100)
    pairs = NORMAL.sample(450, rng=1)
    assert small.estimate(*pairs).diagnostics["k"] == 90
    assert small.estimate(*pairs, unit="nats").cap == pytest.approx(math.log(90))
    assert small.estimate(*pairs).value == pytest.approx(fitted.estimate(*pairs).value, abs=0.05)


@pytest.mark.parametrize("critic", ["concatenated", "project-and-dot", "concatenate-and-convolve"])
def test_the_other_critics_find_it_too(critic: str) -> None:
    budget = TrainingBudget(max_steps=120)
    estimate = NeuralMI(
        "jsd", critic=critic, critic_options={"width": 32}, budget=budget, folds=1, n_surrogates=0
    ).estimate(*NORMAL.sample(1500), unit="nats")
    assert estimate.value == pytest.approx(NORMAL.mi, abs=0.15)


def test_maps_give_the_mean_over_their_places() -> None:
    """Both places hold what the vector does; one critic serves them."""
    a, b = NORMAL.sample(2000)
    maps = np.stack([a, a], axis=2).reshape(2000, 1, 1, 2)
    neural = NeuralMI("jsd", critic="project-and-dot", critic_options={"width": 32}, budget=SHORT, folds=1)
    estimate = neural.estimate(maps, b, unit="nats")
    assert estimate.value == pytest.approx(NORMAL.mi, abs=0.15)


def test_a_critic_of_ones_own() -> None:
    class Product(torch.nn.Module):
        def __init__(self, shape_a: tuple[int, ...], shape_b: tuple[int, ...]) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(shape_a[0], shape_b[0]))

        def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            return a @ self.weight @ b.T

    estimate = NeuralMI(
        critic=Product, budget=TrainingBudget(learning_rate=0.05, max_steps=60), folds=1, n_surrogates=0
    ).estimate(*NORMAL.sample(1000), unit="nats")
    assert 0.1 < estimate.value < NORMAL.mi + 0.1


def test_the_seed_decides_and_global_state_is_left_as_found() -> None:
    a, b = NORMAL.sample(200)
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    neural = NeuralMI(budget=TrainingBudget(max_steps=30), folds=1)
    first, again, other = (neural.estimate(a, b, rng=seed) for seed in (1, 1, 2))
    with torch.no_grad(), torch.inference_mode():
        quiet = neural.estimate(a, b, rng=1)
    assert first.value == again.value == quiet.value != other.value
    assert (torch.get_rng_state() == torch_state).all()
    assert (np.random.get_state()[1] == numpy_state).all()  # noqa: NPY002
    assert torch.is_grad_enabled()
    assert torch.get_default_dtype() == torch.float32


def test_tensors_are_taken() -> None:
    a, b = (torch.from_numpy(x).requires_grad_() for x in NORMAL.sample(200))
    neural = NeuralMI(budget=TrainingBudget(max_steps=30), folds=1)
    assert neural.estimate(a, b).value == neural.estimate(a.detach().numpy(), b.detach().numpy()).value


def test_mine_divides_by_a_moving_average() -> None:
    """The gradient of its first batch is that of DV; later ones divide by the average of the batches so far."""
    scores = [torch.randn(5, 5, generator=torch.Generator().manual_seed(s)).requires_grad_() for s in (0, 1)]
    training = MovingAverageDV(rate=0.5)
    first = torch.autograd.grad(training(scores[0]), scores[0])[0]
    assert torch.allclose(first, torch.autograd.grad(BOUNDS["dv"](scores[0]), scores[0])[0], atol=1e-6)
    second = torch.autograd.grad(training(scores[1]), scores[1])[0]
    means = [torch.exp(s[~torch.eye(5, dtype=torch.bool)]).mean() for s in scores]
    off = second[0, 1] / (-scores[1][0, 1].exp() / 20)
    assert off.item() == pytest.approx(1 / (0.5 * (means[0] + means[1])).item(), rel=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"objective": "fdiv"}, r"^objective must be one of 'jsd', 'infonce', 'dv', 'nwj', not 'fdiv'$"),
        ({"critic": "bilinear"}, r"^critic must be one of 'separable', 'concatenated', 'project-and-dot', 'concat"),
        ({"device": "abacus"}, r"^device must name a torch device such as 'cpu' or 'cuda', not 'abacus'$"),
        ({"folds": 0}, r"^folds must be a whole number >= 1, not 0; 1 is a single three-way split"),
    ],
)
def test_bad_parameters_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        NeuralMI(**options)


def test_bad_samples_are_refused() -> None:
    a, b = NORMAL.sample(100)
    with pytest.raises(InputError, match=r"^a and b hold 39 samples; a three-way split needs at least 40$"):
        NeuralMI().estimate(a[:39], b[:39])
    with pytest.raises(InputError, match=r"^critic_options of 'separable': .*unexpected keyword argument 'heads'$"):
        NeuralMI(critic_options={"heads": 2}).estimate(a, b)


def test_divergence_is_an_error() -> None:
    budget = TrainingBudget(learning_rate=1e30)
    with pytest.raises(
        SolverError, match=r"^the fit diverged after \d+ steps without a finite score; lower learning_r"
    ):
        NeuralMI("nwj", budget=budget, folds=1, n_surrogates=0).estimate(*NORMAL.sample(200))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "low", "high"), [("pair 5x5", 0.93, 1.05), ("swiss roll", 0.37, 0.45)])
def test_infonce_at_5000(name: str, low: float, high: float) -> None:
    task = TASKS[name]
    options: dict[str, Any] = {"estimator": "infonce", "unit": "nats", "n_surrogates": 0}
    values = [estimate_mi(*task.sample(5000, rng=s), rng=s, **options).value for s in range(5)]
    assert low <= np.mean(values) <= high
