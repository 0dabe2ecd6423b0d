"""Arrays in pieces: the same components and codes as of the whole, by both ways, and no copy of a map."""

from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import subspace_angles
from sklearn.decomposition import PCA

from pidkit import InputError
from pidkit.quantise import PrincipalComponents, RepresentationCodes
from pidkit.quantise.pieces import SomeRows, array_or_pieces, needs_pieces
from tests.memory import traced_memory
from tests.quantise.quantisers import blobs, same_partition


def clouds(n: int, d: int) -> np.ndarray:
    """Return rows about five centres that differ in loudness, in a few directions of many, sorted by centre."""
    rng = np.random.default_rng(0)
    place = np.arange(n) * 5 // n
    x = 10.0 * rng.normal(size=(5, d))[place] / np.sqrt(d) * np.sqrt(20.0) + rng.normal(size=(n, d))
    return (x + 3.0).astype(np.float16)


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("unit", [True, False])
def test_components_are_those_of_the_whole(exact: bool, unit: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    x = clouds(200, 300)
    pieces = SomeRows(x, memory=200_000, unit=unit)
    assert not pieces.covariance_fits
    monkeypatch.setattr(SomeRows, "covariance_fits", exact)
    found = PrincipalComponents(4).fit(pieces)
    rows = x.astype(np.float64)
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True) if unit else rows
    expected = PCA(4, svd_solver="full").fit(rows)
    assert np.abs(subspace_angles(found.components_.T, expected.components_.T)).max() < 1e-3
    np.testing.assert_allclose(found.components_ @ found.components_.T, np.eye(4), atol=1e-9)
    # Subspace iteration reads numbers of two bytes in single precision.
    np.testing.assert_allclose(found.mean_, expected.mean_, rtol=1e-9 if exact else 1e-6)
    np.testing.assert_allclose(np.abs(found.transform(rows)), np.abs(expected.transform(rows)), atol=0.01 * rows.std())


@pytest.mark.parametrize("normalise", [True, False])
def test_codes_are_those_of_the_whole(normalise: bool, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", clouds(300, 400))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    whole, pieces = (
        RepresentationCodes(4, 5, normalise=normalise, memory=memory).fit(mapped) for memory in (None, 400_000)
    )
    assert same_partition(whole.codes(mapped), pieces.codes(mapped))
    assert same_partition(whole.codes(mapped[:7]), pieces.codes(mapped[:7]))


def test_some_rows_are_fitted_without_a_copy(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", clouds(2000, 1000))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    rows = np.arange(0, 2000, 3)
    with traced_memory() as traced:
        coder = RepresentationCodes(4, 5, memory=2**21).fit(SomeRows(mapped, rows, 2**21))
        codes = coder.codes(SomeRows(mapped, rows, 2**21))
    assert traced.peak < 1.5 * 2**21
    assert same_partition(codes, rows * 5 // 2000)


@pytest.mark.parametrize("share", [0.5, 1.2, 2.5, 3.2])
def test_coding_takes_no_more_than_the_memory(share: float) -> None:
    x = clouds(1500, 600).astype(np.float32)
    memory = round(share * 8 * x.size)
    with traced_memory() as traced:
        coder = RepresentationCodes(4, 5, normalise=True, memory=memory).fit(x)
        codes = coder.codes(x)
    assert traced.peak < memory
    assert same_partition(codes, np.arange(1500) * 5 // 1500)


def test_rows_whose_components_are_large_are_clustered_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pidkit.quantise.representation.FEWEST_BATCHED", 30)
    x = blobs(600)[np.argsort(np.arange(600) % 3, kind="stable")]
    for n_pca in (2, None):
        coder = RepresentationCodes(n_pca, 3, memory=1000).fit(x)
        assert same_partition(coder.codes(x), np.sort(np.arange(600) % 3))


def test_what_fits_is_no_pieces() -> None:
    x = np.zeros((4, 5))
    assert not needs_pieces(x, 480)
    assert needs_pieces(x, 479)
    assert not needs_pieces(x, None)
    assert isinstance(array_or_pieces(x, 479), SomeRows)
    assert array_or_pieces(x, 480) is x


def test_every_piece_is_checked() -> None:
    x = clouds(100, 50)
    x[77, 3] = np.nan
    with pytest.raises(InputError, match="x must be finite"):
        RepresentationCodes(2, 3, memory=3000).fit(x)
