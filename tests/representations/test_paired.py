"""Paired differences: the formula, what cancels and what does not, the law of units, coverage, and what is refused."""

import dataclasses
import warnings
from typing import Any

import numpy as np
import pytest

from pidkit import InputError, PairedDifferences, PidkitWarning, RepresentationPID, paired_differences
from pidkit import representation_pid as measured
from pidkit.pid import ATOMS
from pidkit.representations.row_scores import RowScores

N = 400
RNG = np.random.default_rng(0)
LABELS = RNG.integers(3, size=N)
TEACHER = np.eye(3)[LABELS] + 0.6 * RNG.normal(size=(N, 3))
GOOD = TEACHER[:, :2] + 0.2 * RNG.normal(size=(N, 2))
POOR = TEACHER[:, :2] + 0.8 * RNG.normal(size=(N, 2))


def read(student: np.ndarray[Any, Any], **options: Any) -> RepresentationPID:
    """Return the atoms of the teacher and a student by a decoder that is fast."""
    given: dict[str, Any] = {"labels": LABELS, "x1": TEACHER, "x2": student, "decoder": "knn", **options}
    with warnings.catch_warnings(category=PidkitWarning, action="ignore"):
        return measured(**given)


@pytest.fixture(scope="module")
def good() -> RepresentationPID:
    return read(GOOD)


@pytest.fixture(scope="module")
def poor() -> RepresentationPID:
    return read(POOR)


def with_rows(result: RepresentationPID, **changed: Any) -> RepresentationPID:
    """Return a result whose rows scored otherwise."""
    return dataclasses.replace(result, _row_scores=dataclasses.replace(result._row_scores, **changed))


def of_atoms(scores: np.ndarray[Any, Any]) -> dict[str, np.ndarray[Any, Any]]:
    mi_1, mi_2, union, mi_joint = scores.T
    return {
        "redundancy": mi_1 + mi_2 - union,
        "unique_1": union - mi_2,
        "unique_2": union - mi_1,
        "synergy": mi_joint - union,
    }


def test_the_difference_is_the_mean_over_rows_and_that_of_the_held_out_atoms(
    good: RepresentationPID, poor: RepresentationPID
) -> None:
    found = paired_differences(good, poor)
    added = good._row_scores.union_error + poor._row_scores.union_error
    for name, rows in of_atoms(good.row_scores - poor.row_scores).items():
        assert found.difference[name] == pytest.approx(good.held_out[name] - poor.held_out[name], abs=1e-12)
        error = np.sqrt(rows.var(ddof=1) / N + added**2)
        assert found.standard_error[name] == pytest.approx(error)
        assert found.interval[name] == pytest.approx((rows.mean() - 1.96 * error, rows.mean() + 1.96 * error), abs=1e-5)
    assert found.p_value["redundancy"] < 0.001
    assert "PairedDifferences, 400 rows, held out" in repr(found)


def test_exchanging_the_results_changes_the_signs_alone(good: RepresentationPID, poor: RepresentationPID) -> None:
    there, back = paired_differences(good, poor), paired_differences(poor, good)
    for name in ATOMS:
        assert back.difference[name] == -there.difference[name]
        assert back.interval[name] == tuple(-end for end in reversed(there.interval[name]))
    assert back.p_value == there.p_value
    same = paired_differences(good, good)
    assert set(same.difference.values()) == {0.0}
    assert set(same.p_value.values()) == {1.0}


def test_hard_rows_cancel(good: RepresentationPID, poor: RepresentationPID) -> None:
    """The students share the teacher's noise: the error of their difference is below that of independent results."""
    found = paired_differences(good, poor)
    apart = np.hypot(good.standard_error["redundancy"], poor.standard_error["redundancy"])
    assert found.standard_error["redundancy"] < 0.8 * apart


def test_copies_of_rows_tell_nothing_new() -> None:
    groups = np.repeat(np.arange(N // 4), 4)
    labels, copied = LABELS[: N // 4][groups], [x[: N // 4][groups] for x in (TEACHER, GOOD, POOR)]
    results = [read(x, labels=labels, x1=copied[0], groups=groups) for x in copied[1:]]
    found = paired_differences(*results)
    alone = paired_differences(*(with_rows(result, groups=None) for result in results))
    assert found.difference == alone.difference
    assert found.standard_error["redundancy"] > 1.8 * alone.standard_error["redundancy"]


def test_row_scores_are_in_the_unit_of_the_result(good: RepresentationPID, poor: RepresentationPID) -> None:
    nats = paired_differences(good.to("nats"), poor.to("nats"))
    np.testing.assert_allclose(good.to("nats").row_scores, good.row_scores * np.log(2.0))
    expected = paired_differences(good, poor).to("nats")
    assert nats.unit == "nats"
    for name in ATOMS:
        assert nats.interval[name] == pytest.approx(expected.interval[name])
    assert nats.p_value == pytest.approx(expected.p_value)


def test_row_scores_are_kept_out_of_text_dictionary_and_comparison(good: RepresentationPID) -> None:
    assert good.row_scores.shape == (N, 4)
    assert "row_scores" not in repr(good)
    assert not [name for name in good.to_dict() if "row_scores" in name]
    assert with_rows(good, scores=good.row_scores + 1.0) == good


def test_the_scored_rows_of_the_union_are_part_of_the_error(good: RepresentationPID, poor: RepresentationPID) -> None:
    found = paired_differences(with_rows(good, union_error=0.3), with_rows(poor, union_error=0.1))
    assert min(found.standard_error.values()) > 0.4
    exact = with_rows(good, scores=np.zeros((N, 4)), union_error=0.0)
    better = with_rows(exact, scores=np.ones((N, 4)))
    assert paired_differences(exact, exact).p_value["redundancy"] == 1.0
    assert paired_differences(better, exact).p_value["redundancy"] == 0.0


def test_intervals_cover_the_mean_difference(good: RepresentationPID) -> None:
    rng, held = np.random.default_rng(1), 0
    for _ in range(400):
        shared = rng.standard_exponential((N, 4))
        one, other = (with_rows(good, scores=shared + rng.normal(size=(N, 4)), union_error=0.0) for _ in range(2))
        low, high = paired_differences(one, other).interval["synergy"]
        held += low <= 0.0 <= high
    assert 0.92 < held / 400 < 0.98


def other_rows(result: RepresentationPID, **changed: Any) -> Any:
    return lambda: paired_differences(result, with_rows(result, **changed))


def test_what_is_not_paired_is_refused(good: RepresentationPID) -> None:
    scores: RowScores = good._row_scores
    cases: list[tuple[Any, str]] = [
        (lambda: paired_differences(0.5, good), r"^first must be what representation_pid returns .*, not float$"),  # type: ignore[arg-type]
        (lambda: paired_differences(good, None), r"^second must be what representation_pid returns .*, not NoneType$"),  # type: ignore[arg-type]
        (lambda: paired_differences(good, good.to("nats")), r"first is in bits and second in nats; .*\.to\('bits'\)"),
        (other_rows(good, labels=scores.labels[::-1]), r"other labels \(400 and 400 rows\), .*; measure both on"),
        (other_rows(good, labels=scores.labels[1:]), r"other labels \(400 and 399 rows\)"),
        (other_rows(good, folds=scores.folds[::-1]), "read in other folds or groups; pass the same folds, groups and"),
        (other_rows(good, groups=np.arange(N)), "read in other folds or groups"),
        (lambda: paired_differences(good, read(GOOD, rng=1)), "read in other folds or groups"),
    ]
    for call, message in cases:
        with pytest.raises(InputError, match=message):
            call()
    groups = with_rows(good, groups=np.arange(N))
    assert isinstance(paired_differences(groups, groups), PairedDifferences)
