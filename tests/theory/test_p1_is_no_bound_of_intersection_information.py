"""What RID maximises, (P1) of Dissanayake et al. (AISTATS 2025), bounds BROJA's redundancy but not I_alpha.

(P1): the largest I(Y; Q) over filters f_t, f_s with Q = f_t(T) and I(Y; Q | f_s(S)) = 0. By Theorem 4.1 its value is
at most Red(Y: T, f_s(S)) <= Red(Y: T, S), because BROJA's redundancy cannot grow when a source is processed. It is no
bound of the intersection information of (T, S) itself: I_alpha of (T, f_s(S)) may be the larger one.
"""

import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pidkit import bivariate_pid, intersection_information
from pidkit.info import mutual_information
from pidkit.intersection.channel import conditional_information

LN2 = np.log(2.0)
ROUNDING = 1e-8


@pytest.fixture
def noisy_chain() -> np.ndarray:
    """Return p[y, t, s]: the clear student's bit C = Y + N1, T = C + N2, S = (C, Y + T) mod 2, noise .1."""
    p = np.zeros((2, 2, 4))
    for y, n1, n2 in itertools.product((0, 1), repeat=3):
        clear = y ^ n1
        t = clear ^ n2
        p[y, t, 2 * clear + (y ^ t)] += 0.5 * (0.1 if n1 else 0.9) * (0.1 if n2 else 0.9)
    return p


def filtered(p: np.ndarray, f_s: list[int] | tuple[int, int, int, int]) -> np.ndarray:
    """Return p[y, t, f_s(s)]."""
    return np.einsum("yts,sz->ytz", p, np.eye(max(f_s) + 1)[list(f_s)])


def test_the_counterexample(noisy_chain: np.ndarray) -> None:
    """A student that sees more shares less by I_alpha: 0 with the whole S, .3199 with its first bit."""
    first_bit = filtered(noisy_chain, (0, 0, 1, 1))
    assert intersection_information(noisy_chain).upper == pytest.approx(0.0, abs=1e-9)
    assert intersection_information(first_bit).lower == pytest.approx(0.31992295, abs=1e-7)


def test_p1_reaches_more_than_i_alpha_there(noisy_chain: np.ndarray) -> None:
    """Q = T and f_s = first bit are feasible, Y - f_s(S) - T, and worth 1 - h(.18) bits."""
    first_bit = filtered(noisy_chain, (0, 0, 1, 1))
    assert conditional_information(first_bit.transpose(1, 0, 2)) == pytest.approx(0.0, abs=1e-12)
    reached = mutual_information(first_bit.sum(2)) / LN2
    assert reached == pytest.approx(0.31992295, abs=1e-7)
    assert reached == pytest.approx(1.0 + 0.18 * np.log2(0.18) + 0.82 * np.log2(0.82), abs=1e-12)
    assert reached > intersection_information(noisy_chain).upper + 0.3
    broja = bivariate_pid(noisy_chain)
    assert reached <= broja.redundancy + broja.report.gap + ROUNDING
    assert reached <= intersection_information(noisy_chain, measure="blackwell").upper + ROUNDING


@settings(max_examples=20)
@example(289238, (3, 3, 2), (2, 2))  # the simplex method once took its master program for infeasible
@example(239122885, (2, 3, 3), (2, 1))  # and HiGHS's interior point gave up on it as well
@given(st.integers(0, 2**32 - 1), st.tuples(*[st.integers(2, 3)] * 3), st.tuples(*[st.integers(1, 2)] * 2))
def test_p1_bounds_blackwell_and_broja_from_below(
    seed: int, sizes: tuple[int, int, int], rest: tuple[int, int]
) -> None:
    """T = (Q, U), S = (Z, V) with Y - Z - Q and U, V anything: (Q, f_s(S) = Z) is feasible for (P1)."""
    rng = np.random.default_rng(seed)
    (n_y, n_z, n_q), (n_u, n_v) = sizes, rest
    chain = rng.dirichlet(np.ones(n_y * n_z)).reshape(n_y, n_z, 1) * rng.dirichlet(np.ones(n_q), size=n_z)
    others = rng.dirichlet(np.ones(n_u * n_v), size=chain.shape).reshape(*chain.shape, n_u, n_v)
    whole = chain[..., None, None] * others  # y, z, q, u, v
    p = whole.transpose(0, 2, 3, 1, 4).reshape(n_y, n_q * n_u, n_z * n_v)
    reached = mutual_information(chain.sum(1)) / LN2
    blackwell = intersection_information(p, measure="blackwell")
    broja = bivariate_pid(p)
    assert reached <= blackwell.upper + ROUNDING
    assert reached <= broja.redundancy + broja.report.gap + ROUNDING
    # Where the student is Z itself, f_s is the identity and Q is feasible for the intersection information too.
    unfiltered = p.reshape(*p.shape[:2], n_z, n_v).sum(3)
    assert reached <= intersection_information(unfiltered, time_limit=0.3).upper + ROUNDING


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 1), min_size=3, max_size=3))
def test_broja_and_blackwell_cannot_grow_when_a_source_is_processed(seed: int, f_s: list[int]) -> None:
    """The step that I_alpha lacks."""
    p = np.random.default_rng(seed).dirichlet(np.ones(18)).reshape(2, 3, 3)
    less = filtered(p, f_s)
    whole_broja, less_broja = bivariate_pid(p), bivariate_pid(less)
    assert less_broja.redundancy <= whole_broja.redundancy + whole_broja.report.gap + ROUNDING
    whole, processed = (intersection_information(joint, measure="blackwell") for joint in (p, less))
    assert processed.lower <= whole.upper + ROUNDING
