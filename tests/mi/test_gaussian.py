"""Gaussian information: the truth at 25 x 25, the correction's closed form, what must not change the value."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import wishart

from pidkit import InputError
from pidkit.mi import TASKS, GaussianCopulaMI, GaussianMI
from pidkit.mi.canonical import normal_scores, wishart_bias

GAUSSIAN_25 = [name for name, task in TASKS.items() if task.kind == "gaussian" and task.d_a == 25]


@pytest.mark.parametrize("name", GAUSSIAN_25)
def test_truth_at_25_by_25(name: str) -> None:
    task = TASKS[name]
    values = [GaussianMI().estimate(*task.sample(5000, rng=s), unit="nats").value for s in range(5)]
    assert np.mean(values) == pytest.approx(task.mi, abs=0.02)


def test_the_correction_removes_the_bias() -> None:
    task = TASKS["dense 25x25"]
    estimates = [GaussianMI().estimate(*task.sample(200, rng=s), unit="nats") for s in range(30)]
    raw = np.mean([e.diagnostics["uncorrected"] for e in estimates])
    assert raw - task.mi > 1.0
    assert np.mean([e.value for e in estimates]) == pytest.approx(task.mi, abs=0.06)


def test_the_correction_is_the_expected_log_determinant() -> None:
    n, d = 12, 3
    draws = wishart(df=n - 1, scale=np.eye(d) / (n - 1)).rvs(20_000, random_state=0)
    assert wishart_bias(n, d) == pytest.approx(np.linalg.slogdet(draws)[1].mean(), abs=0.03)


@pytest.mark.slow
def test_the_standard_error_is_that_of_the_samples() -> None:
    task = TASKS["pair 5x5"]
    estimates = [GaussianMI().estimate(*task.sample(1000, rng=s)) for s in range(60)]
    assert np.mean([e.stderr for e in estimates]) == pytest.approx(np.std([e.value for e in estimates]), rel=0.3)


def test_no_invertible_linear_map_changes_it() -> None:
    a, b = TASKS["pair 5x5"].sample(300)
    value = GaussianMI().estimate(a, b).value
    rng = np.random.default_rng(0)
    assert GaussianMI().estimate(a @ rng.normal(size=(5, 5)) + 7, b).value == pytest.approx(value, abs=1e-9)
    assert GaussianMI().estimate(b, a).value == pytest.approx(value, abs=1e-12)
    copied = np.hstack([a, a[:, :2] - a[:, 2:4], np.ones((300, 1))])
    assert GaussianMI().estimate(copied, b).value == pytest.approx(value, abs=1e-9)


def test_no_increasing_map_of_a_column_changes_the_copula() -> None:
    a: Any
    b: Any
    a, b = TASKS["pair 5x5"].sample(300)
    value = GaussianCopulaMI().estimate(a, b).value
    assert GaussianCopulaMI().estimate(np.exp(3 * a), b**3).value == pytest.approx(value, abs=1e-9)
    # float: exactly the same ranks
    assert (normal_scores(np.exp(3 * a)) == normal_scores(a)).all()


def test_without_correction_it_is_the_log_determinant() -> None:
    a, b = TASKS["dense 5x5"].sample(100)
    both = np.corrcoef(np.hstack([a, b]).T)
    logdet = [np.linalg.slogdet(m)[1] for m in (both[:5, :5], both[5:, 5:], both)]
    expected = 0.5 * (logdet[0] + logdet[1] - logdet[2])
    assert GaussianMI("none").estimate(a, b, unit="nats").value == pytest.approx(expected, abs=1e-10)


def test_bad_input_is_refused() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 20, 10))
    with pytest.raises(InputError, match=r"^correction must be 'wishart' or 'none', not 'bootstrap'$"):
        GaussianCopulaMI("bootstrap")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"^a and b hold 20 samples of 10 and 10 independent columns; .* at least 22:"):
        GaussianMI().estimate(a, b)
    with pytest.raises(InputError, match=r"^a and b share a linear combination of columns, so their Gaussian inf"):
        GaussianMI().estimate(a[:, :2], a[:, :1] + a[:, 1:2])


def test_tails_that_let_a_few_rows_decide_are_flagged() -> None:
    rng = np.random.default_rng(0)
    cauchy, normal = rng.standard_cauchy(size=(1000, 2)), rng.normal(size=(1000, 1))
    found = GaussianMI().estimate(normal, cauchy)
    assert len(found.warnings) == 1
    assert found.warnings[0].startswith("heavy tails: a column of b has an excess kurtosis of ")
    assert GaussianMI().estimate(normal, rng.exponential(size=1000)).warnings == ()
    assert GaussianCopulaMI().estimate(normal, cauchy).warnings == ()
