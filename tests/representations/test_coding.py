"""From representations to codes: which quantiser, which rows, and what is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pidkit
from pidkit import KMeansCodes, RepresentationCodes, UniformBins, coded_pid
from pidkit.representations.coding import copy_quantisers, describe, encode, read_rows, split_rows
from tests.representations.layers import QUANTISERS, FirstFeature, Recorder, Untouchable, teacher_and_student


def test_fit_and_measured_rows_are_apart_and_the_same_for_both_sources() -> None:
    Recorder.seen.clear()
    rows = np.arange(300)[:, None] * np.ones(2)
    with pytest.warns(pidkit.BiasWarning):
        found = coded_pid(labels=np.arange(300) // 2 % 2, x1=rows, x2=rows, quantiser=Recorder(), fit_fraction=0.25)
    steps = [step for step, _ in Recorder.seen]
    (fitted_1, measured_1, fitted_2, measured_2) = (seen for _, seen in Recorder.seen)
    assert steps == ["fit", "transform"] * 2
    assert (fitted_1, measured_1) == (fitted_2, measured_2)
    assert sorted(fitted_1 + measured_1) == list(range(300))
    assert (len(fitted_1), len(measured_1), found.n_samples) == (75, 225, 225)
    assert (fitted_1, measured_1) == (sorted(fitted_1), sorted(measured_1))  # read forwards in a file
    assert found.provenance["n_rows"] == 300


def test_labels_follow_the_measured_rows() -> None:
    """Each row holds its own label: were the labels not split like the rows, the information would fall below H(Y)."""
    labels, *_ = teacher_and_student()
    found = coded_pid(
        labels=labels, x1=labels[:, None], x2=labels[:, None], quantiser=FirstFeature(4), fit_fraction=0.5
    )
    assert found.redundancy == pytest.approx(found.entropy_y, abs=2e-9)
    assert found.n_samples == 200


def test_the_split_is_of_the_asked_size_and_follows_the_seed() -> None:
    for n, fraction in ((10, 0.5), (7, 0.2), (1000, 0.999)):
        first: Any
        second: Any
        other: Any
        first, second, other = (split_rows(n, fraction, np.random.default_rng(seed)) for seed in (0, 0, 1))
        np.testing.assert_array_equal(np.sort(np.concatenate(first)), np.arange(n))
        assert len(first[0]) == round(fraction * n)
        assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
        assert not np.array_equal(first[0], other[0])
    assert split_rows(10, None, np.random.default_rng(0)) is None


def test_one_quantiser_serves_both_a_pair_serves_each_and_none_is_the_default() -> None:
    given = UniformBins(n_bins=3)
    first: Any
    second: Any
    first, second = copy_quantisers(given)
    assert (first.get_params(), second.get_params()) == ({"n_bins": 3}, {"n_bins": 3})
    assert len({id(given), id(first), id(second)}) == 3
    first, second = copy_quantisers((KMeansCodes(n_codes=7), None))
    assert (first.n_codes, type(second)) == (7, RepresentationCodes)
    assert [one.get_params() for one in copy_quantisers(None)] == [RepresentationCodes().get_params()] * 2


def test_a_pair_is_used_in_its_order() -> None:
    labels, teacher, student = teacher_and_student()
    found = coded_pid(labels=labels, x1=teacher, x2=student, quantiser=QUANTISERS)
    assert found.provenance["quantiser_1"]["n_codes"] == 4
    assert found.provenance["quantiser_2"]["n_codes"] == 2


def test_the_description_is_complete_and_ready_for_json() -> None:
    three: Any = np.int64(3)
    fitted = KMeansCodes(n_codes=three).fit(np.arange(9.0))
    expected = {"name": "KMeansCodes", "n_codes": 3, "n_init": 10, "random_state": 0}
    assert json.loads(json.dumps(describe(fitted))) == expected
    assert describe(FirstFeature(scale=np.arange(2)).fit(None))["scale"] == "array([0, 1])"


def test_a_memory_map_stays_one(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((5, 2), np.float16))
    rows = read_rows(np.load(tmp_path / "x.npy", mmap_mode="r"), 5, "x1")
    assert isinstance(rows if rows.base is None else rows.base, np.memmap)
    assert rows.dtype == np.float16


QUANTISER = {
    "a number": (5, r"must have fit, transform and get_params; int lacks fit, transform, get_params\. Use one of"),
    "a class": (KMeansCodes, r"must be an object, not the class KMeansCodes; write KMeansCodes\(\)"),
    "half a pair": ((KMeansCodes(),), r"must be one transformer or a pair, of x1 and of x2; it is a tuple of 1"),
    "three": ((None,) * 3, r"must be one transformer or a pair, of x1 and of x2; it is a tuple of 3"),
    "a list": ([KMeansCodes()] * 2, r"must have fit, transform and get_params; list lacks fit, transform, get_params"),
    "second is wrong": ((KMeansCodes(), "k-means"), r"must have fit, transform and get_params; str lacks fit,"),
    "one method": (type("Half", (), {"fit": id})(), r"must .*; Half lacks transform, get_params\. Use one of pidkit"),
}


@pytest.mark.parametrize("kind", QUANTISER)
def test_what_is_no_quantiser_is_refused(kind: str) -> None:
    given, message = QUANTISER[kind]
    with pytest.raises(pidkit.InputError, match=f"^quantiser {message}"):
        copy_quantisers(given)


@pytest.mark.parametrize("fraction", ["a", 0, 1.0, -0.5, 2, float("nan"), True, (0.5,)])
def test_what_is_no_fraction_is_refused(fraction: Any) -> None:
    with pytest.raises(pidkit.InputError, match=r"^fit_fraction must be a number in \(0, 1\), not .*; None fits and"):
        split_rows(100, fraction, np.random.default_rng(0))


@pytest.mark.parametrize("fraction", [0.001, 0.999])
def test_a_fraction_that_leaves_no_rows_is_refused(fraction: float) -> None:
    with pytest.raises(pidkit.InputError, match=r"^fit_fraction = 0\.\d+ of 100 rows leaves no row to fit on, or none"):
        split_rows(100, fraction, np.random.default_rng(0))


@pytest.mark.parametrize(
    "quantiser",
    [FirstFeature(scale=1.0), FirstFeature(n_codes=1), FirstFeature(scale=-1), FirstFeature(n_codes=None)],
    ids=["floats", "too large", "negative", "no alphabet"],
)
def test_what_gives_no_codes_is_refused(quantiser: FirstFeature) -> None:
    message = r"^quantiser FirstFeature must give each row of x2 one integer code below its n_codes_; use one of pidkit"
    with pytest.raises(pidkit.InputError, match=message):
        encode(quantiser, np.arange(6)[:, None] % 2, None, "x2")


def test_a_transformer_that_numbers_nothing_is_refused() -> None:
    from sklearn.cluster import KMeans

    with pytest.raises(pidkit.InputError, match=r"^quantiser KMeans must give each row of x1 one integer code below"):
        encode(KMeans(2, n_init=1, random_state=0), np.arange(6.0)[:, None], None, "x1")


def test_rows_that_cannot_be_quantised_are_named() -> None:
    x = np.array([[0.0], [np.nan], [1.0]])
    with pytest.raises(pidkit.InputError, match=r"^x2: x must be finite: it holds NaN or infinity"):
        encode(KMeansCodes(n_codes=2), x, None, "x2")
    with pytest.raises(pidkit.InputError, match=r"^x1: x must hold real numbers, not dtype <U1"):
        read_rows(["a", "b"], 2, "x1")
    with pytest.raises(AssertionError, match="fitted before"):  # the twin used elsewhere does what it says
        encode(Untouchable(), x, None, "x1")
