"""A layer that was read once stands for the layer, in pairs of the same rows and options."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pidkit import InputError, LayerPosteriors, UniformBins, pid_table, posteriors_of, representation_pid, save_arrays
from pidkit.representations.table import work

Y = np.random.default_rng(1).permutation(np.arange(120) % 3)
RNG = np.random.default_rng(0)
X1, X2 = (np.eye(3)[Y] + 0.8 * RNG.normal(size=(120, 3)) for _ in range(2))
pytestmark = pytest.mark.filterwarnings("ignore::pidkit.PidkitWarning")  # of so few rows

HOW: dict[str, Any] = {"labels": Y, "decoder": "knn", "n_codes": 4, "folds": 2}


def plain(result: Any) -> dict[str, Any]:
    document: dict[str, Any] = result.to_dict()
    del document["report"]["seconds"]
    return document


@pytest.fixture(scope="module")
def read() -> LayerPosteriors:
    return posteriors_of(x=X1, **HOW)


def test_a_layer_that_was_read_stands_for_the_layer(read: LayerPosteriors) -> None:
    expected = representation_pid(x1=X1, x2=X2, **HOW)
    assert plain(representation_pid(x1=read, x2=X2, **HOW)) == plain(expected)
    assert plain(representation_pid(x1=read.to("nats"), x2=posteriors_of(x=X2, **HOW), **HOW)) == plain(expected)
    assert read.report == expected.decoders["x1"]


def test_it_holds_what_was_read(read: LayerPosteriors) -> None:
    assert read.posteriors.shape == (120, 3)
    np.testing.assert_allclose(read.posteriors.sum(1), 1.0)
    assert (read.codes.max() + 1, len(read.centroids)) == (4, 4)
    np.testing.assert_allclose(read.centroids[2], read.posteriors[read.codes == 2].mean(0))
    assert np.bincount(read.folds).tolist() == [60, 60]
    assert repr(read).startswith("LayerPosteriors of 120 rows, 3 classes, 4 codes: decoder 'knn' reads 0.")


def test_without_the_decoder_of_both_the_synergy_is_not_there_and_the_rest_is_the_same(read: LayerPosteriors) -> None:
    found, whole = (representation_pid(x1=read, x2=X2, synergy=synergy, **HOW) for synergy in (False, True))
    assert np.isnan([found.synergy, found.mi_joint, found.interval["synergy"][0], found.p_value["synergy"]]).all()
    assert found.verdict("synergy") == "not computed: no decoder read both layers (synergy=False)"
    for name in ("redundancy", "unique_1", "unique_2"):
        assert getattr(found, name) == getattr(whole, name)
        assert (found.interval[name], found.p_value[name]) == (whole.interval[name], whole.p_value[name])
    np.testing.assert_array_equal(found.row_scores[:, :3], whole.row_scores[:, :3])
    with pytest.raises(InputError, match="the result has no synergy, and so no budget"):
        found.budget()


def test_what_a_table_read_is_taken_from_its_folder(
    read: LayerPosteriors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_arrays(tmp_path / "x1.npy", x=X1)
    pid_table(x1={"a": tmp_path / "x1.npy"}, x2={"b": X2}, path=tmp_path / "table", **HOW)
    monkeypatch.setattr(work, "read_layer_once", lambda *_: pytest.fail("read again"))
    for source in (X1, tmp_path / "x1.npy"):
        kept = posteriors_of(x=source, path=tmp_path / "table", **HOW)
        np.testing.assert_array_equal(kept.posteriors, read.posteriors)
        np.testing.assert_array_equal(kept.folds, read.folds)
        assert kept.report == read.report


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"labels": Y[::-1]}, "x1 was read by posteriors_of with another labels; pass the same"),
        ({"decoder": "linear"}, "x1 was read by posteriors_of with another decoder: 'knn', not 'linear'"),
        ({"folds": 3}, "with another folds: 2, not 3"),
        ({"n_codes": 5}, "with another n_codes: 4, not 5"),
        ({"groups": np.arange(120) // 2}, "with another groups"),
        ({"rng": 1}, "with another rng: 0, not 1"),
        ({"rng": np.random.default_rng(0)}, "rng must be the whole number that posteriors_of was given"),
    ],
)
def test_other_rows_or_options_are_refused(read: LayerPosteriors, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        representation_pid(x1=read, x2=X2, **{**HOW, **changed})


def test_codes_without_labels_need_the_layer(read: LayerPosteriors) -> None:
    with pytest.raises(InputError, match="x1 and x2 must be layers where a quantiser codes them"):
        representation_pid(labels=Y, x1=read, x2=X2, quantiser=UniformBins(2))  # type: ignore[call-overload]


def test_a_constant_layer_is_called_by_its_name_in_the_pair() -> None:
    read = posteriors_of(x=np.ones((120, 2)), **HOW)
    assert read.constant
    assert representation_pid(x1=X1, x2=read, **HOW).warnings == (
        "x2 is constant: its information about anything is 0",
    )
