"""Theorem 4.1 of Dissanayake et al. (AISTATS 2025): intersection information is at most BROJA's redundancy.

T is source 1, S is source 2, W the common variable; Red_cap is Griffith-Ho's I_alpha. The proof, for W of any kind:
let Y - T - W and Y - S - W, and let R be the joint of (Y, T, S, W) with P(y, t, w) and P(y, s, w) in which T and S are
independent given (Y, W). Its (Y, T, S) has the pair marginals of P, so it competes in BROJA's minimum, and

    Uni_T <= I_R(Y;T|S) <= I_R(Y;T|S,W) <= I(Y;T|W) = I(Y;T) - I(Y;W).
"""

import itertools

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings

from pidkit import bivariate_pid, intersection_information, mmi_redundancy
from pidkit.info import entropy
from pidkit.intersection.channel import channel_information
from pidkit.intersection.griffith_ho import griffith_ho_cone, joint_channel
from tests.intersection.joints import TABLE, joints
from tests.pid.strategies import generators

LN2 = np.log(2.0)
ROUNDING = 1e-9
"""Bits: certified gaps are 1e-9, and the chains hold up to rounding."""

Y, T, S, W = range(4)


@settings(max_examples=60)
@given(joints())
def test_the_order_of_the_measures(p: np.ndarray) -> None:
    """I_wedge <= I_alpha <= I_prec <= Red_BROJA <= I_MMI."""
    wedge, alpha, prec = (
        intersection_information(p, measure=measure) for measure in ("gacs-koerner", "griffith-ho", "blackwell")
    )
    broja = bivariate_pid(p)
    values = [wedge.lower, alpha.lower, prec.lower, broja.redundancy + broja.report.gap, mmi_redundancy(p)]
    for smaller, larger in itertools.pairwise(values):
        assert smaller <= larger + 10.0 * ROUNDING
    assert alpha.is_exact
    assert prec.is_exact


@pytest.mark.parametrize("name", TABLE)
def test_the_proof_at_the_best_common_variable_of_a_gate(name: str) -> None:
    p = TABLE[name].p
    common = intersection_information(p).common
    assert common is not None
    check_proof(p, common)


@settings(max_examples=40)
@given(joints())
def test_the_proof_at_the_best_common_variable(p: np.ndarray) -> None:
    common = intersection_information(p).common
    assert common is not None
    check_proof(p, common)


@settings(max_examples=40)
@given(joints(), generators())
def test_the_proof_at_any_common_variable(p: np.ndarray, rng: np.random.Generator) -> None:
    """W need not be the best one, nor a function of anything: random channels on (Y, T, S) that keep both chains."""
    check_proof(p, random_common(p, rng))


def test_random_common_variables_are_not_all_trivial() -> None:
    p = TABLE["AND"].p
    found = [channel_information(p, random_common(p, np.random.default_rng(seed))) for seed in range(20)]
    assert max(about.target for about in found) > 0.01
    assert max(about.residual for about in found) < 1e-12


@settings(max_examples=40)
@given(joints(), generators())
def test_a_variable_that_misses_the_chains_gains_no_more_than_it_misses_them_by(
    p: np.ndarray, rng: np.random.Generator
) -> None:
    """I(Y;W) <= Red_BROJA + I(Y;W|T) + I(Y;W|S) for every W: the same proof, with both terms kept."""
    channel = np.moveaxis(rng.dirichlet(np.full(3, 0.3), size=p.shape), -1, 0)
    about = channel_information(p, channel)
    broja = bivariate_pid(p, unit="nats")
    assert about.target <= broja.redundancy + broja.report.gap + about.given_x1 + about.given_x2 + ROUNDING


def check_proof(p: np.ndarray, common: np.ndarray) -> None:
    """Build R and check every step of the proof, for T and, with the roles exchanged, for S."""
    whole = np.moveaxis(common * p, 0, 3)  # P(y, t, s, w)
    broja = bivariate_pid(p)
    assert information(whole, Y, W, given=(T,)) <= ROUNDING
    assert information(whole, Y, W, given=(S,)) <= ROUNDING

    r = conditionally_independent(whole)
    np.testing.assert_allclose(r.sum((S, W)), p.sum(2), atol=1e-12)
    np.testing.assert_allclose(r.sum((T, W)), p.sum(1), atol=1e-12)
    assert information(r, T, S, given=(Y, W)) <= ROUNDING

    shared = information(whole, Y, W)
    for one, other, unique in ((T, S, broja.unique_1), (S, T, broja.unique_2)):
        steps = [
            unique - broja.report.gap,
            information(r, Y, one, given=(other,)),
            information(r, Y, one, given=(other, W)),
            information(whole, Y, one, given=(W,)),
        ]
        for smaller, larger in itertools.pairwise(steps):
            assert smaller <= larger + ROUNDING
        assert steps[-1] == pytest.approx(information(whole, Y, one) - shared, abs=ROUNDING)
    assert shared <= broja.redundancy + broja.report.gap + ROUNDING


def conditionally_independent(whole: np.ndarray) -> np.ndarray:
    """Return R(y, t, s, w) = P(y, t, w) P(y, s, w) / P(y, w)."""
    with_t, with_s, both = whole.sum(S), whole.sum(T), whole.sum((T, S))
    given_s = with_s / np.where(both > 0.0, both, 1.0)[:, None, :]
    return with_t[:, :, None, :] * given_s[:, None, :, :]


def information(joint: np.ndarray, first: int, second: int, given: tuple[int, ...] = ()) -> float:
    """Return I(first; second | given) of a joint of (Y, T, S, W), in bits, from four entropies."""

    def h(*axes: int) -> float:
        return entropy(joint.sum(tuple({Y, T, S, W} - set(axes)))) / LN2

    return h(first, *given) + h(second, *given) - h(first, second, *given) - h(*given)


def random_common(p: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a random P(w | y, t, s) under both chains: the whole joint cut in two along the cone, twice."""
    problem = griffith_ho_cone(p)
    directions = scipy.linalg.null_space(problem.cone.equalities, rcond=1e-11)
    parts = [problem.cone.total]
    for _ in range(2):
        part = parts.pop(0)
        step = directions @ rng.normal(size=directions.shape[1])
        largest = (part / np.maximum(np.abs(step), 1e-300)).min()
        share = rng.uniform(0.2, 0.8) * part
        step *= 0.2 * largest
        parts += [share + step, part - share - step]
    return joint_channel(problem, np.maximum(parts, 0.0))
