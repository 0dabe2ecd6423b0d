"""The bracket of decoded atoms: it holds the truth of exact posteriors, shrinks with codes and rows, and widens for
posteriors that are not calibrated."""

import numpy as np
import pytest
from scipy.special import softmax

from pidkit import bivariate_pid
from pidkit.representations.bracket import atom_bracket
from pidkit.representations.decoded import score_decoded
from pidkit.representations.estimate import atoms_from, by_name
from pidkit.representations.posterior_codes import posterior_codes
from pidkit.types import FloatArray, IntArray
from tests.representations.known_layers import FOUR_CLASSES, gaussian_classes

NAMES = ("redundancy", "unique_1", "unique_2")


def bracket(y: IntArray, first: FloatArray, second: FloatArray, n_codes: int, seed: int) -> FloatArray:
    """Return the brackets of redundancy, unique_1 and unique_2, shape (3, 2), in nats."""
    rng = np.random.default_rng(seed)
    coded = posterior_codes(first, n_codes, rng), posterior_codes(second, n_codes, rng)
    scored = score_decoded(y, (first, second, first), coded, np.arange(y.size) % 5, rng)
    informations, _ = scored.informations()
    found = atom_bracket(scored, {**by_name(informations), **atoms_from(informations)})
    return np.array([found[name] for name in NAMES])


def of_symbols(seed: int, n: int) -> tuple[IntArray, FloatArray, FloatArray, FloatArray]:
    """Return labels and exact posteriors of two layers of eight symbols, and BROJA's atoms of their joint."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(3 * 8 * 8, 0.3)).reshape(3, 8, 8)
    y, x1, x2 = np.unravel_index(rng.choice(p.size, size=n, p=p.ravel()), p.shape)
    first, second = ((pair / pair.sum(0)).T for pair in (p.sum(2), p.sum(1)))
    exact = bivariate_pid(p, unit="nats")
    return y, first[x1], second[x2], np.array([getattr(exact, name) for name in NAMES])


def holds(ends: FloatArray, truth: FloatArray) -> np.ndarray:
    return (ends[:, 0] - 1e-6 <= truth) & (truth <= ends[:, 1] + 1e-6)


def test_exact_posteriors_of_any_joint_have_their_atoms_inside() -> None:
    # Nominally 95 % or more of each; 12 draws of three atoms, the seeds fixed.
    held = []
    for seed in range(12):
        y, first, second, truth = of_symbols(seed, 2000)
        held.append(holds(bracket(y, first, second, 5, seed), truth))
    assert np.mean(held) >= 0.95


def test_a_garbled_layer_has_its_redundancy_inside_though_it_lies_at_an_end() -> None:
    """The redundancy is I(Y;X2), the bracket's upper end in the population: half of the samples missed it before the
    sample's error was added."""
    for seed in range(4):
        case = gaussian_classes(2000, seed, **FOUR_CLASSES)  # type: ignore[arg-type]
        truth = np.array([case.mi_2, case.mi_1 - case.mi_2, 0.0])
        assert holds(bracket(case.labels, case.posteriors_1, case.posteriors_2, 10, seed), truth).all()


@pytest.mark.parametrize("power", [2.0, 0.5])
def test_posteriors_that_are_not_calibrated_tell_the_same_and_the_bracket_knows_it(power: float) -> None:
    """Powers of posteriors have the posteriors' information; scored as they stand they are counted as far less."""
    case = gaussian_classes(2000, 1, **FOUR_CLASSES)  # type: ignore[arg-type]
    first, second = (softmax(power * np.log(q), axis=1) for q in (case.posteriors_1, case.posteriors_2))
    found = bracket(case.labels, first, second, 20, 1)
    assert holds(found, np.array([case.mi_2, case.mi_1 - case.mi_2, 0.0])).all()
    # The bracket of too sure posteriors was narrower than that of right ones.
    right = bracket(case.labels, case.posteriors_1, case.posteriors_2, 20, 1)
    assert np.diff(found)[0, 0] > 2.0 * np.diff(right)[0, 0]


def test_more_codes_and_more_rows_narrow_it() -> None:
    widths = []
    for n, n_codes in ((1000, 4), (1000, 16), (8000, 16)):
        case = gaussian_classes(n, 0, **FOUR_CLASSES)  # type: ignore[arg-type]
        low, high = bracket(case.labels, case.posteriors_1, case.posteriors_2, n_codes, 0)[0]
        widths.append(high - low)
    assert widths[0] > 1.2 * widths[1] > 1.5 * widths[2]
