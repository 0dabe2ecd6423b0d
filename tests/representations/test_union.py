"""The union information of posteriors: that of joints whose posteriors are known, its ends, and rows left out."""

import numpy as np
import pytest

from pidkit import bivariate_pid
from pidkit.representations import union
from pidkit.representations.union import UnionScores, score_union
from pidkit.types import FloatArray, IntArray

N = 20_000


def exact_posteriors(
    p: FloatArray, rng: np.random.Generator, n: int = N
) -> tuple[IntArray, tuple[FloatArray, FloatArray], tuple[IntArray, IntArray], tuple[FloatArray, FloatArray]]:
    """Draw samples of a joint; return labels, posteriors, codes (the symbols themselves) and their centroids."""
    y, x1, x2 = np.unravel_index(rng.choice(p.size, size=n, p=p.ravel()), p.shape)
    of_1, of_2 = (pair / pair.sum(0) for pair in (p.sum(2), p.sum(1)))
    return y, (of_1.T[x1], of_2.T[x2]), (x1, x2), (of_1.T, of_2.T)


def scored(p: FloatArray, seed: int, n: int = N) -> tuple[UnionScores, float, IntArray]:
    """Score samples of a joint, and return the exact union information in nats beside."""
    rng = np.random.default_rng(seed)
    y, posteriors, codes, centroids = exact_posteriors(p, rng, n)
    found = score_union(y, posteriors, codes, centroids, np.arange(n) % 5, rng)
    exact = bivariate_pid(p, unit="nats")
    return found, exact.mi_1 + exact.mi_2 - exact.redundancy, y


@pytest.mark.parametrize("seed", range(6))
def test_the_union_of_known_posteriors(seed: int) -> None:
    # Standard errors of these means are .003 to .008 nats; BROJA of the exact joint is the truth.
    p = np.random.default_rng(seed).dirichlet(np.full(48, 0.3)).reshape(3, 4, 4)
    found, exact, _ = scored(p, seed)
    error = found.held_out.std() / np.sqrt(N)
    assert found.held_out.mean() + 0.5 * found.excess == pytest.approx(exact, abs=3.5 * error)
    assert 0.0 < found.excess < 0.01


def test_posteriors_at_their_word_agree_with_the_labels() -> None:
    # The posteriors are the truth here: what they expect of a row's score differs from the score by noise only.
    p = np.random.default_rng(7).dirichlet(np.full(48, 0.3)).reshape(3, 4, 4)
    found, _, y = scored(p, 7)
    counted = found.held_out + np.log(np.bincount(y) / N)[y[found.rows]]
    error = (found.claimed - counted).std() / np.sqrt(N)
    assert found.claimed.mean() == pytest.approx(counted.mean(), abs=3.5 * error)


def test_a_layer_that_tells_nothing_adds_nothing() -> None:
    channel = np.array([[0.7, 0.2, 0.1], [0.1, 0.2, 0.7]])
    p = 0.5 * channel[:, :, None] * np.full(3, 1.0 / 3.0)
    found, exact, _ = scored(p, 0)
    single = bivariate_pid(p, unit="nats").mi_1
    assert exact == pytest.approx(single)
    assert found.held_out.mean() == pytest.approx(single, abs=3.5 * found.held_out.std() / np.sqrt(N) + 1e-3)


def test_the_codes_of_symbols_score_as_their_posteriors() -> None:
    # Every posterior is a centroid, so that coding loses nothing, and the market cannot beat the codes' own union.
    p = np.random.default_rng(3).dirichlet(np.full(48, 0.3)).reshape(3, 4, 4)
    found, _, _ = scored(p, 3)
    assert found.coded[found.rows, 2].mean() == pytest.approx(found.held_out.mean(), abs=2e-3)
    assert (found.coded_in_sample >= found.coded.mean(0)).all()


def test_more_rows_than_are_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    p = np.random.default_rng(4).dirichlet(np.full(48, 0.3)).reshape(3, 4, 4)
    whole, _, _ = scored(p, 4)
    monkeypatch.setattr(union, "MOST_WORK", 0.0)
    part, _, _ = scored(p, 4)
    assert (whole.rows.size, part.rows.size) == (N, union.FEWEST_SCORED)
    assert part.coded.shape == (N, 3)
    # A row's score depends on the markets, not on which other rows are scored.
    np.testing.assert_allclose(part.held_out, whole.held_out[part.rows], atol=1e-12)
