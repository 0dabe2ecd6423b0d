"""What `coded_pid` returns: units, export, provenance, and tables that hold every number."""

import html
import json
import re
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import numpy as np
import pytest

from pidkit import CodedPID, InputError, KMeansCodes, RepresentationCodes, coded_pid
from pidkit.pid import ATOMS, INFORMATION
from tests.representations.layers import teacher_and_student


@pytest.fixture(scope="module")
def full() -> CodedPID:
    """Return a result with everything in it: noisy, split, corrected, with a null and a bootstrap."""
    labels, teacher, student = teacher_and_student(4000)
    rng = np.random.default_rng(1)
    return coded_pid(
        labels=labels, x1=teacher + 0.4 * rng.normal(size=teacher.shape), x2=student + rng.normal(size=student.shape),
        quantiser=(RepresentationCodes(n_pca=3, n_codes=4), KMeansCodes(n_codes=3)),
        fit_fraction=0.25, bias="shuffle", n_null=20, n_bootstrap=10, rng=7,
    )  # fmt: skip


@pytest.fixture(scope="module")
def plain() -> CodedPID:
    labels, teacher, student = teacher_and_student()
    return coded_pid(labels=labels, x1=teacher, x2=student, quantiser=KMeansCodes(n_codes=4))


def numbers(result: CodedPID) -> np.ndarray:
    """Return every amount of information that a result holds, flat."""
    values = [getattr(result.pid, name) for name in (*ATOMS, *INFORMATION)]
    values += [result.entropy_y, result.cap_1, result.cap_2, result.pid.report.gap, result.pid.report.tol]
    values += [*result.bias.values(), *(result.corrected or {}).values()]
    for spreads in (result.null, result.bootstrap):
        values += [x for s in (spreads or {}).values() for x in (s.mean, s.std, s.low, s.high)]
    return np.array(values)


def test_the_atoms_are_those_of_the_decomposition(full: CodedPID) -> None:
    for name in ATOMS:
        assert getattr(full, name) == getattr(full.pid, name)


def test_the_parts_fit_together(full: CodedPID) -> None:
    assert full.n_samples == 3000
    assert full.pid.mi_joint <= full.entropy_y <= 2.0 + 1e-12
    assert full.pid.mi_1 <= full.cap_1 == pytest.approx(2.0)
    assert full.pid.mi_2 <= full.cap_2 == pytest.approx(np.log2(3))
    expected = {"mi_1": 9.0, "mi_2": 6.0, "mi_joint": 33.0}  # (n_y - 1)(n_x - 1)
    assert full.bias == pytest.approx({name: cells / (6000 * np.log(2)) for name, cells in expected.items()})
    assert full.corrected is not None
    assert full.null is not None
    assert full.bootstrap is not None
    for name in ATOMS:
        assert full.corrected[name] == pytest.approx(getattr(full, name) - full.null[name].mean, abs=1e-12)
        for spread in (full.null[name], full.bootstrap[name]):
            assert spread.low <= spread.mean <= spread.high
            assert spread.std >= 0.0


@pytest.mark.parametrize("which", ["full", "plain"])
def test_another_unit_scales_everything_and_nothing_else(which: str, request: pytest.FixtureRequest) -> None:
    bits = request.getfixturevalue(which)
    nats = bits.to("nats")
    np.testing.assert_allclose(numbers(nats), np.log(2.0) * numbers(bits), rtol=1e-14, atol=1e-300)
    np.testing.assert_allclose(numbers(nats.to("bits")), numbers(bits), rtol=1e-14, atol=1e-300)
    assert (nats.unit, nats.pid.unit, nats.pid.report.unit) == ("nats",) * 3
    assert (nats.n_samples, nats.provenance) == (bits.n_samples, bits.provenance)
    assert bits.to("bits") == bits
    with pytest.raises(InputError, match=r"^unit must be 'bits' or 'nats', not 'bit'$"):
        bits.to("bit")


def test_asking_for_nats_gives_what_converting_gives() -> None:
    labels, teacher, student = teacher_and_student()
    options: dict[str, Any] = {
        "labels": labels,
        "x1": teacher,
        "x2": student,
        "quantiser": KMeansCodes(n_codes=4),
        "n_null": 2,
    }
    asked, converted = coded_pid(**options, unit="nats"), coded_pid(**options).to("nats")
    np.testing.assert_allclose(numbers(asked), numbers(converted), rtol=1e-14, atol=1e-300)


@pytest.mark.parametrize("which", ["full", "plain"])
def test_it_exports_to_json(which: str, request: pytest.FixtureRequest) -> None:
    result = request.getfixturevalue(which)
    exported = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert exported["pid"]["synergy"] == result.synergy
    assert exported["pid"]["report"]["gap"] == result.pid.report.gap
    assert exported["provenance"] == result.provenance
    assert (exported["null"] is None) == (result.null is None)
    assert set(exported) >= {"entropy_y", "cap_1", "cap_2", "n_samples", "bias", "corrected", "bootstrap", "unit"}


def test_the_provenance_is_all_that_is_needed_to_do_it_again(full: CodedPID) -> None:
    packages = ("pidkit", "numpy", "scipy", "scikit-learn", "numba")
    assert full.provenance == {
        "quantiser_1": {
            "name": "RepresentationCodes", "n_pca": 3, "n_codes": 4, "normalise": False, "n_init": 10,
            "memory": 1073741824, "random_state": 0,
        },
        "quantiser_2": {"name": "KMeansCodes", "n_codes": 3, "n_init": 10, "random_state": 0},
        "fit_fraction": 0.25, "n_rows": 4000, "bias": "shuffle", "decoder": None,
        "n_bootstrap": 10, "n_null": 20, "rng": 7,
        "versions": {package: version(package) for package in packages},
    }  # fmt: skip


def test_the_repr_is_a_table_of_every_number(full: CodedPID, plain: CodedPID) -> None:
    assert full.corrected is not None
    assert full.null is not None
    assert full.bootstrap is not None
    lines = repr(full).splitlines()
    assert lines[0] == "CodedPID"
    assert re.split(r"\s{2,}", lines[1].strip()) == ["bits", "corrected", "null", "bootstrap std", "predicted bias"]
    assert len({len(line) for line in lines[1:9]}) == 1  # columns line up
    for line, name in zip(lines[2:], (*ATOMS, *INFORMATION), strict=False):
        words = line.split()
        assert words[:2] == [name, f"{getattr(full.pid, name):z.4f}"]
        if name in ATOMS:
            null = full.null[name]
            spread = [f"{null.mean:z.4f}", "±", f"{null.std:z.4f}", f"{full.bootstrap[name].std:z.4f}"]
            assert words[2:] == [f"{full.corrected[name]:z.4f}", *spread]
        else:
            assert words[2:] == [f"{full.bias[name]:.4f}"]
    gap = full.pid.report.gap
    assert lines[9] == (
        f"  H(Y) = {full.entropy_y:.4f}, code caps 2.0000 and 1.5850, n = 3000; interior-point, "
        f"certified gap {gap:.1e} bits"
    )
    assert repr(plain).splitlines()[1].split() == ["bits", "predicted", "bias"]
    assert "nats" in repr(plain.to("nats")).splitlines()[1]


def test_zeros_are_shown_without_a_sign(plain: CodedPID) -> None:
    assert "-0.0000" not in repr(plain)
    tiny = replace(plain, corrected=dict.fromkeys(ATOMS, -1e-9))
    assert "-0.0000" not in repr(tiny)
    assert "-0.0100" in repr(replace(plain, corrected=dict.fromkeys(ATOMS, -1e-2)))


def test_a_notebook_shows_the_same_table(full: CodedPID) -> None:
    shown = full._repr_html_()
    cells = [html.unescape(cell) for cell in re.findall(r"<td>(.*?)</td>", shown)]
    assert cells == [cell for row in full.table() for cell in row.values()]
    assert len(cells) == 7 * 6
    assert [html.unescape(head) for head in re.findall(r"<th>(.*?)</th>", shown)] == list(full.table()[0])
    assert f"<caption>{html.escape(full.summary())}</caption>" in shown
    assert shown.count("<tr>") == shown.count("</tr>") == 8


def test_html_is_escaped(plain: CodedPID) -> None:
    report = replace(plain.pid.report, solver="<script>&")
    shown = replace(plain, pid=replace(plain.pid, report=report))._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;&amp;" in shown


def test_it_is_frozen(plain: CodedPID) -> None:
    with pytest.raises(AttributeError, match="cannot assign to field"):
        plain.unit = "nats"  # type: ignore[misc]
