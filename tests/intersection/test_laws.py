"""Laws on random joints: the proven order of the measures, symmetry, relabelling, and what the paper misprints."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pidkit import bivariate_pid
from pidkit.intersection import intersection_information, mmi_redundancy
from tests.intersection.joints import TABLE, joints

SLACK = 1e-8
"""Bits by which two values of certified gap 1e-9 may be out of order."""


@settings(max_examples=60)
@given(joints())
def test_order_of_the_measures(p):
    wedge, alpha, prec = (
        intersection_information(p, kind=kind) for kind in ("gacs-koerner", "griffith-ho", "blackwell")
    )
    broja = bivariate_pid(p)
    values = [wedge.lower, alpha.lower, prec.lower, broja.redundancy + broja.report.gap, mmi_redundancy(p)]
    for smaller, larger in pairwise(values):
        assert smaller <= larger + SLACK
    assert alpha.is_exact
    assert prec.is_exact


@settings(max_examples=25)
@given(joints())
def test_swapping_the_sources_changes_nothing(p):
    for kind in ("gacs-koerner", "griffith-ho", "blackwell"):
        here = intersection_information(p, kind=kind)
        there = intersection_information(p.transpose(0, 2, 1), kind=kind)
        assert here.lower == pytest.approx(there.lower, abs=SLACK)


@settings(max_examples=25)
@given(joints(), st.integers(0, 1000))
def test_relabelling_changes_nothing(p, seed):
    rng = np.random.default_rng(seed)
    shuffled = p[np.ix_(*(rng.permutation(n) for n in p.shape))]
    for kind in ("gacs-koerner", "griffith-ho", "blackwell"):
        here, there = (intersection_information(joint, kind=kind) for joint in (p, shuffled))
        assert here.lower == pytest.approx(there.lower, abs=SLACK)


@settings(max_examples=25)
@given(joints())
def test_the_other_source_being_the_same_gives_it_all(p):
    p_yx = p.sum(2)
    twice = np.zeros((*p_yx.shape, p_yx.shape[1]))
    diagonal = np.arange(p_yx.shape[1])
    twice[:, diagonal, diagonal] = p_yx
    for kind in ("gacs-koerner", "griffith-ho", "blackwell"):
        assert intersection_information(twice, kind=kind).lower == pytest.approx(mmi_redundancy(twice), abs=SLACK)


def value_over_channels_of_y_alone(p):
    """Return max over P(Q|Y) of I(Q;Y) under both chains, in bits: Definition 4.1 as it is printed.

    Given x, all y that occur with it need the same P(q|y); so Q is a function of the classes that this ties together.
    """
    tied = np.eye(len(p), dtype=bool)
    for pair in (p.sum(2), p.sum(1)):
        tied |= (pair > 0.0).astype(int) @ (pair > 0.0).T.astype(int) > 0
    tied = np.linalg.matrix_power(tied.astype(int), len(p)) > 0
    classes = {tuple(row) for row in tied}
    masses = np.array([p.sum((1, 2))[list(row)].sum() for row in classes])
    return float(-(masses * np.log2(masses)).sum())


def test_max_over_channels_of_y_alone_is_another_quantity():
    # Read literally, Definition 4.1 gives 0 on AND; with P(Q|Y,X1,X2), as Griffith & Ho mean it, the value is .1226.
    p = TABLE["AND"].p
    assert value_over_channels_of_y_alone(p) == 0.0
    assert intersection_information(p).lower == pytest.approx(0.12255625, abs=1e-7)
    assert value_over_channels_of_y_alone(TABLE["RDN"].p) == 1.0


@settings(max_examples=25)
@given(joints())
def test_channels_of_y_alone_never_do_better(p):
    kept = p[p.sum((1, 2)) > 0.0]
    assert value_over_channels_of_y_alone(kept) <= intersection_information(p).lower + SLACK
