"""Codes of posteriors: their loss is the information lost, it falls with codes, and held-out rows choose how many."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pidkit import InputError
from pidkit.info import mutual_information
from pidkit.representations import posterior_codes as module
from pidkit.representations.posterior_codes import choose_codes, coding_loss, posterior_codes
from tests.representations.known_layers import FOUR_CLASSES, gaussian_classes


def posteriors(n: int, classes: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.full(classes, 0.7), size=n)


@given(st.integers(2, 40), st.integers(2, 5), st.integers(1, 12), st.integers(0, 10**6))
def test_the_loss_is_the_information_that_the_codes_lack(n: int, classes: int, n_codes: int, seed: int) -> None:
    q = posteriors(n, classes, seed)
    codes, centroids = posterior_codes(q, n_codes, np.random.default_rng(seed))
    table = np.stack([q[codes == k].sum(0) for k in range(codes.max() + 1)], axis=1) / n
    lost = mutual_information(q.T / n) - mutual_information(table)
    loss = coding_loss(q, codes, centroids)
    assert loss == pytest.approx(lost, abs=1e-9)
    assert loss >= -1e-12
    assert centroids == pytest.approx((table / table.sum(0)).T)
    assert sorted(set(codes)) == list(range(len(centroids)))


def test_it_falls_with_codes_to_nothing() -> None:
    q = posteriors(500, 4, 0)
    losses = [
        coding_loss(q, *posterior_codes(q, n_codes, np.random.default_rng(0)))
        for n_codes in (1, 2, 5, 10, 30, 100, 500)
    ]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] == pytest.approx(0.0, abs=1e-9)
    assert losses[0] == pytest.approx(mutual_information(q.T / 500), abs=1e-9)


def test_no_row_is_nearer_to_another_centroid() -> None:
    q = posteriors(300, 3, 0)
    codes, centroids = posterior_codes(q, 8, np.random.default_rng(0))
    far = (q[:, None] * (np.log(q)[:, None] - np.log(centroids)[None])).sum(2)
    assert (far[np.arange(300), codes] <= far.min(1) + 1e-6).mean() > 0.98  # one more step would move the rest


def test_fewer_distinct_posteriors_get_fewer_codes() -> None:
    q = np.repeat(posteriors(3, 3, 0), 5, axis=0)
    codes, centroids = posterior_codes(q, 10, np.random.default_rng(0))
    assert len(centroids) == 3
    assert (codes.reshape(3, 5) == codes.reshape(3, 5)[:, :1]).all()


def test_of_many_rows_a_part_is_clustered(monkeypatch: pytest.MonkeyPatch) -> None:
    q = posteriors(2000, 3, 0)
    whole = coding_loss(q, *posterior_codes(q, 12, np.random.default_rng(0)))
    monkeypatch.setattr(module, "CLUSTERED_ROWS", 500)
    codes, centroids = posterior_codes(q, 12, np.random.default_rng(0))
    assert coding_loss(q, codes, centroids) == pytest.approx(whole, abs=0.02)
    assert centroids[3] == pytest.approx(q[codes == 3].mean(0))


def test_more_rows_choose_more_codes() -> None:
    chosen = []
    for n in (200, 1000, 5000):
        case = gaussian_classes(n, 1, nuisance=(1, 1), **FOUR_CLASSES)  # type: ignore[arg-type]
        _, centroids = choose_codes(
            case.posteriors_1, case.labels, (2, 5, 10, 20, 40), np.arange(n) % 5, np.random.default_rng(1)
        )
        chosen.append(len(centroids))
    assert chosen == sorted(chosen)
    assert chosen[0] < 10 < chosen[-1]


def test_posteriors_that_tell_nothing_get_the_fewest_codes() -> None:
    q = posteriors(1000, 3, 0)
    labels = np.random.default_rng(1).integers(3, size=1000)
    assert len(choose_codes(q, labels, (1, 10, 50), np.arange(1000) % 5, np.random.default_rng(0))[1]) == 1


def test_bad_input_is_refused() -> None:
    with pytest.raises(InputError, match=r"^n_codes must be a whole number >= 1, not 0$"):
        posterior_codes(posteriors(5, 2, 0), 0, np.random.default_rng(0))
    with pytest.raises(InputError, match=r"^codes must have one entry a posterior; there are 2 for 1$"):
        coding_loss(np.array([[0.5, 0.5]]), np.array([0, 0]), np.array([[0.5, 0.5]]))
