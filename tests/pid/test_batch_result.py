"""What a batch returns: one result by its index, units, lengths and a short repr."""

from typing import Any

import numpy as np
import pytest

import pidkit
from pidkit import PIDBatch, bivariate_pid, bivariate_pid_batch, gate, solve_broja_batch
from pidkit.pid import ATOMS, INFORMATION

NAMES = ("AND", "XOR", "DIFF")
JOINTS = np.stack([np.pad(gate(name).joint, [(0, 4 - n) for n in gate(name).joint.shape]) for name in NAMES])


@pytest.fixture(scope="module")
def found() -> PIDBatch:
    return bivariate_pid_batch(JOINTS)


def test_one_decomposition_by_its_index_is_the_single_result(found: PIDBatch) -> None:
    for k, name in enumerate(NAMES):
        one, alone = found[k], bivariate_pid(JOINTS[k])
        assert type(one) is type(alone)
        for value in (*ATOMS, *INFORMATION):
            assert getattr(one, value) == pytest.approx(getattr(alone, value), abs=2e-9), name
            assert type(getattr(one, value)) is float
        assert (one.unit, one.measure, one.report.solver) == ("bits", "broja", "interior-point")
        assert (one.report.status, one.report.unit) == ("converged", "bits")
        assert one.report.tol == pytest.approx(alone.report.tol, rel=1e-15)
        assert one.report.iterations == found.solutions.iterations[k]
        assert one.report.gap == found.solutions.gap[k]
        assert one.report.seconds == found.solutions.seconds / 3
        assert repr(one).splitlines()[:6] == repr(alone).splitlines()[:6]
    assert found[-1].atoms == found[2].atoms
    results: Any = found  # a sequence by length and index
    assert [one.synergy for one in results] == found.synergy.tolist()
    with pytest.raises(IndexError, match="index 3 is out of bounds"):
        found[3]


def test_an_unfinished_solve_says_so() -> None:
    early = bivariate_pid_batch(JOINTS, max_iter=1, check=False)
    assert early.solutions.status.tolist() == [early[k].report.status for k in range(3)]
    assert early[0].report.status == "max_iter"
    assert early[0].report.iterations == 1
    assert early[0].report.gap > early[0].report.tol


def test_another_unit_scales_everything(found: PIDBatch) -> None:
    nats, asked = found.to("nats"), bivariate_pid_batch(JOINTS, unit="nats")
    for name in (*ATOMS, *INFORMATION):
        np.testing.assert_allclose(getattr(nats, name), np.log(2.0) * getattr(found, name), rtol=1e-15)
        np.testing.assert_allclose(getattr(nats, name), getattr(asked, name), rtol=1e-14, atol=1e-15)
        np.testing.assert_allclose(getattr(nats.to("bits"), name), getattr(found, name), rtol=1e-15)
    assert (nats.unit, nats.solutions.unit, nats[0].unit, nats[0].report.unit) == ("nats",) * 4
    assert nats[0].report.tol == pytest.approx(1e-9 * np.log(2.0), rel=1e-15)
    np.testing.assert_allclose(nats.solutions.gap, np.log(2.0) * found.solutions.gap, rtol=1e-15)
    np.testing.assert_array_equal(nats.solutions.lam, found.solutions.lam)  # potentials are in nats always
    for result in (found, found.solutions):
        with pytest.raises(pidkit.InputError, match=r"^unit must be 'bits' or 'nats', not 'trits'$"):
            result.to("trits")


def test_lengths_and_short_reprs(found: PIDBatch) -> None:
    assert len(found) == len(found.solutions) == 3
    gap = f"{found.solutions.gap.max():.1e}"
    mean = found.redundancy.mean()
    assert repr(found).startswith(f"PIDBatch(n=3, means: redundancy={mean:.4f}, unique_1=")
    assert repr(found).endswith(f", unit='bits', largest gap={gap})")
    assert repr(found.solutions) == f"BROJABatch(n=3, converged=3, unit='bits', largest gap={gap})"
    assert "-0.0000" not in repr(found)


def test_results_are_frozen(found: PIDBatch) -> None:
    with pytest.raises(AttributeError, match="cannot assign to field"):
        found.unit = "nats"  # type: ignore[misc]
    with pytest.raises(AttributeError, match="cannot assign to field"):
        solve_broja_batch(JOINTS.sum(3), JOINTS.sum(2)).gap = 0.0  # type: ignore[assignment, misc]
