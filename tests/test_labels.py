"""What is no symbol is refused with what to pass instead, at every door that takes labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pidkit import InputError, estimate_mi, estimate_pid, joint_from_samples, pid_from_samples, representation_pid
from pidkit.labels import read_symbols

RNG = np.random.default_rng(0)
CLASSES = np.arange(30) % 3
ONE_HOT = np.eye(3)[CLASSES]

REFUSED: dict[str, tuple[Any, str]] = {
    "a column": (CLASSES[:, None], "must have one axis (one symbol a sample), not shape (30, 1); pass "),
    "a row": (CLASSES[None], "must have one axis (one symbol a sample), not shape (1, 30); pass "),
    "one-hot": (ONE_HOT, "looks one-hot, of shape (30, 3); pass one symbol a sample: "),
    "one-hot integers": (ONE_HOT.astype(int), "looks one-hot, of shape (30, 3); pass one symbol a sample: "),
    "one-hot lists": (ONE_HOT.tolist(), "looks one-hot, of shape (30, 3)"),
    "multi-label": (
        np.maximum(ONE_HOT, ONE_HOT[::-1]),
        "looks like several labels a sample, of shape (30, 3); pass one",
    ),
    "soft": (
        0.8 * ONE_HOT + 0.2 / 3,
        "looks like probabilities of classes, of shape (30, 3); pass one symbol a sample",
    ),
    "features": (RNG.normal(size=(30, 3)), "must have one axis (one symbol a sample), not shape (30, 3); features"),
    "rows of codes": (
        RNG.integers(9, size=(30, 2)),
        "must have one axis (one symbol a sample), not shape (30, 2)",
    ),
    "continuous": (
        RNG.normal(size=30),
        "holds 30 distinct numbers in 30 samples: measurements, not symbols.",
    ),
    "counts": (
        Counter("aab"),
        "is a mapping; pass one symbol a sample. If it holds counts, repeat each ",
    ),
    "a set": ({0, 1}, "is a set, which has no order; pass one symbol a sample, in the order of the samples"),
    "None": ([0, None] * 15, "[1] is missing (None); drop such samples, or give what is missing a symbol"),
    "NaN": ([0.0, np.nan] * 15, "[1] is missing (nan); drop such samples, or give what is missing a symbol"),
    "NaN among text": (["a", np.nan] * 15, "[1] is missing (nan)"),
    "NaT": (np.array(["2020-01-01", "NaT"] * 15, dtype="M8[D]"), "[1] is missing (NaT)"),
    "a span without length": (np.array([1, "NaT"] * 15, dtype="m8[s]"), "[1] is missing (NaT)"),
    "infinity": ([0.0, np.inf] * 15, "[1] is infinite; drop such samples, or name it by a string"),
    "infinity among text": (["a", -np.inf] * 15, "[1] is infinite; drop such samples, or name it by a string"),
    "masked": (np.ma.masked_equal(CLASSES, 2), "has 10 masked entries, which are no values; drop such samples"),
    "complex": (CLASSES * 1j, "holds complex numbers; symbols must be integers, strings or other hashables"),
    "a number": (np.array(3), "must be a sequence of symbols, one a sample, not 3"),
}

DOORS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "pid_from_samples": ("y", lambda y: pid_from_samples(y=y, x1=CLASSES, x2=CLASSES)),
    "pid_from_samples, a source": ("x2", lambda y: pid_from_samples(y=CLASSES, x1=CLASSES, x2=y)),
    "joint_from_samples": ("x1", lambda y: joint_from_samples(y=CLASSES, x1=y, x2=CLASSES)),
    "estimate_pid": ("y", lambda y: estimate_pid(y=y, x1=CLASSES, x2=CLASSES)),
    "representation_pid": ("labels", lambda y: representation_pid(labels=y, x1=ONE_HOT, x2=ONE_HOT)),
    "plugin": ("a", lambda y: estimate_mi(y, CLASSES, estimator="plugin")),
    "label-decoder": ("b", lambda y: estimate_mi(ONE_HOT, y, estimator="label-decoder")),
}


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("door", DOORS)
def test_what_is_no_symbol_is_refused_with_what_to_pass(door: str, kind: str) -> None:
    (name, call), (labels, message) = DOORS[door], REFUSED[kind]
    with pytest.raises(InputError) as refused:
        call(labels)
    said = str(refused.value)
    assert said.startswith(f"{name}{'' if message.startswith('[') else ' '}{message}"), said
    assert len(said) < 200


@pytest.mark.parametrize("symbols", [[0.5, -1.0] * 30, np.repeat(RNG.normal(size=10), 3), RNG.normal(size=19)])
def test_numbers_that_repeat_are_symbols(symbols: Any) -> None:
    assert read_symbols(symbols, "y").shape == (len(symbols),)


def test_tables_and_series_of_pandas() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"label": CLASSES})
    for kind, (name, call) in DOORS.items():
        with pytest.raises(
            InputError, match=rf"^{name} (is a table; pass one column of it, such as {name}\['label'\]|must h)"
        ):
            call(frame)
        assert kind
    assert read_symbols(frame["label"], "y").tolist() == CLASSES.tolist()
    assert read_symbols(pd.Series(["b", "a"]), "y").tolist() == ["b", "a"]
    for missing in (pd.Series([0, None], dtype="Int64"), [0, pd.NA], [pd.NaT, 1], pd.Series(["a", None])):
        with pytest.raises(InputError, match=r"^y\[[01]\] is missing \((<NA>|NaT|None|nan)\); drop such samples"):
            read_symbols(missing, "y")


def test_tensors_are_labels_and_a_list_of_tensors_is_no_list_of_objects() -> None:
    """Tensors are hashable by identity, so that a list of them held one symbol a sample."""
    torch = pytest.importorskip("torch")
    labels = torch.tensor([1, 0, 1, 0])
    for given in (labels, list(labels), labels.float(), labels.bfloat16(), labels.float().requires_grad_()):
        found = pid_from_samples(y=given, x1=[1, 0, 1, 0], x2=[0, 0, 1, 1])
        assert found.unique_1 == pytest.approx(1.0, abs=1e-9)


def test_one_rule_for_the_commonest_binary_label() -> None:
    """Y = X1 in {-1, +1}, X2 an independent fair coin: unique_1 = 1 bit whatever the labels are written as."""
    signs, coin = np.array([-1, 1, -1, 1]), [0, 0, 1, 1]
    for labels in (signs, signs.tolist(), signs.astype(float), signs.astype(str), signs.astype(object), signs > 0):
        found = pid_from_samples(y=labels, x1=signs, x2=coin)
        assert (found.unique_1, found.redundancy) == pytest.approx((1.0, 0.0), abs=1e-9)
        assert joint_from_samples(y=labels, x1=coin, x2=coin).shape == (2, 2, 2)


def test_symbols_that_numpy_would_merge_stay_apart() -> None:
    """Three symbols, each with a code of its own: H = log2 3, and X1 = Y knows all of it."""
    for symbols in ([0, 2**63, 2**63 + 1], ["a", "a\0", "a\0\0"], [0, 0.5, "0"], [1, "1", (1,)]):
        found = pid_from_samples(y=symbols * 4, x1=[0, 1, 2] * 4, x2=[0] * 6 + [1] * 6)
        assert found.unique_1 == pytest.approx(np.log2(3.0), abs=1e-9)


def test_codes_too_far_apart_to_be_laid_out() -> None:
    with pytest.raises(InputError, match=r"^the symbols span 2\.0e\+15 cells of shape \(1000000000000001, 2, 1\)"):
        joint_from_samples(y=[0, 10**15], x1=[0, 1], x2=[0, 0])
    assert pid_from_samples(y=[0, 10**15] * 2, x1=[0, 1] * 2, x2=[0, 0, 1, 1]).unique_1 == pytest.approx(1.0, abs=1e-9)
