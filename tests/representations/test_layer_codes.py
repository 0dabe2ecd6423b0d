"""A layer that was coded once stands for the layer, and is kept in the folder of a table."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pidkit import InputError, KMeansCodes, coded_pid, codes_of, pid_table
from pidkit.representations.table import work

Y = np.arange(300) % 3
X1, X2 = (np.eye(3)[Y] + 0.8 * np.random.default_rng(seed).normal(size=(300, 3)) for seed in range(2))
QUANTISER = KMeansCodes(3, random_state=0)


def test_a_layer_that_was_coded_stands_for_the_layer() -> None:
    first, second = (codes_of(x=x, quantiser=QUANTISER) for x in (X1, X2))
    expected = coded_pid(labels=Y, x1=X1, x2=X2, quantiser=QUANTISER, n_null=2)
    for x1, x2 in ((first, second),):
        found = coded_pid(labels=Y, x1=x1, x2=x2, n_null=2)
        assert (found.redundancy, found.null, found.provenance) == (
            expected.redundancy,
            expected.null,
            expected.provenance,
        )
    assert repr(first) == "CodedLayer of 300 rows: 3 codes by KMeansCodes"


@pytest.mark.parametrize("options", [{"quantiser": QUANTISER}, {"fit_fraction": 0.5}, {"decoder": "linear"}])
def test_codes_are_not_coded_again(options: dict[str, Any]) -> None:
    coded = codes_of(x=X1, quantiser=QUANTISER)
    with pytest.raises(InputError, match="x1 holds codes already: leave out quantiser, fit_fraction and decoder"):
        coded_pid(labels=Y, x1=coded, x2=X2, **options)


def test_codes_of_other_rows_are_refused() -> None:
    with pytest.raises(InputError, match="x2 must have one code a label: 299 for 300 labels"):
        coded_pid(labels=Y, x1=X1, x2=codes_of(x=X2[1:], quantiser=QUANTISER))


def test_the_folder_of_a_table_keeps_codes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pid_table(labels=Y, x1={"a": X1}, x2={"b": X2}, quantiser=QUANTISER, path=tmp_path)
    expected = [codes_of(x=x, quantiser=QUANTISER) for x in (X1, X2)]
    another = codes_of(x=X1, quantiser=KMeansCodes(4), path=tmp_path)
    monkeypatch.setattr(work, "code_once", lambda *_: pytest.fail("coded again"))
    for x, coded in zip((X1, X2), expected, strict=True):
        found = codes_of(x=x, quantiser=QUANTISER, path=tmp_path, memory="2 GiB")
        assert (found.codes == coded.codes).all()
        assert (found.n_codes, found.quantiser, found.constant) == (coded.n_codes, coded.quantiser, coded.constant)
    assert (codes_of(x=X1, quantiser=KMeansCodes(4), path=tmp_path).codes == another.codes).all()


def test_large_layers_are_coded_in_pieces_or_refused() -> None:
    whole, pieces = (codes_of(x=X1, memory=memory).codes for memory in ("1 GiB", 3000))
    assert len(set(zip(whole.tolist(), pieces.tolist(), strict=True))) == len(set(whole.tolist()))
    with pytest.raises(InputError, match=r"^x takes 7.03 KiB as float64, more than memory, 2.93 KiB, and KMeansCodes"):
        codes_of(x=X1, quantiser=QUANTISER, memory=3000)
    with pytest.raises(InputError, match=r"^x1 takes 7.03 KiB as float64"):
        coded_pid(labels=Y, x1=X1, x2=X2, quantiser=QUANTISER, memory=3000)
