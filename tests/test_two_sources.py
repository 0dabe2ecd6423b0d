"""A third source is refused by every door, in one sentence that says why and where to read on."""

import re
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from pidkit import (
    BiasWarning,
    InputError,
    bivariate_pid,
    coded_pid,
    compare,
    intersection_information,
    joint_from_samples,
    pid_from_samples,
    relaxed_intersection_information,
)

THREE = np.full((2, 2, 2, 2), 1 / 16)
SYMBOLS = [0, 1, 0, 1]
WHY = re.escape(
    'pidkit decomposes two sources; the page "Other measures, and three sources" of the documentation says why'
)


@pytest.mark.parametrize(
    "door",
    [
        bivariate_pid,
        compare,
        intersection_information,
        partial(relaxed_intersection_information, tol_1=0.01, tol_2=0.01),
    ],
    ids=["bivariate_pid", "compare", "intersection_information", "relaxed_intersection_information"],
)
@pytest.mark.parametrize("p", [THREE, np.full((2, 2, 2, 2, 2), 1 / 32)], ids=["three sources", "four sources"])
def test_a_joint_of_more_sources_is_refused(door: Callable[[np.ndarray], object], p: np.ndarray) -> None:
    with pytest.raises(InputError, match=rf"^p must have 3 axes p\[y, x1, x2\], target first.*{WHY}$"):
        door(p)


def test_the_measures_of_any_number_of_sources_are_named() -> None:
    with pytest.raises(InputError, match=r"'blackwell' and 'gacs-koerner' take any number of sources"):
        intersection_information(THREE)
    assert intersection_information(THREE, measure="blackwell").upper <= 1e-9
    assert intersection_information(THREE, measure="gacs-koerner").upper <= 1e-9


@pytest.mark.parametrize("name", ["x3", "x4", "x10"])
def test_samples_of_more_sources_are_refused(name: str) -> None:
    more: dict[str, list[int]] = {name: SYMBOLS}
    for door in (joint_from_samples, pid_from_samples):
        with pytest.raises(TypeError, match=rf"^{door.__name__}\(\) takes no '{name}': {WHY}$"):
            door(y=SYMBOLS, x1=SYMBOLS, x2=SYMBOLS, **more)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=rf"^coded_pid\(\) takes no '{name}': {WHY}$"):
        coded_pid(labels=SYMBOLS, x1=SYMBOLS, x2=SYMBOLS, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["x0", "x", "x33y", "n_x3"])
def test_other_unknown_keywords_are_told_as_python_does(name: str) -> None:
    more: dict[str, list[int]] = {name: SYMBOLS}
    with pytest.raises(TypeError, match=rf"^pid_from_samples\(\) got an unexpected keyword argument '{name}'$"):
        pid_from_samples(y=SYMBOLS, x1=SYMBOLS, x2=SYMBOLS, **more)  # type: ignore[arg-type]


def test_the_page_that_the_refusals_name_is_there() -> None:
    page = Path(__file__).parents[1] / "docs" / "meaning" / "other-measures.md"
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Other measures, and three sources\n")
    assert "\n## Three sources\n" in text


def test_warnings_point_at_the_caller_all_the_same() -> None:
    codes = np.random.default_rng(0).integers(5, size=(3, 60))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        coded_pid(labels=codes[0], x1=codes[1], x2=codes[2], quantiser=(None, None))
    assert [(w.category, Path(w.filename).name) for w in caught] == [(BiasWarning, Path(__file__).name)]
