"""The misprint in Definition 4.1 of Dissanayake et al. (AISTATS 2025).

It prints the intersection information as a maximum over P(Q|Y). Griffith & Ho (Entropy 17(7), 2015) maximise over
P(Q|Y,X1,X2), and that is what is meant: over P(Q|Y) the two Markov chains tie nearly everything together.
"""

import numpy as np
import pytest
from hypothesis import given, settings

from pidkit import intersection_information
from tests.intersection.joints import TABLE, joints


def value_as_printed(p: np.ndarray) -> float:
    """Return max over P(Q|Y) of I(Q;Y) under both chains, in bits: Definition 4.1 taken literally.

    Given x, all y that occur with it need the same P(q|y); so Q is a function of the classes that this ties together.
    """
    tied = np.eye(len(p), dtype=bool)
    for pair in (p.sum(2), p.sum(1)):
        tied |= (pair > 0.0).astype(int) @ (pair > 0.0).T.astype(int) > 0
    tied = np.linalg.matrix_power(tied.astype(int), len(p)) > 0
    classes = {tuple(row) for row in tied}
    masses = np.array([p.sum((1, 2))[list(row)].sum() for row in classes])
    return float(-(masses * np.log2(masses)).sum())


@pytest.mark.parametrize("name", ["AND", "OR", "correlated UNQ1", "ImperfectRDN"])
def test_as_printed_it_is_zero_where_the_intersection_information_is_not(name: str) -> None:
    known = TABLE[name]
    assert value_as_printed(known.p) == 0.0
    assert intersection_information(known.p).lower == pytest.approx(known.alpha, abs=1e-7)
    assert known.alpha > 0.1


def test_the_two_agree_where_a_common_function_decides() -> None:
    assert value_as_printed(TABLE["RDN"].p) == 1.0
    assert intersection_information(TABLE["RDN"].p).lower == pytest.approx(1.0, abs=1e-9)


@settings(max_examples=25)
@given(joints())
def test_as_printed_it_is_never_larger(p: np.ndarray) -> None:
    kept = p[p.sum((1, 2)) > 0.0]
    assert value_as_printed(kept) <= intersection_information(p).lower + 1e-8
