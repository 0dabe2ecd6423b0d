"""The door: every name, its options, its warnings, and the bad-input table."""

import re
import subprocess
import sys
from functools import partial
from typing import Any

import numpy as np
import pytest

import pidkit
from pidkit import InputError, PidkitWarning, estimate_mi
from pidkit.mi import ESTIMATORS, KSG, TASKS, Calibrated

A, B = TASKS["normal 1x1"].sample(60)
LABELS = np.arange(60) % 3
SYMBOLS = {"plugin", "miller-madow"}
NEURAL = {"infonce", "jsd", "smile", "mine", "nwj"}


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.filterwarnings("ignore::pidkit.PidkitWarning")
def test_every_name_gives_an_estimate_that_says_what_it_is(name: str) -> None:
    a, b = (LABELS, LABELS[::-1]) if name in SYMBOLS else (A, LABELS if name in ("ross", "label-decoder") else B)
    options: dict[str, Any] = {}
    if name in NEURAL:
        pytest.importorskip("torch")
        from pidkit.nn import TrainingBudget

        options = {"budget": TrainingBudget(max_steps=20), "folds": 1}
    estimate = estimate_mi(a, b, estimator=name, unit="nats", rng=3, **options)  # type: ignore[arg-type]
    assert np.isfinite(estimate.value)
    assert estimate.n_samples == 60
    assert estimate.unit == "nats"
    assert estimate.kind in pidkit.mi.result.KINDS
    assert estimate.seconds >= 0
    if name == "jsd":
        assert estimate.estimator == "jsd+nwj"
        assert estimate.value != estimate.diagnostics["jsd_objective"] < 0
    bits = estimate_mi(a, b, estimator=name, rng=3, **options)  # type: ignore[arg-type]
    assert bits.value == pytest.approx(estimate.to("bits").value, rel=1e-6, abs=1e-9)


def test_the_default_is_the_calibrated_estimator() -> None:
    assert estimate_mi(A, B).to_dict() | {"seconds": 0} == Calibrated().estimate(A, B).to_dict() | {"seconds": 0}


def test_an_object_is_taken_as_it_is() -> None:
    assert estimate_mi(A, B, estimator=KSG(k=5)).value == estimate_mi(A, B, estimator="ksg", k=5).value
    assert estimate_mi(A, B, estimator=KSG(k=5)).value != estimate_mi(A, B).value


def test_warnings_of_the_result_are_said_aloud() -> None:
    with pytest.warns(PidkitWarning, match=r"^plugin: saturated: H\(A\) is 4.09 nats and log n 4.09;") as caught:
        estimate = estimate_mi(np.arange(60), LABELS, estimator="plugin")
    assert len(caught) == len(estimate.warnings) == 1
    assert caught[0].filename == __file__


def test_the_door_and_the_light_estimators_do_not_load_torch() -> None:
    code = (
        "import sys, numpy as np, pidkit\n"
        "pidkit.estimate_mi(np.arange(9.0), np.sin(np.arange(9.0)))\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_torch_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("pidkit.mi.neural")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(
        InputError, match=r"^estimator 'jsd' needs torch; install it with: pip install 'pidkit\[torch\]'"
    ):
        estimate_mi(A, B, estimator="jsd")


def changed(x: np.ndarray, value: float) -> np.ndarray:
    x = x.copy()
    x[3] = value
    return x


CONTINUOUS = ("ksg", "calibrated", "gao", "gaussian", "gaussian-copula", "reconstruction-decoder", "infonce", "jsd")
TABLE = {
    "unit": (partial(estimate_mi, A, B, unit="bit"), "unit must be 'bits' or 'nats', not 'bit'"),  # type: ignore[arg-type]
    "name": (
        partial(estimate_mi, A, B, estimator="kraskov"),  # type: ignore[arg-type]
        "estimator must be one of 'ksg', 'calibrated', 'ross',..., not 'kraskov'",
    ),
    "no estimator": (
        partial(estimate_mi, A, B, estimator=3),  # type: ignore[arg-type]
        "estimator must be a name or have an estimate method, not int",
    ),
    "option": (
        partial(estimate_mi, A, B, neighbours=3),
        "estimator 'calibrated' has no option 'neighbours'; its options are k, n_surrogates",
    ),
    "a fixed option": (
        partial(estimate_mi, A, B, estimator="mine", objective="jsd"),
        "estimator 'mine' has no option 'objective'; its options are readout, critic,...",
    ),
    "options of an object": (
        partial(estimate_mi, A, B, estimator=KSG(), k=3),
        "k: an estimator object has its options already; pass a name instead",
    ),
    "rng": (
        partial(estimate_mi, A, B, rng=None),  # type: ignore[arg-type]
        "rng must be a whole number from 0 to 2**32 - 1 or a numpy.random.Generator, not None",
    ),
    "negative rng": (
        partial(estimate_mi, A, B, rng=-1),
        "rng must be a whole number from 0 to 2**32 - 1 or a numpy..., not -1",
    ),
    "a function of a": (
        partial(estimate_mi, A, np.exp(A)),
        "a and b share a linear combination of columns, so their Gaussian information is infinite;...",
    ),
    "few samples": (partial(estimate_mi, A[:4], B[:4]), "a and b hold 4 samples; k = 3 needs at least 5"),
}
for _name in CONTINUOUS:
    _call = partial(partial, estimate_mi, estimator=_name)  # type: ignore[arg-type]
    TABLE |= {
        f"{_name}: NaN": (_call(changed(A, np.nan), B), "a must be finite: it holds NaN or infinity;..."),
        f"{_name}: infinity": (_call(A, changed(B, np.inf)), "b must be finite: it holds NaN or infinity;..."),
        f"{_name}: text": (_call(A, ["x"] * 60), "b must hold real numbers, not dtype <U1;..."),
        f"{_name}: objects": (_call(np.array([None] * 60), B), "a must hold real numbers, not dtype object;..."),
        f"{_name}: complex": (_call(A.astype(complex), B), "a must hold real numbers, not dtype complex128;..."),
        f"{_name}: empty": (_call([], B), "a must hold at least one row and one feature, not shape (0,)"),
        f"{_name}: scalar": (_call(A, 3.0), "b must have shape (n, ...), one row per sample, not a single number;..."),
        f"{_name}: ragged": (_call([[1.0], [1.0, 2.0]], B), "a must be a rectangular array:..."),
        f"{_name}: masked": (_call(np.ma.masked_less(A, -1.0), B), "a has ... masked entries, which are no values;..."),
        f"{_name}: lengths": (
            _call(A, B[:-1]),
            "a and b must have one row a sample, in the same order; they have 60 and 59",
        ),
    }


@pytest.mark.parametrize("kind", TABLE)
def test_bad_input_is_one_line_that_says_what_to_do(kind: str) -> None:
    if kind.split(":")[0] in NEURAL or "fixed" in kind:
        pytest.importorskip("torch")
    call, message = TABLE[kind]
    expected = ".*".join(re.escape(part) for part in message.replace("(n, ...)", "(n, @)").split("...")).replace(
        "@", r"\.\.\."
    )
    with pytest.raises(InputError, match=rf"^{expected}") as caught:
        call()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250
