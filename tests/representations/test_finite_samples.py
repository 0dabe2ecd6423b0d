"""Bias, corrections, null and bootstrap: closed forms where there are some, the measured facts where there are none."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pidkit import InputError, PIDResult, pid_from_samples
from pidkit.info import joint_mutual_information, mutual_information
from pidkit.joint import joint_from_samples
from pidkit.pid.result import ATOMS
from pidkit.representations import finite_samples
from pidkit.representations.finite_samples import (
    CodedSamples,
    Spread,
    bootstrap,
    check_correction,
    corrected_atoms,
    extrapolate,
    miller_madow,
    predicted_bias,
    shuffled_null,
    spreads,
    within_label_excess,
)

BITS = np.log(2.0)


def independent(rng: np.random.Generator, n: int, shape: tuple[int, int, int]) -> CodedSamples:
    """Return samples of three independent uniform variables."""
    return CodedSamples(*(rng.integers(k, size=n) for k in shape))


def related(rng: np.random.Generator, n: int) -> CodedSamples:
    """Return samples of a target seen through two noisy, related sources."""
    y = rng.integers(3, size=n)
    return CodedSamples(y, (y + (rng.random(n) < 0.3)) % 4, (y + (rng.random(n) < 0.4)) % 3)


def plugin(samples: CodedSamples) -> PIDResult:
    """Return the plug-in decomposition, in nats."""
    return pid_from_samples(y=samples.y, x1=samples.x1, x2=samples.x2, unit="nats")


def test_the_predicted_bias_is_its_formula() -> None:
    assert predicted_bias(4, 36, 200) == pytest.approx(3 * 35 / 400, abs=1e-15)
    assert predicted_bias(1, 36, 200) == predicted_bias(4, 1, 200) == 0.0
    assert predicted_bias(10, 100, 10_000) / BITS == pytest.approx(0.06428, abs=1e-5)


def test_the_predicted_bias_is_what_independent_samples_show() -> None:
    """2 n I is nearly chi-square with d degrees of freedom: mean d, variance 2 d."""
    rng, n, degrees, draws = np.random.default_rng(0), 500, 3 * 8, 2000
    counts = rng.multinomial(n, np.full(36, 1 / 36), size=draws).reshape(draws, 4, 9)
    found = np.array([mutual_information(table / n) for table in counts])
    error = np.sqrt(2 * degrees / draws) / (2 * n)
    assert found.mean() == pytest.approx(predicted_bias(4, 9, n), abs=4 * error + 0.05 * predicted_bias(4, 9, n))


@pytest.mark.parametrize(
    ("n", "synergy", "redundancy"), [(500, 1.10, 0.037), (2000, 0.313, 0.009), (10000, 0.054, 0.001)]
)
def test_the_plug_in_atoms_of_independent_codes(n: int, synergy: Any, redundancy: Any) -> None:
    """Measured once: 10 x 10 x 10 codes that have nothing to do with each other, one draw each, rounded as printed."""
    rng = np.random.default_rng(n)
    found = np.array([list(plugin(independent(rng, n, (10, 10, 10))).atoms.values()) for _ in range(12)]) / BITS
    mean, std = found.mean(0), found.std(0, ddof=1)
    assert mean[3] == pytest.approx(synergy, abs=3 * std[3] + 0.005)
    assert mean[0] == pytest.approx(redundancy, abs=3 * std[0] + 0.0005)


def test_miller_madow_of_a_full_table_is_its_closed_form() -> None:
    """Every cell occurs: K_y + K_x - K_yx - 1 = -(K_y - 1)(K_x - 1), so the correction is the predicted bias."""
    samples = independent(np.random.default_rng(1), 4000, (3, 4, 2))
    raw = plugin(samples)
    found = miller_madow(samples, raw)
    assert found["redundancy"] == raw.redundancy
    assert found["redundancy"] + found["unique_1"] == pytest.approx(raw.mi_1 - predicted_bias(3, 4, 4000), abs=1e-12)
    assert found["redundancy"] + found["unique_2"] == pytest.approx(raw.mi_2 - predicted_bias(3, 2, 4000), abs=1e-12)
    assert sum(found.values()) == pytest.approx(raw.mi_joint - predicted_bias(3, 8, 4000), abs=1e-12)


def test_miller_madow_counts_the_cells_that_occur() -> None:
    """Y = X1 = X2 with k symbols: k cells in every table, so each information gains (k - 1) / (2 n)."""
    y = np.arange(60) % 5
    samples = CodedSamples(y, y, 3 * y)
    found = miller_madow(samples, plugin(samples))
    assert found["redundancy"] + found["unique_1"] == pytest.approx(np.log(5) + 4 / 120, abs=1e-9)
    assert sum(found.values()) == pytest.approx(np.log(5) + 4 / 120, abs=1e-9)


def law(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> Callable[..., Any]:
    """Return atoms that follow a + b / n + c / n^2 exactly, as a stand-in for solving."""
    return lambda batch: np.array([a + b / samples.n + c / samples.n**2 for samples in batch])


def test_extrapolation_is_exact_for_a_quadratic_in_one_over_n(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    a, b, c = rng.normal(size=(3, 4)) * [[1.0], [50.0], [900.0]]
    monkeypatch.setattr(finite_samples, "_atoms", law(a, b, c))
    monkeypatch.setattr(finite_samples, "_values", lambda samples: law(a, b, c)([samples])[0])
    samples: Any = independent(rng, 400, (2, 2, 2))  # halves and quarters without remainder
    found = extrapolate(samples, samples, rng)
    assert list(found) == list(ATOMS)
    assert list(found.values()) == pytest.approx(a, abs=1e-12)


@settings(max_examples=10)
@given(st.integers(0, 1000))
def test_extrapolated_atoms_add_up_to_extrapolated_information(seed: int) -> None:
    rng = np.random.default_rng(seed)
    samples = related(rng, 403)
    found = extrapolate(samples, plugin(samples), np.random.default_rng(seed))
    order = np.random.default_rng(seed).permutation(403)

    def information(x: np.ndarray) -> float:
        tables = [
            [
                joint_from_samples(y=samples.y[rows], x1=x[rows], x2=0 * rows)[..., 0]
                for rows in np.array_split(order, k)
            ]
            for k in (1, 2, 4)
        ]
        whole, halves, quarters = (np.mean([mutual_information(table) for table in part]) for part in tables)
        return float((8 * whole - 6 * halves + quarters) / 3)

    assert found["redundancy"] + found["unique_1"] == pytest.approx(information(samples.x1), abs=1e-10)
    assert found["redundancy"] + found["unique_2"] == pytest.approx(information(samples.x2), abs=1e-10)
    assert sum(found.values()) == pytest.approx(information(samples.x1 * 3 + samples.x2), abs=1e-10)


def test_extrapolation_takes_away_most_of_the_bias() -> None:
    """4 x 6 x 6 independent codes, 1000 samples: measured once, +.04 to +.07 bits plug-in, -.02 to -.005 after."""
    rng = np.random.default_rng(3)
    draws = [independent(rng, 1000, (4, 6, 6)) for _ in range(20)]
    raws = [plugin(samples) for samples in draws]
    raw = np.mean([r.synergy for r in raws]) / BITS
    after = np.mean([extrapolate(s, r, rng)["synergy"] for s, r in zip(draws, raws, strict=True)]) / BITS
    assert 0.04 < raw < 0.07
    assert -0.02 < after < 0.01


def test_the_null_keeps_the_sources_and_permutes_the_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def note(batch: list[CodedSamples]) -> np.ndarray:
        seen.extend(batch)
        return np.zeros((len(batch), 4))

    monkeypatch.setattr(finite_samples, "_atoms", note)
    samples = related(np.random.default_rng(4), 200)
    assert shuffled_null(samples, 5, np.random.default_rng(0)).shape == (5, 4)
    for copy in seen:
        assert copy.x1 is samples.x1
        assert copy.x2 is samples.x2
        np.testing.assert_array_equal(np.sort(copy.y), np.sort(samples.y))
    assert len({copy.y.tobytes() for copy in [samples, *seen]}) == 6


def test_the_null_of_sources_that_know_all_is_the_bias_alone() -> None:
    """Y = X1, X2 its parity: nothing of that is left, and the atoms add up to chance, (K_y - 1)(K_12 - 1) / (2 n)."""
    y = np.arange(1000) % 4
    samples = CodedSamples(y, y, y % 2)
    null = shuffled_null(samples, 200, np.random.default_rng(5))
    assert null.sum(1).mean() == pytest.approx(predicted_bias(4, 4, 1000), rel=0.15)
    assert null.max() < 0.05 < plugin(samples).redundancy
    # X2 is a function of X1 in the null too: it has nothing of its own, and there is no synergy.
    np.testing.assert_allclose(null[:, 2:], 0.0, atol=1e-9)


def test_shuffle_subtracts_the_mean_of_the_null() -> None:
    samples = related(np.random.default_rng(6), 300)
    raw, rng = plugin(samples), np.random.default_rng(0)
    null = rng.random((7, 4))
    found = corrected_atoms("shuffle", samples, raw, null, rng)
    assert list(found.values()) == pytest.approx(np.array(list(raw.atoms.values())) - null.mean(0), abs=1e-15)
    assert corrected_atoms("none", samples, raw, null, rng) is None
    assert corrected_atoms("miller-madow", samples, raw, None, rng) == miller_madow(samples, raw)
    by_method = corrected_atoms("extrapolation", samples, raw, None, np.random.default_rng(1))
    assert by_method == extrapolate(samples, raw, np.random.default_rng(1))


def test_the_excess_within_labels_is_that_of_sources_that_are_independent_given_the_label() -> None:
    """Such samples are as likely as their permutations within labels, which have the same pair tables."""
    first, second = np.random.default_rng(0).dirichlet(np.full(6, 2.0), size=(2, 4))
    own, excess = np.zeros((2, 20))
    for seed in range(20):
        rng = np.random.default_rng(seed)
        y = rng.integers(4, size=200)
        x1, x2 = ((rng.random((200, 1)) > p[y].cumsum(1)[:, :-1]).sum(1) for p in (first, second))
        samples = CodedSamples(y, x1, x2)
        p = joint_from_samples(y=y, x1=x1, x2=x2)
        product = p.sum(2)[:, :, None] * p.sum(1)[:, None, :] / p.sum((1, 2))[:, None, None]
        own[seed] = joint_mutual_information(p) - joint_mutual_information(product)
        excess[seed] = within_label_excess(samples, 10, rng)
    assert excess.mean() == pytest.approx(own.mean(), abs=3.0 * (excess - own).std() / np.sqrt(20))
    assert own.mean() > 0.1


def test_sources_that_tell_the_label_have_no_excess_within_labels() -> None:
    y = np.arange(60) % 3
    samples = CodedSamples(y, y, np.random.default_rng(0).integers(4, size=60))
    assert within_label_excess(samples, 3, np.random.default_rng(1)) == pytest.approx(0.0, abs=1e-12)


def test_the_bootstrap_has_the_spread_of_theory() -> None:
    """Y = X1 with P(1) = .2, X2 constant: unique_1 = H(p), std |log((1 - p) / p)| sqrt(p (1 - p) / n)."""
    y = (np.arange(2000) % 5 == 0).astype(int)
    found = bootstrap(CodedSamples(y, y, 0 * y), 600, np.random.default_rng(7))
    theory = np.log(0.8 / 0.2) * np.sqrt(0.2 * 0.8 / 2000)
    assert found[:, 1].std() == pytest.approx(theory, rel=4 / np.sqrt(2 * 600))
    exact = -0.2 * np.log(0.2) - 0.8 * np.log(0.8)
    assert found[:, 1].mean() == pytest.approx(exact - 1 / 4000, abs=4 * theory / np.sqrt(600))  # less (K - 1) / (2 n)
    np.testing.assert_allclose(found[:, [0, 2, 3]], 0.0, atol=1e-9)


def test_replicates_in_batches_are_those_solved_one_by_one() -> None:
    """More than one batch, and resamples in which symbols are missing."""
    samples = CodedSamples(np.arange(12) % 4, np.arange(12) % 3, np.arange(12) // 6)
    found = bootstrap(samples, finite_samples.BATCH + 9, np.random.default_rng(8))
    rng = np.random.default_rng(8)
    for row in found:
        alone = plugin(samples.take(rng.integers(12, size=12)))
        assert row == pytest.approx(list(alone.atoms.values()), abs=2e-9)


def test_spreads_are_moments_and_the_central_95_percent() -> None:
    column = np.arange(101.0)
    found = spreads(np.stack([column, column + 1, 2 * column, 0 * column], axis=1))
    assert list(found) == list(ATOMS)
    assert found["redundancy"] == Spread(50.0, pytest.approx(np.sqrt(850.0)), 2.5, 97.5)  # type: ignore[arg-type]
    assert (found["unique_2"].low, found["unique_2"].high, found["synergy"].std) == (5.0, 195.0, 0.0)


def test_a_progress_bar_comes_only_where_it_takes_long(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = related(np.random.default_rng(9), 50)
    shuffled_null(samples, 3, np.random.default_rng(0))
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(finite_samples, "SHOW_PROGRESS_AFTER", 0.0)
    bootstrap(samples, 3, np.random.default_rng(0))
    assert "bootstrap" in capsys.readouterr().err


def test_a_correction_that_cannot_be_made_is_refused() -> None:
    with pytest.raises(InputError, match=r"^bias must be one of 'none', .*, not 'qe'$"):
        check_correction("qe", n_null=0)
    with pytest.raises(InputError, match=r"^bias='shuffle' subtracts the mean .*; ask for one with n_null=20 or more$"):
        check_correction("shuffle", n_null=0)
    with pytest.raises(InputError, match=r"^bias='extrapolation' needs at least 8 samples, not 7; use bias='none'$"):
        check_correction("extrapolation", n_null=0, n_samples=7)
    check_correction("extrapolation", n_null=0, n_samples=8)
    eight = independent(np.random.default_rng(10), 8, (2, 2, 2))
    assert set(extrapolate(eight, plugin(eight), np.random.default_rng(0))) == set(ATOMS)
