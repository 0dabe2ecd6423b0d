"""The bracket of decoded atoms: it holds the exact atoms of the posteriors, and shrinks with codes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pidkit import solve_broja
from pidkit.representations import bracket as module
from pidkit.representations.bracket import Bracket, atom_bracket
from pidkit.representations.coded_model import coded_model, with_frequencies
from pidkit.representations.posterior_codes import posterior_codes
from tests.representations.known_layers import CASE_A, FOUR_CLASSES, KnownLayers, crossed_classes, gaussian_classes


def bracket_of(q_1: np.ndarray, q_2: np.ndarray, n_codes: int, p_y: np.ndarray) -> Bracket:
    rng = np.random.default_rng(0)
    codes = [posterior_codes(q, n_codes, rng)[0] for q in (q_1, q_2)]
    return atom_bracket(coded_model(q_1, q_2, codes[0], codes[1], p_y))


def of_layers(case: KnownLayers, n_codes: int) -> Bracket:
    p_y = np.bincount(case.labels) / case.labels.size
    mixed = [0.999999 * q + 1e-6 / q.shape[1] for q in (case.posteriors_1, case.posteriors_2)]
    return bracket_of(mixed[0], mixed[1], n_codes, p_y)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 4), st.integers(1, 8), st.booleans(), st.integers(0, 10**6))
def test_it_holds_the_atoms_that_every_row_as_a_code_of_its_own_has(
    classes: int, n_codes: int, degraded: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    p_y = rng.dirichlet(np.full(classes, 5.0))
    q_1 = rng.dirichlet(np.full(classes, 0.5), size=20) * 0.999 + 0.001 / classes
    q_2 = rng.dirichlet(np.full(classes, 0.5), size=20) * 0.999 + 0.001 / classes
    if degraded:
        q_2 = 0.6 * q_1 + 0.4 * q_1.mean(0)
    found = bracket_of(q_1, q_2, n_codes, p_y)
    tables = [with_frequencies(q, p_y).T / 20 for q in (q_1, q_2)]
    exact = solve_broja(*tables, unit="nats", tol=1e-8)
    for name in ("redundancy", "unique_1", "unique_2"):
        low, high = getattr(found, name)
        assert low - 1e-6 <= getattr(exact, name) <= high + 1e-6, name
    assert found.mi_1 == pytest.approx(exact.mi_1, abs=1e-9)
    assert found.mi_2 == pytest.approx(exact.mi_2, abs=1e-9)
    assert found.coding_loss_1 >= 0.0
    assert found.unique_1[1] - found.unique_1[0] <= found.redundancy[1] - found.redundancy[0] + 1e-12


def test_a_code_a_row_closes_it() -> None:
    rng = np.random.default_rng(0)
    q_1, q_2 = rng.dirichlet(np.ones(3), size=(2, 30)) * 0.999 + 0.001 / 3
    rows = np.arange(30)
    found = atom_bracket(coded_model(q_1, q_2, rows, rows, np.full(3, 1 / 3)))
    assert found.redundancy[1] - found.redundancy[0] < 1e-5
    assert found.coding_loss_1 == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("system", [CASE_A, FOUR_CLASSES], ids=["case A", "four classes"])
def test_the_markets_are_tighter_than_the_losses_and_hold_the_truth(system: dict[str, float]) -> None:
    case = gaussian_classes(2000, 0, nuisance=(1, 1), **system)  # type: ignore[arg-type]
    found = of_layers(case, 20)
    sampling = 0.03
    assert found.redundancy[0] - sampling <= case.mi_2 <= found.redundancy[1] + sampling
    assert found.unique_1[0] - sampling <= case.mi_1 - case.mi_2 <= found.unique_1[1] + sampling
    assert found.unique_2[0] <= sampling
    assert found.upper_by_market - found.mi_2 < 0.05 * (found.upper_by_coding - found.mi_2)


@pytest.mark.parametrize(
    "widest",
    [
        {4: 0.24, 10: 0.08, 40: 0.02},
        pytest.param({4: 0.24, 10: 0.08, 40: 0.02, 160: 0.005}, marks=pytest.mark.slow),  # 160 codes take 5 s
    ],
    ids=["40 codes", "160 codes"],
)
def test_it_shrinks_with_codes_as_the_market_form_promises(widest: dict[int, float]) -> None:
    """The losses alone would leave .33 bits at 4 codes, .14 at 10, .035 at 40 and .008 at 160."""
    _, posteriors = crossed_classes(4000, 0)
    found = [bracket_of(posteriors[0], posteriors[1], n_codes, np.full(4, 0.25)).redundancy for n_codes in widest]
    widths = [(high - low) / np.log(2) for low, high in found]
    assert (np.array(widths) < list(widest.values())).all(), widths
    assert max(low for low, _ in found) <= min(high for _, high in found) + 1e-6


def test_of_many_rows_the_market_sees_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    case = gaussian_classes(2000, 0, nuisance=(1, 1), **FOUR_CLASSES)  # type: ignore[arg-type]
    whole = of_layers(case, 10)
    monkeypatch.setattr(module, "MARKET_ROWS", 500)
    part = of_layers(case, 10)
    assert part.upper_by_market == pytest.approx(whole.upper_by_market, abs=0.03)
    assert part.upper_by_market != whole.upper_by_market
    assert part.redundancy[0] == whole.redundancy[0]
