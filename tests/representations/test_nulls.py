"""Nulls: replicates keep what the atom is not about and lack the atom, and p-values are uniform at most."""

from __future__ import annotations

import numpy as np
import pytest

from pidkit import estimate_pid, pid_from_samples, solve_broja
from pidkit.mi.blocks import Blocks
from pidkit.pid.result import ATOMS
from pidkit.representations.finite_samples import CodedSamples, bootstrap
from pidkit.representations.nulls import _channel, _nulls, null_tests
from pidkit.types import FloatArray, IntArray
from tests.representations.systems import draw, looks, modular


def observed(p: FloatArray, n: int, seed: int) -> tuple[dict[str, float], dict[str, float]]:
    """Return p-values and true atoms of one sample."""
    samples = draw(p, n, seed)
    plug_in = pid_from_samples(y=samples.y, x1=samples.x1, x2=samples.x2, unit="nats")
    values = np.array([getattr(plug_in, name) for name in ATOMS])
    p_values, spreads = null_tests(samples, values, 39, np.random.default_rng(seed))
    assert set(spreads) == set(p_values) == set(ATOMS)
    return p_values, plug_in.atoms


def test_replicates_keep_what_the_atom_is_not_about() -> None:
    samples = draw(looks(4, 0.8, 0.5), 4000, 0)
    nulls = _nulls(samples, Blocks(samples.n), np.random.default_rng(0))
    for number, draw_one in enumerate(nulls["redundancy"]):
        replicate = draw_one()
        kept, permuted = (("x2", "x1"), ("x1", "x2"))[number]
        assert (getattr(replicate, kept) == getattr(samples, kept)).all()
        assert (np.bincount(getattr(replicate, permuted)) == np.bincount(getattr(samples, permuted))).all()
        assert (replicate.y == samples.y).all()
    copy, _ = nulls["unique_1"]
    replicate = copy()
    first, second = (_channel(replicate.y, x) for x in (replicate.x1, replicate.x2))
    p_y = np.bincount(replicate.y) / replicate.n
    assert solve_broja(first * p_y[:, None], second * p_y[:, None]).unique_1 < 0.01
    coupling, _ = nulls["synergy"]
    replicate = coupling()
    again = pid_from_samples(y=replicate.y, x1=replicate.x1, x2=replicate.x2)
    before = pid_from_samples(y=samples.y, x1=samples.x1, x2=samples.x2)
    assert again.synergy < 0.02 < before.synergy
    assert again.mi_1 == pytest.approx(before.mi_1, abs=0.06)


def test_atoms_of_a_tenth_of_a_bit_are_found_and_true_zeros_are_not() -> None:
    p_values, _ = observed(looks(4, 0.7, 0.3), 5000, 0)
    assert p_values["redundancy"] == p_values["unique_1"] == p_values["synergy"] == 1 / 40
    assert p_values["unique_2"] > 0.05
    p_values, _ = observed(modular(4, 0.5), 5000, 1)
    assert p_values["synergy"] == 1 / 40
    assert min(p_values[name] for name in ("redundancy", "unique_1", "unique_2")) > 0.05


def copied(samples: CodedSamples, times: int) -> tuple[CodedSamples, IntArray]:
    """Return every sample so many times, and which are copies of one."""
    groups = np.repeat(np.arange(samples.n), times)
    return samples.take(groups), groups


def test_copies_in_groups_are_called_real_no_more_often_than_the_samples_themselves() -> None:
    """Eight copies of 60 samples that tell nothing: one by one, chance seems eight times rarer than it is."""
    called = {False: 0, True: 0}
    for seed in range(20):
        samples, groups = copied(draw(looks(3, 0.0, 0.0), 60, seed), 8)
        plug_in = pid_from_samples(y=samples.y, x1=samples.x1, x2=samples.x2, unit="nats")
        values = np.array([getattr(plug_in, name) for name in ATOMS])
        for kept in called:
            p_values, _ = null_tests(
                samples, values, 19, np.random.default_rng(seed), groups=groups if kept else None, atoms=("unique_1",)
            )
            assert set(p_values) == {"unique_1"}
            called[kept] += p_values["unique_1"] <= 0.05
    assert called[False] >= 8
    assert called[True] <= 3


def test_resamples_of_groups_scatter_as_those_of_what_was_copied() -> None:
    once = draw(looks(3, 0.7, 0.3), 200, 0)
    samples, groups = copied(once, 6)
    spread = bootstrap(once, 120, np.random.default_rng(1)).std(0)
    whole, torn = (bootstrap(samples, 120, np.random.default_rng(1), kept).std(0) for kept in (groups, None))
    assert whole == pytest.approx(spread, rel=1e-6)  # the same draws
    assert (torn[:2] < 0.6 * spread[:2]).all()  # one by one: 1 / sqrt(6) of it


@pytest.mark.slow
@pytest.mark.parametrize(
    ("p", "zero"),
    [
        (looks(5, 0.7, 0.0), ("redundancy", "unique_2", "synergy")),
        (looks(5, 0.6, 0.35), ("unique_2",)),
        (modular(5, 0.7), ("redundancy", "unique_1", "unique_2")),
        (looks(5, 0.0, 0.0), ATOMS),
    ],
    ids=["unique", "two looks", "modular", "independent"],
)
def test_true_zeros_are_called_real_in_one_sample_of_ten_at_most(p: FloatArray, zero: tuple[str, ...]) -> None:
    """The label permutation alone calls the zero redundancy of "unique" real in 9 of 10 samples."""
    n_samples = 60
    called = dict.fromkeys(zero, 0)
    for seed in range(n_samples):
        samples = draw(p, 1000, seed)
        estimate = estimate_pid(y=samples.y, x1=samples.x1, x2=samples.x2, n_null=39, rng=seed)
        for name in zero:
            called[name] += estimate.p_value[name] <= 0.05
    assert max(called.values()) <= 0.1 * n_samples
