"""`explain`: the numbers, verdicts and remedies of each kind of result, and pages that are there."""

import dataclasses
import re
import warnings
from pathlib import Path

import numpy as np
import pytest

from pidkit import (
    CodedPID,
    InputError,
    KMeansCodes,
    PidkitWarning,
    RepresentationPID,
    bivariate_pid,
    coded_pid,
    estimate_pid,
    explain,
    gate,
    representation_pid,
)
from pidkit.pid.result import ATOMS
from pidkit.representations.explain import PAGES, REMEDIES
from tests.representations.layers import teacher_and_student

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def decoded() -> RepresentationPID:
    labels, teacher, student = teacher_and_student(80)
    with warnings.catch_warnings(category=PidkitWarning, action="ignore"):
        return representation_pid(
            labels=labels, x1=teacher + 0.4 * np.random.default_rng(0).normal(size=(80, 4)), x2=student
        )


def sentences(text: str) -> str:
    """Return the text without its line breaks."""
    return re.sub(r"\s+", " ", text)


def test_every_atom_has_its_value_its_verdict_and_a_remedy_for_each_limit(decoded: RepresentationPID) -> None:
    told = sentences(explain(decoded))
    for name in ATOMS:
        assert f"{name} (" in told
        assert f"{decoded.atoms[name]:z.3f} bits, between" in told
        assert f"It is {decoded.verdict(name)}" in told
        for limit in decoded.limits(name):
            assert REMEDIES[limit] in told
    assert any(decoded.limits(name) for name in ATOMS)
    assert f"{decoded.decoders['x1'].accuracy:.1%} of the rows from x1" in told


def test_lines_can_be_read_in_a_terminal(decoded: RepresentationPID) -> None:
    assert max(map(len, explain(decoded).splitlines())) <= 120


def test_notes_are_told(decoded: RepresentationPID) -> None:
    assert "Note: something of note." in explain(dataclasses.replace(decoded, warnings=("something of note",)))


def test_discrete_samples() -> None:
    x1, x2 = np.random.default_rng(0).integers(2, size=(2, 400))
    told = sentences(explain(estimate_pid(y=x1 ^ x2, x1=x1, x2=x2)))
    assert "decoder" not in told
    assert "synergy (only both together tell it): " in told


@pytest.mark.parametrize("decoder", [None, "linear"])
def test_codes_without_labels(decoder: str | None) -> None:
    labels, teacher, student = teacher_and_student()
    found: CodedPID = coded_pid(
        labels=labels, x1=teacher, x2=student, quantiser=KMeansCodes(n_codes=4), decoder=decoder
    )
    told = sentences(explain(found))
    assert ("no decoder read the layers" in told) == (decoder is None)
    assert "made without the labels" in told


def test_pages_that_are_named_are_there(decoded: RepresentationPID) -> None:
    titles = {page.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ") for page in DOCS.glob("*/*.md")}
    assert {*PAGES.values(), "Finite samples", "Choosing codes"} <= titles


def test_what_it_cannot_explain_is_refused() -> None:
    with pytest.raises(InputError, match=r"^result must be what representation_pid, coded_pid or estimate_pid returns"):
        explain(bivariate_pid(gate("AND").joint))  # type: ignore[arg-type]
