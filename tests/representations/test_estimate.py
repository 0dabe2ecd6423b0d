"""estimate_pid: gates to the sample's error, known systems within their intervals, and bad input refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pidkit import InputError, bivariate_pid, estimate_pid
from pidkit.pid.result import ATOMS
from pidkit.representations.estimate import atoms_from, deal_folds, estimate_informations
from pidkit.representations.held_out import Scores
from pidkit.types import FloatArray
from tests.representations.systems import draw, looks, modular


def estimated(p: FloatArray, n: int, seed: int, **options: Any) -> Any:
    """Estimate the atoms of one sample of a joint."""
    samples = draw(p, n, seed)
    return estimate_pid(y=samples.y, x1=samples.x1, x2=samples.x2, rng=seed, **options)


def test_gates_are_found_to_the_error_of_the_sample() -> None:
    x1, x2 = np.random.default_rng(0).integers(2, size=(2, 4000))
    xor = estimate_pid(y=x1 ^ x2, x1=x1, x2=x2)
    assert xor.synergy == pytest.approx(1.0, abs=0.01)
    assert max(abs(xor.redundancy), abs(xor.unique_1), abs(xor.unique_2)) < 0.005
    copy = estimate_pid(y=x1, x1=x1, x2=x1)
    assert copy.redundancy == pytest.approx(1.0, abs=0.01)
    both = estimate_pid(y=2 * x1 + x2, x1=x1, x2=x2)
    assert both.unique_1 == pytest.approx(1.0, abs=0.01)
    assert both.unique_2 == pytest.approx(1.0, abs=0.01)
    conjunction = estimate_pid(y=x1 & x2, x1=x1, x2=x2)
    assert conjunction.redundancy == pytest.approx(0.311278, abs=0.03)
    assert conjunction.synergy == pytest.approx(0.5, abs=0.03)


SYSTEMS = {
    "two looks": looks(6, 0.7, 0.4),
    "unique": looks(6, 0.7, 0.0),
    "modular": modular(6, 0.7),
    "mixed": 0.5 * looks(6, 0.7, 0.4) + 0.5 * modular(6, 0.7),
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_known_systems_lie_in_their_intervals(name: str) -> None:
    truth = bivariate_pid(SYSTEMS[name])
    estimate = estimated(SYSTEMS[name], 2000, 1)
    for atom in ATOMS:
        low, high = estimate.interval[atom]
        assert low - 1e-6 <= getattr(truth, atom) <= high + 1e-6, atom
        assert low <= getattr(estimate, atom) <= high
    assert abs(estimate.synergy - truth.synergy) < 0.07


def test_the_plug_in_synergy_of_few_samples_is_cured() -> None:
    """Independent 10 x 10 x 10 codes: 1.1 bits of plug-in synergy at 500 samples."""
    estimates = [estimated(np.full((10, 10, 10), 1e-3), 500, seed) for seed in range(5)]
    assert np.mean([estimate.plug_in["synergy"] for estimate in estimates]) > 1.0
    assert abs(np.mean([estimate.synergy for estimate in estimates])) < 0.03


def test_atoms_add_up_and_a_swap_of_sources_swaps_them() -> None:
    samples = draw(looks(3, 0.8, 0.4), 600, 0)
    one = estimate_pid(y=samples.y, x1=samples.x1, x2=samples.x2)
    other = estimate_pid(y=samples.y, x1=samples.x2, x2=samples.x1)
    assert one.redundancy + one.unique_1 == pytest.approx(one.mi_1, abs=1e-12)
    assert one.redundancy + one.unique_2 == pytest.approx(one.mi_2, abs=1e-12)
    assert sum(one.atoms.values()) == pytest.approx(one.mi_joint, abs=1e-12)
    assert one.redundancy == pytest.approx(other.redundancy, abs=1e-3)
    assert one.unique_1 == pytest.approx(other.unique_2, abs=1e-3)


def test_one_seed_one_answer_and_symbols_of_any_kind() -> None:
    samples = draw(looks(3, 0.8, 0.4), 300, 0)
    first = estimate_pid(y=samples.y, x1=samples.x1, x2=samples.x2, n_null=5, n_bootstrap=4, rng=3)
    names = np.array(["ant", "bee", "cat"])
    again = estimate_pid(y=names[samples.y], x1=names[samples.x1], x2=7 * samples.x2, n_null=5, n_bootstrap=4, rng=3)
    assert first.atoms == again.atoms
    assert first.p_value == again.p_value
    assert first.bootstrap == again.bootstrap


def test_the_union_is_no_smaller_than_either_source_and_no_larger_than_its_middle() -> None:
    scores = Scores(
        held_out=np.tile([0.5, 0.2, 0.45, 0.6], (4, 1)),
        from_half=np.tile([0.4, 0.1, 0.05, 0.3], (4, 1)),
        in_sample=np.array([0.7, 0.4, 0.85, 1.0]),
        share=0.9,
        half_share=0.5,
    )
    # middle .6, .3, .65, .8; the union's learning curve ends at .45 + 1.25 * .4 = .95, above its middle
    assert estimate_informations(scores).tolist() == pytest.approx([0.6, 0.3, 0.65, 0.8])
    flat = Scores(scores.held_out, scores.held_out, scores.in_sample, 0.9, 0.5)
    # a flat curve ends at .45, below the middle of I1: the union is I1's .6
    assert estimate_informations(flat)[2] == pytest.approx(0.6)
    assert atoms_from(np.array([0.6, 0.3, 0.65, 0.8])) == pytest.approx(
        {"redundancy": 0.25, "unique_1": 0.35, "unique_2": 0.05, "synergy": 0.15}
    )


def test_folds_are_of_equal_size() -> None:
    sizes = np.bincount(deal_folds(23, 5, np.random.default_rng(0)))
    assert sorted(sizes.tolist()) == [4, 4, 5, 5, 5]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"folds": 2}, "folds must be a whole number >= 3, not 2"),
        ({"folds": 2.5}, "folds must be a whole number >= 3, not 2.5"),
        ({"folds": 40}, "y holds 60 samples, fewer than two a fold; pass folds=30"),
        ({"n_null": -1}, "n_null must be a whole number >= 0, not -1"),
        ({"n_bootstrap": "3"}, "n_bootstrap must be a whole number >= 0, not '3'"),
        ({"unit": "bit"}, "unit must be 'bits' or 'nats', not 'bit'"),
        ({"rng": None}, "rng must be a whole number from 0"),
        ({"x1": np.arange(59) % 2}, "y, x1 and x2 must have one entry a sample; their lengths are 60, 59, 60"),
    ],
)
def test_what_cannot_be_used_is_refused(change: dict[str, Any], message: str) -> None:
    codes = np.arange(60) % 3
    arguments: dict[str, Any] = {"y": codes, "x1": codes, "x2": codes, **change}
    with pytest.raises(InputError, match=f"^{message}"):
        estimate_pid(**arguments)


def test_alphabets_too_large_for_any_sample_are_refused() -> None:
    codes = np.arange(700)
    with pytest.raises(InputError, match=r"^y, x1 and x2 have 3\.43e\+08 cells together, more than 1e\+07: merge"):
        estimate_pid(y=codes, x1=codes, x2=codes)


@pytest.mark.slow
@pytest.mark.parametrize("name", SYSTEMS)
def test_intervals_cover_and_the_estimate_is_nearly_unbiased(name: str) -> None:
    """Forty samples of 1000: bench_estimates.py has the same for more systems and sizes."""
    truth = bivariate_pid(SYSTEMS[name])
    estimates = [estimated(SYSTEMS[name], 1000, seed) for seed in range(40)]
    for atom in ATOMS:
        true = getattr(truth, atom)
        inside = [e.interval[atom][0] - 1e-6 <= true <= e.interval[atom][1] + 1e-6 for e in estimates]
        assert np.mean(inside) >= 0.85, atom
        assert abs(np.mean([getattr(e, atom) for e in estimates]) - true) < 0.06, atom


def test_intervals_cover_where_both_sources_are_equally_good() -> None:
    """U is a maximum of two there, and both its ends err upwards: the synergy was covered in .65 to .75 of samples."""
    p = looks(10, 0.7, 0.7)
    truth = bivariate_pid(p)
    covered = []
    for seed in range(40):
        interval = estimated(p, 500, seed).interval
        covered.append([interval[atom][0] <= getattr(truth, atom) + 1e-9 <= interval[atom][1] + 2e-9 for atom in ATOMS])
    assert np.mean(covered, axis=0).min() >= 0.85


def test_the_corner_is_no_end_where_one_source_tells_more() -> None:
    estimate = estimated(looks(6, 0.7, 0.4), 2000, 1)
    errors = estimate.standard_error["redundancy"]
    ends = [one["redundancy"] for one in (estimate.held_out, estimate.in_sample)] + [estimate.redundancy]
    assert estimate.interval["redundancy"][1] == pytest.approx(max(ends) + 1.959963984540054 * errors, rel=1e-9)
