"""A layer that was coded once stands for the layer."""

from typing import Any

import numpy as np
import pytest

from pidkit import InputError, KMeansCodes, coded_pid, codes_of

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
