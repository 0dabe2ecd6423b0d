"""Critics are tried on surrogates, and kept to groups."""

import numpy as np
import pytest

from pidkit import estimate_mi
from pidkit.mi import BEYOND_NORMAL
from pidkit.mi.neural import NeuralMI
from pidkit.nn import TrainingBudget

QUICK = TrainingBudget(learning_rate=3e-3, max_steps=150)


def test_a_critic_with_too_few_rows_says_what_it_makes_of_surrogates() -> None:
    """25 + 25 columns of 400 rows: a critic finds less than half of surrogates' information."""
    task = BEYOND_NORMAL["2-pair 25x25"]
    found = NeuralMI("jsd", budget=QUICK, folds=1).estimate(*task.sample(400), unit="nats")
    seen = found.diagnostics
    assert seen["surrogate_rows"] == 400
    assert seen["surrogate_found"] < 0.6 * seen["surrogate_known"]
    assert any(text.startswith("off on surrogates: on 400 samples") for text in found.warnings)


def test_a_critic_with_enough_rows_passes() -> None:
    found = NeuralMI(budget=QUICK).estimate(*BEYOND_NORMAL["normal 1x1"].sample(2000), unit="nats")
    assert found.diagnostics["surrogate_found"] == pytest.approx(found.diagnostics["surrogate_known"], abs=0.1)
    assert found.warnings == ()


def test_maps_and_an_opt_out_have_no_verdict() -> None:
    rng = np.random.default_rng(0)
    short = TrainingBudget(max_steps=2, check_every=1)
    maps = NeuralMI(critic="concatenate-and-convolve", budget=short, folds=1)
    found = maps.estimate(rng.normal(size=(60, 2, 3, 3)), rng.normal(size=(60, 2)))
    assert found.diagnostics["surrogate_unused"] == "maps have no surrogates"
    rows = rng.normal(size=(2, 60, 2))
    diagnostics = NeuralMI(budget=short, folds=1, n_surrogates=0).estimate(*rows).diagnostics
    assert not [name for name in diagnostics if name.startswith("surrogate")]


@pytest.mark.filterwarnings("ignore::pidkit.PidkitWarning")
def test_groups_keep_a_critic_from_knowing_near_copies_by_heart() -> None:
    """Twenty noisy views of each of 30 independent pairs: with views on both sides of a split there is much to find."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(30), 20)
    a, b = rng.normal(size=(2, 30, 3))[:, groups] + 0.1 * rng.normal(size=(2, 600, 3))
    options = {"estimator": "infonce", "unit": "nats", "budget": QUICK, "n_surrogates": 0, "folds": 1}
    apart, mixed = (estimate_mi(a, b, groups=g, **options) for g in (groups, None))  # type: ignore[arg-type]
    assert mixed.value > 1.0
    assert apart.value < 0.3
    assert (apart.stderr or 0.0) > 2.0 * (mixed.stderr or 0.0)
