import numpy as np
import pytest

import pidkit
from pidkit import GATES, gate

# Bits, from the table of exact facts (redundancy, unique_1, unique_2, synergy), independent of the closed forms.
PUBLISHED = {
    "AND": (0.311278124459, 0.0, 0.0, 0.5),
    "XOR": (0.0, 0.0, 0.0, 1.0),
    "RDN": (1.0, 0.0, 0.0, 0.0),
    "UNQ": (0.0, 1.0, 1.0, 0.0),
    "RDNXOR": (1.0, 0.0, 0.0, 1.0),
    "RDNUNQXOR": (1.0, 1.0, 1.0, 1.0),
    "XORAND": (0.5, 0.0, 0.0, 1.0),
    "ReducedOR": (0.311278, 0.0, 0.0, 0.688722),
    "PntUnq": (0.5, 0.0, 0.0, 0.5),
    "ImperfectRDN": (0.98959008, 0.01040992, 0.0, 0.0),
    "COPY": (0.11870910, 0.88129090, 0.88129090, 0.0),
    "DIFF": (0.12255624891826589, 0.18872187554086706, 0.18872187554086706, 0.0),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_atoms_are_the_published_ones(name: str) -> None:
    found = gate(name)
    atoms = (found.redundancy, found.unique_1, found.unique_2, found.synergy)
    assert atoms == pytest.approx(PUBLISHED[name], abs=1e-6 if name == "ReducedOR" else 5e-9)


@pytest.mark.parametrize("name", GATES)
def test_every_gate_is_a_joint_whose_atoms_add_up_to_its_information(name: str) -> None:
    found = gate(name)
    result = pidkit.bivariate_pid(found.joint)
    assert found.joint.sum() == pytest.approx(1.0, abs=1e-15)
    assert found.name == name
    assert found.source
    assert found.description
    total = found.redundancy + found.unique_1 + found.unique_2 + found.synergy
    assert total == pytest.approx(result.mi_joint, abs=1e-14)
    assert found.redundancy + found.unique_1 == pytest.approx(result.mi_1, abs=1e-14)
    assert found.redundancy + found.unique_2 == pytest.approx(result.mi_2, abs=1e-14)


def test_axes_are_target_first() -> None:
    copy_of_first = gate("UNQ1").joint
    assert copy_of_first.shape == (2, 2, 2)
    np.testing.assert_array_equal(copy_of_first[1], [[0.0, 0.0], [0.25, 0.25]])
    assert gate("ReducedOR").joint[1, 1, 1] == 0.0
    assert gate("RDNUNQXOR").joint.shape == (16, 8, 8)


def test_gates_cannot_be_changed_by_accident() -> None:
    with pytest.raises(ValueError, match="read-only"):
        gate("AND").joint[0, 0, 0] = 1.0
    with pytest.raises(TypeError, match="does not support item assignment"):
        GATES["MINE"] = gate("AND")  # type: ignore[index]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("and", r"there is no gate 'and'; did you mean 'AND'\? The gates are RDN, UNQ, "),
        ("RDNXR", r"did you mean 'RDNXOR'\?"),
        ("zzz", r"there is no gate 'zzz'; The gates are "),
        (None, r"there is no gate None; The gates are "),
        (7, r"there is no gate 7; The gates are "),
    ],
)
def test_an_unknown_gate_is_refused_with_near_matches(name: int | str | None, message: str) -> None:
    with pytest.raises(pidkit.InputError, match=message):
        gate(name)  # type: ignore[arg-type]
