"""The door: published values, the sizes it must reach, limits, options, and every error it raises."""

import itertools
import time
from functools import partial
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from pidkit.errors import InputError, SolverError
from pidkit.intersection import intersection_information, solutions
from pidkit.intersection.channel import channel_information
from tests.intersection.joints import RANDOM_2X2X2, TABLE, dirichlet
from tests.timing import least_cpu_seconds

VALUE = 1e-7
"""Bits within which a published value is met (the table has eight digits)."""


@pytest.mark.parametrize("name", TABLE)
def test_table_of_values(name: str) -> None:
    known = TABLE[name]
    for measure, value in (("gacs-koerner", known.wedge), ("griffith-ho", known.alpha), ("blackwell", known.prec)):
        result = intersection_information(known.p, measure=measure)  # type: ignore[arg-type]
        assert result.is_exact
        assert result.lower == pytest.approx(value, abs=VALUE), measure
        assert result.lower <= result.upper
        assert result.report.residual <= 1e-12


@pytest.mark.parametrize("measure", ["gacs-koerner", "griffith-ho", "blackwell"])
def test_the_table_takes_well_under_a_second(measure: Any) -> None:
    """Every joint takes less than .01 s: benchmarks/bench_intersection.py."""
    runs = {name: partial(intersection_information, known.p, measure=measure) for name, known in TABLE.items()}
    assert max(least_cpu_seconds(runs, rounds=2).values()) < 0.1


@pytest.mark.parametrize(("seed", "alpha", "prec"), RANDOM_2X2X2)
def test_random_two_by_two(seed: int, alpha: float, prec: float) -> None:
    p = dirichlet((2, 2, 2), seed)
    assert intersection_information(p).lower == pytest.approx(alpha, abs=1e-9)
    assert intersection_information(p, measure="blackwell").lower == pytest.approx(prec, abs=1e-9)


@pytest.mark.parametrize(("shape", "gap"), [((3, 3, 3), 1e-7), ((4, 4, 4), 1e-3)])
def test_sizes_by_column_generation(shape: tuple[int, int, int], gap: float) -> None:
    result = intersection_information(dirichlet(shape, 0), tol=gap, time_limit=30.0)
    assert result.report.gap <= gap
    assert result.report.status == "converged"
    assert result.report.residual <= 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("shape", [(2, 6, 6), (3, 3, 3), (4, 4, 4)])
def test_sizes_to_the_last_digit(shape: Any, seed: int) -> None:
    result = intersection_information(dirichlet(shape, seed), tol=1e-7)
    assert result.report.gap <= 1e-7
    assert intersection_information(dirichlet(shape, seed), measure="blackwell").lower >= result.lower


def test_blackwell_of_ten_by_ten_sources() -> None:
    result = intersection_information(dirichlet((5, 10, 10), 0), measure="blackwell", tol=1e-8)
    assert result.lower == pytest.approx(0.0110339795, abs=1e-9)


def test_generic_joint_with_many_targets_is_zero_in_closed_form() -> None:
    result = intersection_information(dirichlet((5, 3, 3), 0))
    assert (result.lower, result.upper, result.report.solver) == (0.0, 0.0, "closed form")


def test_the_channel_attains_the_lower_end() -> None:
    p = dirichlet((3, 3, 3), 4)
    result = intersection_information(p, unit="nats")
    assert result.common is not None
    np.testing.assert_allclose(result.common.sum(0), 1.0, atol=1e-12)
    assert result.common.min() >= 0.0
    information = channel_information(p, result.common)
    assert information.target == pytest.approx(result.lower, abs=1e-12)
    assert information.residual <= 1e-12
    for axis, channel in enumerate(result.channels, start=1):
        p_x = p.sum(tuple({0, 1, 2} - {axis}))
        joint = (result.common * p).sum(tuple({1, 2, 3} - {axis + 1}))
        np.testing.assert_allclose(channel * p_x, joint, atol=1e-10)


def test_zero_mass_symbols_change_nothing() -> None:
    p = dirichlet((2, 2, 2), 1)
    padded = np.zeros((3, 4, 3))
    padded[np.ix_([0, 2], [1, 3], [0, 1])] = p
    for measure in ("gacs-koerner", "griffith-ho", "blackwell"):
        small, large = (intersection_information(joint, measure=measure) for joint in (p, padded))
        assert large.lower == pytest.approx(small.lower, abs=1e-10)
        assert [channel.shape[1] for channel in large.channels] == [4, 3]
        for channel in large.channels:
            np.testing.assert_allclose(channel.sum(0), 1.0, atol=1e-12)


@pytest.mark.parametrize("measure", ["gacs-koerner", "griffith-ho", "blackwell"])
def test_a_constant_target_is_zero(measure: Any) -> None:
    result = intersection_information(dirichlet((1, 3, 2), 0), measure=measure)
    assert (result.lower, result.upper) == (0.0, 0.0)


def test_three_sources() -> None:
    p = np.zeros((2, 2, 2, 2))
    p[0, 0, 0, 0] = p[1, 1, 1, 1] = 0.5
    for measure in ("gacs-koerner", "blackwell"):
        result = intersection_information(p, measure=measure)
        assert result.lower == pytest.approx(1.0)
        assert len(result.channels) == 3
    noisy = dirichlet((2, 2, 2, 2), 0)
    three = intersection_information(noisy, measure="blackwell")
    assert three.is_exact
    pairs = [intersection_information(noisy.sum(axis), measure="blackwell").lower for axis in (1, 2, 3)]
    assert three.lower <= min(pairs) + 1e-9


def test_one_source_shares_all_it_knows() -> None:
    p = np.array([[0.5, 0.1], [0.0, 0.4]])
    whole = intersection_information(p, measure="gacs-koerner").lower
    assert intersection_information(p, measure="blackwell").lower == pytest.approx(whole, abs=1e-9)


def test_limits_give_an_interval_and_say_so() -> None:
    p = dirichlet((4, 4, 4), 0)
    value = 0.022358482491
    stopped = intersection_information(p, max_iter=3)
    assert stopped.report.status == "max_iter"
    assert stopped.lower <= value <= stopped.upper
    assert not stopped.is_exact
    late = intersection_information(p, time_limit=1.0)
    assert late.report.status == "time_limit"
    assert late.lower <= value <= late.upper
    # The upper end is then no worse than Blackwell's.
    assert late.upper <= intersection_information(p, measure="blackwell").upper + 1e-9


def fuzzed(k: int) -> np.ndarray:
    """Return a joint of 2 to 8 symbols each, dense, sparse or counted."""
    rng = np.random.default_rng([3, k])
    shape = tuple(rng.integers(2, 9, 3))
    n = int(np.prod(shape))
    p = rng.dirichlet(np.full(n, 10 ** rng.uniform(-1, 1)))
    if k % 2:
        p *= rng.random(n) < 0.5
    if k % 5 == 0:
        p = rng.multinomial(60, p / p.sum()) / 1.0
    p = np.where(p < 1e-9, 0.0, p)
    return (p / p.sum()).reshape(shape)


@pytest.mark.parametrize("k", [48, 68, 44, 62])
def test_a_time_limit_is_kept(k: int) -> None:
    """The enumeration of rays did not look at the clock: 9.9, 2.7, 1.8 and 1.6 seconds, once."""
    p = fuzzed(k)
    intersection_information(p, measure="blackwell", time_limit=0.01)  # what is compiled and imported is by now
    with threadpool_limits(1):  # on one thread CPU time is never longer, and a busy machine does not lengthen it
        began = time.process_time()
        found = intersection_information(p, time_limit=0.3, progress=False)
    assert time.process_time() - began < 0.75
    assert 0.0 <= found.lower <= found.upper <= 3.0


def test_a_shared_bit_beside_an_and_gate() -> None:
    """A closed form: the information of two independent bands adds up, 1 bit and .31127812 of AND (table above).

    It attains min I(Y;X_i). Rounding in the targets of the other band passed for inequalities: [1.156, 1.311], once.
    """
    p = np.zeros((4, 4, 4))
    for band, a, b in itertools.product((0, 1), repeat=3):
        p[2 * band + (a & b), 2 * band + a, 2 * band + b] += 1 / 8
    blackwell, griffith_ho = (intersection_information(p, measure=name) for name in ("blackwell", "griffith-ho"))
    assert blackwell.is_exact
    assert blackwell.value == pytest.approx(1.31127812, abs=1e-8)
    assert griffith_ho.is_exact
    assert griffith_ho.value == pytest.approx(1.12255625, abs=1e-8)


def test_progress_tells_of_every_master_program() -> None:
    told: list[tuple[int, float]] = []
    found = intersection_information(dirichlet((3, 3, 3), 0), progress=lambda *news: told.append(news))
    assert [iteration for iteration, _ in told] == list(range(1, found.report.iterations + 1))
    assert told[-1][1] == pytest.approx(found.report.gap * float(np.log(2.0)), abs=1e-9)


def test_too_many_posterior_dimensions_still_give_an_interval() -> None:
    p = dirichlet((8, 8, 8), 0)
    result = intersection_information(p, time_limit=2.0)
    assert 0.0 <= result.lower <= result.upper
    assert result.report.status in ("time_limit", "size_limit")


def test_units() -> None:
    p = dirichlet((2, 2, 2), 1)
    bits, nats = (intersection_information(p, unit=unit) for unit in ("bits", "nats"))
    assert nats.lower == pytest.approx(bits.lower * np.log(2.0), abs=1e-12)


def test_missing_tol_raises_and_can_be_waived() -> None:
    p = dirichlet((4, 4, 4), 0)
    with pytest.raises(SolverError, match=r"the griffith-ho information lies in \[.*\] bits, a gap of .*'max_iter'"):
        intersection_information(p, tol=1e-9, max_iter=2)
    assert intersection_information(p, tol=1e-9, max_iter=2, check=False).report.gap > 1e-9


def test_errors() -> None:
    p = dirichlet((2, 2, 2), 0)
    with pytest.raises(
        InputError, match="measure must be one of 'griffith-ho', 'blackwell', 'gacs-koerner', not 'broja'"
    ):
        intersection_information(p, measure="broja")  # type: ignore[arg-type]
    for name, wanted in (
        ("tol", "a finite number of bits > 0"),
        ("time_limit", "a number of seconds > 0"),
        ("max_iter", "a whole number >= 1"),
    ):
        with pytest.raises(InputError, match=f"^{name} must be {wanted}, not 0$"):
            intersection_information(p, **{name: 0})  # type: ignore[arg-type]
    with pytest.raises(InputError, match="unit must be"):
        intersection_information(p, unit="hartley")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="p must have 3 axes"):
        intersection_information(dirichlet((2, 2, 2, 2), 0))
    tiny = np.array([[[0.5, 1e-15], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.5]]])
    for measure in ("griffith-ho", "blackwell"):
        with pytest.raises(InputError, match=r"p holds a mass of 1\.0e-15, below 1e-12"):
            intersection_information(tiny, measure=measure)


def test_the_same_joint_gives_the_same_answer() -> None:
    p = dirichlet((3, 3, 3), 2)
    first, second = intersection_information(p), intersection_information(p)
    assert first.lower == second.lower
    np.testing.assert_array_equal(first.common, second.common)


def test_a_joint_too_large_for_the_cone_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    p = dirichlet((3, 3, 3), 0)
    value = intersection_information(p)
    monkeypatch.setattr(solutions, "MAX_OUTCOMES", 20)
    bounded = intersection_information(p)
    assert bounded.report.status == "size_limit"
    assert bounded.lower == 0.0
    assert bounded.upper == pytest.approx(intersection_information(p, measure="blackwell").upper, abs=1e-9)
    monkeypatch.undo()
    monkeypatch.setattr("pidkit.intersection.split.MAX_VARIABLES", 20)
    monkeypatch.setattr("pidkit.intersection.column_generation.MAX_CLIMBS", 0)
    bounded = intersection_information(p)
    assert bounded.report.status == "size_limit"
    assert bounded.lower <= value.lower <= bounded.upper


def test_many_common_values() -> None:
    p = np.zeros((20, 100, 100))
    symbols = np.arange(100)
    p[symbols % 20, symbols, symbols] = 0.01
    result = intersection_information(p)
    assert result.lower == pytest.approx(np.log2(20.0))
    assert result.n_q == 20  # symbols with the same posterior are merged
