"""Differences of classifier correlations: by hand, what leaves them alone, and what is refused."""

from typing import Any

import numpy as np
import pytest

from pidkit.errors import InputError
from pidkit.plot import correlation_difference

RNG = np.random.default_rng(0)
TEACHER = RNG.normal(size=(40, 3))


def test_differences_by_hand_in_one_scale() -> None:
    # Class 2 of the student follows class 0 exactly, the others are the teacher's.
    student = TEACHER.copy()
    student[:, 2] = 5.0 * TEACHER[:, 0] + 1.0
    ax: Any = correlation_difference(TEACHER, {"same": 3.0 * TEACHER - 7.0, "other": student}, names=["a", "b", "c"])
    first, second, bar = ax.figure.axes
    np.testing.assert_allclose(first.images[0].get_array(), np.zeros((3, 3)), atol=1e-12)
    r = [float(np.corrcoef(TEACHER[:, i], TEACHER[:, j])[0, 1]) for i, j in ((0, 2), (1, 2), (0, 1))]
    drawn = second.images[0].get_array()
    assert drawn[0, 2] == pytest.approx(1.0 - r[0])
    assert drawn[1, 2] == pytest.approx(r[2] - r[1])
    assert second.get_title() == f"other\nmean |difference| {(abs(1 - r[0]) + abs(r[2] - r[1])) / 3:.3f}"
    assert first.images[0].get_clim() == second.images[0].get_clim()
    assert second.texts[2].get_text() == f"{1 - r[0]:+.1f}"
    assert second.texts[0].get_text() == ""
    assert [tick.get_text() for tick in first.get_yticklabels()] == ["a", "b", "c"]
    assert bar.get_ylabel() == "correlation in student - in teacher"


def test_many_classes_have_no_numbers() -> None:
    ax: Any = correlation_difference(RNG.normal(size=(60, 30)), {"a": RNG.normal(size=(60, 30))})
    assert not ax.texts


@pytest.mark.parametrize(
    ("teacher", "students", "message"),
    [
        (TEACHER, {}, "students must hold the logits of at least one"),
        (TEACHER, {"a": TEACHER[:, :2]}, r"students\['a'\] must have the teacher's shape \(40, 3\), not \(40, 2\)"),
        (TEACHER[:, 0], {"a": TEACHER}, "teacher must be finite logits"),
        (TEACHER, {"a": TEACHER * np.array([1, 0, 1])}, r"the same logit in all samples for classes \[1\]"),
    ],
)
def test_what_cannot_be_drawn_is_refused(teacher: Any, students: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        correlation_difference(teacher, students)
