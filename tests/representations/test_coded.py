"""`coded_pid`: known answers, one answer a seed, nothing left behind, and options refused before any work."""

import random
import re
import warnings
from typing import Any

import numpy as np
import pytest

import pidkit
from pidkit import BiasWarning, CodedPID, KMeansCodes, RepresentationCodes, coded_pid
from tests.representations.layers import QUANTISERS, FirstFeature, Untouchable, teacher_and_student, values


def measure(n: int = 400, **options: Any) -> CodedPID:
    labels, teacher, student = teacher_and_student(n)
    return coded_pid(**{"labels": labels, "x1": teacher, "x2": student, "quantiser": QUANTISERS, **options})


def test_a_teacher_that_knows_all_and_a_student_that_knows_a_function_of_it() -> None:
    found = measure()
    exact = {"redundancy": 1.0, "unique_1": 1.0, "unique_2": 0.0, "synergy": 0.0}
    assert found.pid.atoms == pytest.approx(exact, abs=found.pid.report.gap + 1e-12)
    assert (found.pid.mi_1, found.pid.mi_2, found.pid.mi_joint) == pytest.approx((2.0, 1.0, 2.0), abs=1e-12)
    assert (found.entropy_y, found.cap_1, found.cap_2) == pytest.approx((2.0, 2.0, 1.0), abs=1e-12)
    assert found.n_samples == 400
    assert found.pid.report.gap <= 1e-9
    assert (found.corrected, found.null, found.bootstrap) == (None, None, None)


def test_swapping_teacher_and_student_swaps_the_unique_atoms() -> None:
    labels, teacher, student = teacher_and_student()
    found = coded_pid(labels=labels, x1=student, x2=teacher, quantiser=QUANTISERS[::-1])
    assert (found.redundancy, found.unique_1, found.unique_2) == pytest.approx((1.0, 0.0, 1.0), abs=2e-9)


def test_identical_representations_have_nothing_unique_and_no_synergy() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=3000)
    x = np.eye(3)[labels] + rng.normal(size=(3000, 3))
    found = coded_pid(labels=labels, x1=x, x2=x, quantiser=RepresentationCodes(n_codes=5))
    slack = found.pid.report.gap + 1e-12
    assert (found.unique_1, found.unique_2, found.synergy) == pytest.approx((0.0, 0.0, 0.0), abs=slack)
    assert found.redundancy == pytest.approx(found.pid.mi_joint, abs=slack)
    assert found.redundancy > 0.1


def test_independent_representations_hold_no_more_than_chance() -> None:
    """2 n I is chi-square with (2 2 - 1)(2 - 1) = 3 degrees of freedom: below 25 but once in 60,000 draws."""
    rng = np.random.default_rng(1)
    labels, x1, x2 = rng.integers(2, size=4000), rng.normal(size=(4000, 2)), rng.normal(size=(4000, 3))
    with pytest.warns(BiasWarning):
        found = coded_pid(labels=labels, x1=x1, x2=x2, quantiser=KMeansCodes(n_codes=2), unit="nats")
    assert found.pid.mi_joint < 25.0 / 8000
    assert all(-1e-9 <= atom <= found.pid.mi_joint + 1e-9 for atom in found.pid.atoms.values())


def test_labels_can_be_strings_or_codes_as_large_as_hashes() -> None:
    labels, *_ = teacher_and_student()
    plain = values(measure())
    assert values(measure(labels=[f"class {label}" for label in labels])) == plain
    assert values(measure(labels=10**12 * labels + 7, n_null=2))["pid"] == plain["pid"]


def test_lists_tensors_and_every_float_type_give_one_answer() -> None:
    torch = pytest.importorskip("torch")
    labels, teacher, student = teacher_and_student()
    teacher, student = teacher.astype(np.float32), student.astype(np.float32)
    plain = values(measure(x1=teacher, x2=student, fit_fraction=0.5))
    tensor = torch.tensor(teacher, requires_grad=True)
    assert values(measure(labels=torch.tensor(labels), x1=tensor, x2=torch.tensor(student), fit_fraction=0.5)) == plain
    assert values(measure(x1=teacher.tolist(), x2=student.astype(np.float64), fit_fraction=0.5)) == plain
    rough = values(measure(x1=tensor.to(torch.bfloat16), x2=student.astype(np.float16), fit_fraction=0.5))
    assert rough == plain  # the clusters are far apart: the same codes


def test_the_same_seed_gives_the_same_answer_and_another_seed_another() -> None:
    options: dict[str, Any] = {"fit_fraction": 0.3, "n_null": 3, "n_bootstrap": 3, "bias": "extrapolation"}
    first, again, other = (measure(rng=seed, **options) for seed in (5, np.int64(5), 6))
    assert values(first) == values(again)
    assert values(first)["null"] != values(other)["null"]
    by_generator = measure(rng=np.random.default_rng(5), **options)
    assert by_generator.provenance["rng"] == "generator"
    assert (by_generator.pid.atoms, by_generator.null) == (first.pid.atoms, first.null)


def test_nothing_global_is_touched_and_neither_are_the_arguments() -> None:
    labels, teacher, student = teacher_and_student()
    arguments = labels.copy(), teacher.copy(), student.copy()
    quantiser = RepresentationCodes(n_codes=4)
    before = repr(np.random.get_state()), random.getstate(), np.geterr()  # noqa: NPY002
    coded_pid(labels=labels, x1=teacher, x2=student, quantiser=quantiser, fit_fraction=0.5, n_null=2, n_bootstrap=2)
    assert (repr(np.random.get_state()), random.getstate(), np.geterr()) == before  # noqa: NPY002
    for given, kept in zip((labels, teacher, student), arguments, strict=True):
        np.testing.assert_array_equal(given, kept)
    assert not hasattr(quantiser, "n_codes_")


def lone_bit(n: int, **options: Any) -> CodedPID:
    """Measure a source that is the label beside one that is constant: I = 1 bit, its predicted bias 1 / (2 n) nats."""
    x = np.arange(n)[:, None] % 2
    pair = (FirstFeature(n_codes=2), FirstFeature(n_codes=1))
    return coded_pid(labels=x[:, 0], x1=x, x2=0 * x, quantiser=pair, **options)


def test_the_bias_warning_comes_above_a_tenth_of_the_information_and_not_below() -> None:
    """1 / (2 n) > ln(2) / 10 up to n = 7.2."""
    message = (
        "the predicted plug-in bias of I(Y;X1,X2) is 0.120 bits, 12 % of the 1.000 reported: use more samples than 6 "
        "or fewer codes, and read the atoms beside n_null and bias='extrapolation'"
    )
    with pytest.warns(BiasWarning, match=f"^{re.escape(message)}$") as caught:
        lone_bit(6)
    assert caught[0].filename == __file__  # it points at the caller
    with pytest.warns(BiasWarning, match=r"is 0\.083 nats, 12 % of the 0\.693 reported"):
        lone_bit(6, unit="nats")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert lone_bit(8).bias["mi_joint"] == pytest.approx(1.0 / (16.0 * np.log(2.0)))


def test_no_information_at_all_is_all_bias() -> None:
    x: np.ndarray = np.zeros((10, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a single code has no bias either
        assert coded_pid(labels=np.arange(10) % 2, x1=x, x2=x).pid.mi_joint == pytest.approx(0.0, abs=1e-12)
    x = np.arange(8)[:, None] // 2 % 2
    with pytest.warns(BiasWarning, match=r"all of the 0\.000 reported|% of the 0\.000 reported"):
        coded_pid(labels=np.arange(8) % 2, x1=x, x2=x, quantiser=FirstFeature())


REFUSED = {
    "unit": ({"unit": "bit"}, "unit must be 'bits' or 'nats', not 'bit'"),
    "solver": ({"solver": "newton"}, "solver must be one of 'auto', ..., not 'newton'"),
    "tol": ({"tol": -1.0}, "tol must be a finite number of bits > 0, not -1.0"),
    "bias": (
        {"bias": "jackknife"},
        "bias must be one of 'none', 'miller-madow', 'extrapolation', 'shuffle', not 'jackknife'",
    ),
    "bias type": ({"bias": None}, "bias must be one of 'none', 'miller-madow', 'extrapolation', 'shuffle', not None"),
    "no null": (
        {"bias": "shuffle"},
        "bias='shuffle' subtracts the mean of the shuffled null; ask for one with n_null=20 or more",
    ),
    "too few to quarter": (
        {"bias": "extrapolation", "fit_fraction": 0.985},
        "bias='extrapolation' needs at least 8 samples, not 6; use bias='none'",
    ),
    "n_null": ({"n_null": 2.0}, "n_null must be a whole number >= 0, not 2.0; pass the int 2"),
    "n_bootstrap": ({"n_bootstrap": True}, "n_bootstrap must be a whole number >= 0, not True"),
    "negative seed": (
        {"rng": -1},
        "rng must be a whole number from 0 to 2**32 - 1 or a numpy.random.Generator, not -1",
    ),
    "no seed": ({"rng": None}, "rng must be a whole number from 0 to 2**32 - 1 or a numpy.random.Generator, not None"),
    "text as a seed": ({"rng": "x"}, "rng must be a whole number from 0 to 2**32 - 1 or a numpy..., not 'x'"),
    "one class": ({"labels": ["a"] * 400}, "labels hold one class only: there is nothing to be informed about; ..."),
    "too few rows": (
        {"x2": np.zeros((399, 2))},
        "x2 must have one row a label: it has shape (399, 2), and there are 400 labels",
    ),
    "a number": ({"x1": 1.0}, "x1: x must have shape (n, ...), one row per sample, not a single number; pass x[None]"),
    "ragged": ({"x1": [[0.0], [0.0, 1.0]]}, "x1: x must be a rectangular array: give every row the same shape..."),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_bad_option_is_refused_before_anything_is_quantised(kind: str) -> None:
    options, message = REFUSED[kind]
    expected = ".*".join(re.escape(part) for part in message.split("..."))
    with pytest.raises(pidkit.InputError, match=rf"^{expected}$"):
        measure(**{"quantiser": Untouchable(), **options})  # type: ignore[dict-item]


def test_a_tolerance_out_of_reach_is_a_solver_error() -> None:
    rng = np.random.default_rng(2)
    labels, x = rng.integers(3, size=900), rng.normal(size=(900, 2))
    with pytest.raises(pidkit.SolverError, match=r"; tol is 1e-30\. To go on: ask for a larger tol"):
        coded_pid(labels=labels, x1=x, x2=x[::-1], quantiser=KMeansCodes(n_codes=3), tol=1e-30)
