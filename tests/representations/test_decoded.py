"""The arithmetic of decoded atoms: combinations, floors, rows left out, exchange of the layers, miscalibration."""

import dataclasses

import numpy as np
import pytest

from pidkit.pid.result import ATOMS
from pidkit.representations import union
from pidkit.representations.decoded import DecodedScores, score_decoded
from pidkit.representations.estimate import atoms_from
from pidkit.representations.held_out import OF_ATOMS
from pidkit.representations.posterior_codes import posterior_codes
from pidkit.types import FloatArray, IntArray

N = 4000


def two_looks(seed: int, n: int = N) -> tuple[IntArray, FloatArray, FloatArray, FloatArray]:
    """Return labels of two classes, and the exact posteriors of two looks x = ±1 + sigma noise and of both together."""
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=n)
    sigma = np.array([1.0, 2.0])
    x = (2 * y - 1)[:, None] + sigma * rng.normal(size=(n, 2))
    odds = 2.0 * x / sigma**2  # the logarithm of p(x|1) / p(x|0)
    odds = np.column_stack([odds, odds.sum(1)])
    of_one = 1.0 / (1.0 + np.exp(-odds))
    first, second, both = (np.column_stack([1.0 - q, q]) for q in np.clip(of_one, 1e-6, 1.0 - 1e-6).T)
    return y, first, second, both


def measured(seed: int = 0, *, exchanged: bool = False, sharpen: float = 1.0) -> DecodedScores:
    y, first, second, both = two_looks(seed)
    if sharpen != 1.0:
        first = first**sharpen / (first**sharpen).sum(1, keepdims=True)
    pair = (second, first) if exchanged else (first, second)
    rng = np.random.default_rng(1)
    coded = posterior_codes(pair[0], 20, rng), posterior_codes(pair[1], 20, rng)
    return score_decoded(y, (*pair, both), coded, np.arange(N) % 5, rng)


def test_the_atoms_as_combinations_are_the_atoms() -> None:
    informations = np.array([0.7, 0.4, 0.9, 1.3])
    assert dict(zip(ATOMS, OF_ATOMS @ informations, strict=True)) == pytest.approx(atoms_from(informations))


def test_a_worse_look_is_redundant_and_the_better_one_unique() -> None:
    # x2 has twice the noise of x1, so that it is a degraded x1 (Blackwell): unique_2 = 0 and redundancy = I(Y;X2).
    found = measured()
    estimate, held_out = found.informations()
    atoms, errors = atoms_from(estimate), found.standard_errors()
    assert atoms["unique_2"] == pytest.approx(0.0, abs=3.0 * errors["unique_2"] + 1e-3)
    assert atoms["redundancy"] == pytest.approx(found.scores[:, 1].mean(), abs=3.0 * errors["redundancy"] + 1e-3)
    assert estimate[2] >= max(estimate[:2])
    assert estimate[3] >= estimate[2]
    assert held_out[3] == pytest.approx(found.scores[:, 2].mean())
    assert found.coded_redundancy() <= atoms["redundancy"] + 1e-3


def test_exchanging_the_layers_exchanges_the_unique_atoms() -> None:
    atoms, exchanged = (atoms_from(measured(exchanged=turn).informations()[0]) for turn in (False, True))
    renamed = {"unique_1": "unique_2", "unique_2": "unique_1"}
    # k-means draws its starts in another order.
    assert {renamed.get(name, name): value for name, value in exchanged.items()} == pytest.approx(atoms, abs=5e-3)


def test_the_rows_left_out_take_the_scores_of_their_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = measured()
    monkeypatch.setattr(union, "MOST_WORK", 0.0)
    part = measured()
    assert (whole.rows.size, part.rows.size) == (N, union.FEWEST_SCORED)
    assert whole.rows_of_informations()[1] == 0.0
    rows, extra = part.rows_of_informations()
    assert rows.shape == (N, 4)
    assert extra > 0.0
    difference = rows[:, 2].mean() - whole.rows_of_informations()[0][:, 2].mean()
    assert abs(difference) <= 3.5 * np.sqrt(extra)
    assert part.standard_errors()["union"] > whole.standard_errors()["union"]


def test_posteriors_that_are_too_sure_are_found_out() -> None:
    calm, sure = measured().miscalibration(), measured(sharpen=3.0).miscalibration()
    assert abs(calm[0]) < 3.5 * calm[1]
    assert sure[0] > 5.0 * sure[1]


def test_the_decoder_of_both_that_reads_less_is_found_out() -> None:
    found = measured()
    less, error = found.joint_shortfall()
    assert less < -5.0 * error  # two looks together tell more
    deaf = dataclasses.replace(found, scores=found.scores * np.array([1.0, 1.0, 0.0]))
    assert deaf.joint_shortfall()[0] == pytest.approx(found.scores[:, 0].mean())
    assert deaf.informations()[0][3] == deaf.informations()[0][2]  # both together tell at least the union
