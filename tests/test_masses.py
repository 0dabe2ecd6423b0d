"""Totals may be as far from one as the dtype's rounding, which is scaled away; in float64 nothing is."""

from __future__ import annotations

import numpy as np
import pytest

from pidkit import (
    InputError,
    bivariate_pid,
    bivariate_pid_batch,
    gate,
    intersection_information,
    joint_from_array,
    joint_from_outcomes,
    solve_broja,
    solve_broja_batch,
)
from pidkit.joint import check_joint
from pidkit.masses import mass_tolerance

AND = gate("AND").joint
DENSE = np.random.default_rng(0).dirichlet(np.ones(60)).reshape(3, 4, 5)


def off_by(error: float, dtype: type = np.float32) -> np.ndarray:
    """Return AND in a dtype, its total off by the error as nearly as the dtype can."""
    p: np.ndarray = AND.astype(dtype)
    p[0, 0, 0] += dtype(error)
    return p


@pytest.mark.parametrize(("dtype", "eps"), [(np.float32, 2.0**-23), (np.float16, 2.0**-10)])
def test_the_tolerance_is_four_epsilons_of_the_dtype(dtype: type, eps: float) -> None:
    assert mass_tolerance(np.ones(1, dtype)) == 4.0 * eps
    found = bivariate_pid(off_by(3.9 * eps, dtype))
    assert found.synergy == pytest.approx(0.5, abs=8.0 * eps)
    assert check_joint(off_by(3.9 * eps, dtype)).sum() == pytest.approx(1.0, abs=1e-15)  # scaled in float64
    with pytest.raises(InputError, match=r"^p sums to 1\.\d+, not 1; divide it by its sum first"):
        bivariate_pid(off_by(5.0 * eps, dtype))


def test_the_total_that_was_refused() -> None:
    """A joint of float32 whose total is 1 + 2e-9 in float64: below its rounding of 6e-8, above the 1e-9 of float64."""
    p = np.append(np.full(7, 2.0**-3, np.float32), np.float32(2.0**-3)).reshape(2, 2, 2)
    p[0, 0, 0] -= np.float32(2.0**-26)
    p[1, 1, 1] += np.float32(2.0**-26) + np.float32(2.0**-26)
    assert 1e-9 < abs(p.astype(np.float64).sum() - 1.0) < 6e-8
    assert bivariate_pid(p).mi_joint == pytest.approx(0.0, abs=1e-12)  # all but independent: of second order in 1e-8


def test_float64_is_neither_loosened_nor_scaled() -> None:
    with pytest.raises(InputError, match=r"^p sums to 1\.000000002, not 1"):
        bivariate_pid(off_by(2e-9, np.float64))
    kept = off_by(5e-10, np.float64)
    assert (check_joint(kept) == kept).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_every_door_takes_what_was_normalised_in_its_own_dtype(dtype: type) -> None:
    """The atoms move by no more than -p log p does when every cell moves by half an epsilon: some tens of epsilons."""
    p, slack = (DENSE.astype(dtype) / DENSE.astype(dtype).sum(dtype=dtype)), 40.0 * float(np.finfo(dtype).eps)
    exact = bivariate_pid(DENSE)
    for found in (bivariate_pid(p), bivariate_pid_batch(np.stack([p, p]))[1]):
        for name in ("redundancy", "unique_1", "unique_2", "synergy"):
            assert getattr(found, name) == pytest.approx(getattr(exact, name), abs=slack)
    first, second = p.sum(2, dtype=dtype), p.sum(1, dtype=dtype)
    assert not (first.sum(1, dtype=np.float64) == second.sum(1, dtype=np.float64)).all()  # P(y) differs by rounding
    for pair in (solve_broja(first, second), solve_broja(first, DENSE.sum(1)), solve_broja(DENSE.sum(2), second)):
        assert pair.unique_1 == pytest.approx(exact.unique_1, abs=slack)
        assert pair.gap < 1e-8
    assert solve_broja_batch(first[None], second[None]).unique_1[0] == pytest.approx(exact.unique_1, abs=slack)
    assert intersection_information(AND.astype(dtype)).value == intersection_information(AND).value  # quarters: exact
    assert joint_from_array(p, axes="y x1 x2").sum() == pytest.approx(1.0, abs=1e-15)
    masses = {f"{y}{a}{b}": p[y, a, b] for y, a, b in np.ndindex(*p.shape)}
    assert joint_from_outcomes(masses, axes="y x1 x2").sum() == pytest.approx(1.0, abs=1e-15)


def test_marginals_of_different_joints_are_no_rounding() -> None:
    first, second = AND.sum(2).astype(np.float32), AND.sum(1)[::-1].astype(np.float32)
    with pytest.raises(InputError, match=r"^p_yx1 and p_yx2 have different P\(y\) \(by up to 0\.5\)"):
        solve_broja(first, second)
    lonely = np.array([[1.0, 0.0], [0.0, 0.0]], np.float32), np.array([[1.0, 0.0], [0.0, 4e-7]], np.float32)
    with pytest.raises(InputError, match=r"^p_yx1 and p_yx2 have different P\(y\)"):
        solve_broja(*lonely)


def test_bfloat16() -> None:
    torch = pytest.importorskip("torch")
    p = torch.softmax(torch.tensor(np.log(DENSE)).flatten().to(torch.bfloat16), 0).reshape(3, 4, 5)
    found = bivariate_pid(p)
    assert found.mi_joint == pytest.approx(bivariate_pid(DENSE).mi_joint, abs=40 * 2.0**-7)
    assert solve_broja(p.sum(2), p.sum(1), solver="scaling", tol=1e-4).gap < 1e-4
    with pytest.raises(InputError, match=r"^p sums to 1\.06\d*, not 1"):
        bivariate_pid(torch.tensor(AND * 1.0625).to(torch.bfloat16))
