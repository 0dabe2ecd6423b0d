"""BROJA's equations: on closed forms, and the same on numbers and arrays."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

import pidkit
from pidkit.info import entropies, entropy
from pidkit.joint import pair_marginals
from pidkit.pid.atoms import atoms_of, atoms_of_redundancy, synergy_of
from pidkit.types import FloatArray
from tests.pid.strategies import joints


def entropies_of(p: FloatArray) -> dict[str, float]:
    first, second = pair_marginals(p)
    names = ("h_y", "h_x1", "h_x2", "h_yx1", "h_yx2")
    parts = (first.sum(1), first.sum(0), second.sum(0), first, second)
    return dict(zip(names, entropies(*parts).tolist(), strict=True))


def test_any_coupling_gives_its_conditional_information() -> None:
    """For F = sum Q log Q(y|x1,x2) of one member Q of Delta_P, unique_i is I_Q(Y; X_i | X_j), by definition."""
    p = np.random.default_rng(0).dirichlet(np.ones(24)).reshape(2, 3, 4)
    p_12 = p.sum(0)
    atoms = atoms_of(float((p * np.log(p / p_12)).sum()), **entropies_of(p))
    given_2 = (p * np.log(p * p.sum((0, 1)) / (p_12 * p.sum(1)[:, None, :]))).sum()
    given_1 = (p * np.log(p * p.sum((0, 2))[:, None] / (p_12 * p.sum(2)[:, :, None]))).sum()
    assert (atoms.unique_1, atoms.unique_2) == pytest.approx((given_2, given_1), abs=1e-12)
    assert atoms.redundancy + atoms.unique_2 == pytest.approx(atoms.mi_2, abs=1e-12)
    total = entropy(p.sum((1, 2))) + entropy(p_12) - entropy(p)
    assert synergy_of(total, atoms) == pytest.approx(0.0, abs=1e-12)  # the coupling is the joint itself


@given(joints())
def test_arrays_get_what_numbers_get(p: FloatArray) -> None:
    held = entropies_of(p)
    alone = atoms_of(-0.25, **held)
    both = atoms_of(np.array([-0.25, -0.5]), **{name: np.full(2, value) for name, value in held.items()})
    assert [column[0] for column in both] == list(alone)
    assert synergy_of(np.full(2, 2.0), both)[0] == synergy_of(2.0, alone)


@given(joints())
def test_a_redundancy_and_the_information_decide_the_rest(p: FloatArray) -> None:
    """The lattice's two sums: redundancy and unique_i are I(Y;X_i), all four atoms are I(Y;X1,X2)."""
    held = entropies_of(p)
    mi_1, mi_2 = held["h_y"] + held["h_x1"] - held["h_yx1"], held["h_y"] + held["h_x2"] - held["h_yx2"]
    redundancy, unique_1, unique_2, synergy = atoms_of_redundancy(0.125, mi_1=mi_1, mi_2=mi_2, mi_joint=2.0)
    assert redundancy == 0.125
    assert (redundancy + unique_1, redundancy + unique_2) == pytest.approx((mi_1, mi_2), abs=1e-12)
    assert redundancy + unique_1 + unique_2 + synergy == pytest.approx(2.0, abs=1e-12)


def test_the_formula_of_the_synergy_stands_in_one_place() -> None:
    """No other module subtracts the atoms from the joint information by hand."""
    written = re.compile(r"-\s*[\w.]*uni\w*1\b\s*-\s*[\w.]*uni\w*2\b|mi_joint - mi_1 - mi_2")
    package = Path(pidkit.__file__).parent
    found = [
        str(path.relative_to(package)) for path in package.rglob("*.py") if written.search(path.read_text("utf-8"))
    ]
    assert found == ["pid/atoms.py"]
