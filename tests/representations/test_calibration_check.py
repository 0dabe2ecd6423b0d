"""The calibration test: it agrees where posteriors are calibrated, and only there; its standard error is one."""

import numpy as np
import pytest
from scipy.special import softmax

from pidkit import InputError
from pidkit.representations.calibration import fit_calibration
from pidkit.representations.calibration_check import CalibrationCheck, calibration_test
from pidkit.representations.coded_model import coded_model
from pidkit.representations.posterior_codes import posterior_codes
from tests.representations.known_layers import FOUR_CLASSES, gaussian_classes


def check(q_1: np.ndarray, q_2: np.ndarray, labels: np.ndarray, n_codes: int = 12) -> CalibrationCheck:
    rng = np.random.default_rng(0)
    codes = [posterior_codes(q, n_codes, rng)[0] for q in (q_1, q_2)]
    return calibration_test(coded_model(q_1, q_2, codes[0], codes[1], np.bincount(labels) / labels.size), labels)


def twisted(q: np.ndarray) -> np.ndarray:
    """Return posteriors that no temperature mends: too sure, and of the wrong one of two classes too often."""
    logs = np.log(q)
    return np.asarray(softmax(2.5 * logs + 1.5 * logs[:, [1, 0, 2, 3]], axis=1))


def test_calibrated_posteriors_agree_in_nineteen_of_twenty_samples() -> None:
    z = []
    for seed in range(60):
        case = gaussian_classes(800, seed, nuisance=(1, 1), **FOUR_CLASSES)  # type: ignore[arg-type]
        z.append(check(case.posteriors_1, case.posteriors_2, case.labels, 6).z)
    assert (np.abs(z) < 2).mean() >= 0.85
    assert abs(np.mean(z)) < 0.4
    assert 0.7 < np.std(z) < 1.3


def test_they_disagree_before_matrix_scaling_and_agree_after_it() -> None:
    case = gaussian_classes(6000, 0, nuisance=(1, 1), **FOUR_CLASSES)  # type: ignore[arg-type]
    fitted, own = np.arange(6000) < 2000, np.arange(6000) >= 2000
    shown = [twisted(q) for q in (case.posteriors_1, case.posteriors_2)]
    before = check(shown[0][own], shown[1][own], case.labels[own])
    assert abs(before.z) > 10
    assert abs(before.model - before.counted) > 0.1
    mended = [fit_calibration(q[fitted], case.labels[fitted]).apply(q[own]) for q in shown]
    after = check(mended[0], mended[1], case.labels[own])
    assert abs(after.z) < 3
    assert after.model == pytest.approx(after.counted, abs=0.03)


def test_the_difference_is_that_of_model_and_counts_but_for_plug_in_bias() -> None:
    case = gaussian_classes(50_000, 0, nuisance=(1, 1), **FOUR_CLASSES)  # type: ignore[arg-type]
    q = [softmax(1.05 * np.log(q), axis=1) for q in (case.posteriors_1, case.posteriors_2)]
    found = check(q[0], q[1], case.labels, 5)
    assert found.difference == pytest.approx(found.counted - found.model, abs=0.1 * abs(found.difference) + 5e-4)
    assert found.z < -3


def test_without_scatter_z_is_zero_or_infinite() -> None:
    assert CalibrationCheck(1.0, 1.0, 0.0, 0.0).z == 0.0
    assert CalibrationCheck(1.0, 0.5, -0.5, 0.0).z == -np.inf


@pytest.mark.parametrize("labels", [np.arange(5) % 2, np.arange(6), np.arange(6) - 1])
def test_labels_must_fit(labels: np.ndarray) -> None:
    q = np.full((6, 2), 0.5)
    model = coded_model(q, q, np.zeros(6, int), np.zeros(6, int), np.array([0.5, 0.5]))
    with pytest.raises(
        InputError, match=r"^labels must hold one of 2 classes for each of 6 rows, as ranks 0, 1, \.\.\.$"
    ):
        calibration_test(model, labels)
