"""The layers with known atoms are what they say."""

import numpy as np
import pytest

from tests.representations.known_layers import CASE_A, gaussian_classes, information


def test_case_a_is_that_of_the_study() -> None:
    case = gaussian_classes(2000, 0, **CASE_A)  # type: ignore[arg-type]
    assert np.array([case.mi_1, case.mi_2]) / np.log(2) == pytest.approx([2.917, 2.252], abs=0.01)


@pytest.mark.parametrize("which", [1, 2])
def test_the_posteriors_are_calibrated_and_hold_the_information(which: int) -> None:
    case = gaussian_classes(20_000, 0, **CASE_A)  # type: ignore[arg-type]
    q = case.posteriors_1 if which == 1 else case.posteriors_2
    own = np.log(q[np.arange(20_000), case.labels]) + np.log(10)
    assert own.mean() == pytest.approx(case.mi_1 if which == 1 else case.mi_2, abs=0.03)
    sure = q.max(1)
    right = q.argmax(1) == case.labels
    for low, high in ((0.3, 0.6), (0.6, 0.9), (0.9, 1.0)):
        chosen = (sure > low) & (sure <= high)
        assert right[chosen].mean() == pytest.approx(sure[chosen].mean(), abs=0.03)


def test_two_classes_have_the_information_of_the_integral() -> None:
    """Two unit normals sqrt(2) apart e_y: the entropy of the mixture along their line, less that of the noise."""
    apart = 1.5
    half = apart / np.sqrt(2)
    x = np.linspace(-12, 12, 100_001)
    density = 0.5 * (np.exp(-0.5 * (x - half) ** 2) + np.exp(-0.5 * (x + half) ** 2)) / np.sqrt(2 * np.pi)
    entropy = -(density * np.log(np.maximum(density, 1e-300))).sum() * (x[1] - x[0])
    assert information(2, apart) == pytest.approx(entropy - 0.5 * np.log(2 * np.pi * np.e), abs=0.005)
