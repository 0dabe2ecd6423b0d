"""Theorem 3.1 of Dissanayake et al. (AISTATS 2025): a teacher with a nuisance.

T = (Z, G); the task Y depends on Z alone, G is independent of (Y, Z); the student may hold max(H(Z), H(G)) bits.
Maximising I(T;S) picks whichever of Z and G has the larger entropy; maximising redundancy picks Z on both sides.
"""

from dataclasses import dataclass

import numpy as np
import pytest

from pidkit import bivariate_pid
from tests.theory.students import all_functions, deterministic, information, joint_of, student_entropy

EXACT = 1e-9


@dataclass(frozen=True)
class Teacher:
    """P(z), P(g) and P(y|z); teacher symbols are t = z n_g + g."""

    p_z: tuple[float, ...]
    p_g: tuple[float, ...]
    p_y_given_z: tuple[tuple[float, ...], ...]

    @property
    def p_yt(self) -> np.ndarray:
        p_yz = np.array(self.p_y_given_z).T * np.array(self.p_z)
        return np.repeat(p_yz, len(self.p_g), axis=1) * np.tile(self.p_g, len(self.p_z))

    @property
    def only_z(self) -> np.ndarray:
        return np.repeat(np.eye(len(self.p_z)), len(self.p_g), axis=0)

    @property
    def only_g(self) -> np.ndarray:
        return np.tile(np.eye(len(self.p_g)), (len(self.p_z), 1))


SAME = ((1.0, 0.0), (0.0, 1.0))  # Y = Z
TEACHERS = {
    "G larger: bits": Teacher((0.8, 0.2), (0.5, 0.5), SAME),
    "G larger: three symbols": Teacher((0.7, 0.3), (0.4, 0.35, 0.25), SAME),
    "G larger: Y a noisy view of Z": Teacher((0.7, 0.3), (0.4, 0.35, 0.25), ((0.9, 0.1), (0.2, 0.8))),
    "Z larger: bits": Teacher((0.5, 0.5), (0.8, 0.2), SAME),
    "Z larger: Y one of three": Teacher((0.5, 0.3, 0.2), (0.6, 0.4), ((1.0, 0.0), (0.0, 1.0), (0.0, 1.0))),
    "Z larger: Y = Z of three": Teacher((0.4, 0.35, 0.25), (0.7, 0.3), ((1.0, 0, 0), (0, 1.0, 0), (0, 0, 1.0))),
}


@pytest.mark.parametrize("name", TEACHERS)
def test_the_premise_holds(name: str) -> None:
    """I(Y;T) = I(Y;Z), I(Y;G) = 0, and the name says which entropy is the larger."""
    teacher = TEACHERS[name]
    with_z, with_g = (bivariate_pid(joint_of(teacher.p_yt, c)) for c in (teacher.only_z, teacher.only_g))
    assert with_z.mi_2 == pytest.approx(with_z.mi_1, abs=EXACT)
    assert with_g.mi_2 == pytest.approx(0.0, abs=EXACT)
    h_z, h_g = (student_entropy(teacher.p_yt, c) for c in (teacher.only_z, teacher.only_g))
    assert (h_g > h_z) == name.startswith("G")


@pytest.mark.parametrize("name", TEACHERS)
def test_information_is_maximised_by_the_larger_of_z_and_g(name: str) -> None:
    """No function of T within the capacity has a larger I(T;S) than S = G where H(G) > H(Z), or S = Z otherwise."""
    teacher = TEACHERS[name]
    larger = teacher.only_g if name.startswith("G") else teacher.only_z
    capacity = student_entropy(teacher.p_yt, larger)
    assert information(teacher.p_yt, larger) == pytest.approx(capacity, abs=EXACT)
    for channel in students_within(teacher, capacity):
        assert information(teacher.p_yt, channel) <= capacity + EXACT


@pytest.mark.parametrize("name", TEACHERS)
def test_redundancy_is_maximised_by_z_and_never_by_g(name: str) -> None:
    """Red(Y:T,S) is largest at S = Z, where it is all of I(Y;T), on both sides of H(Z) = H(G); at S = G it is zero."""
    teacher = TEACHERS[name]
    best = bivariate_pid(joint_of(teacher.p_yt, teacher.only_z))
    assert best.redundancy == pytest.approx(best.mi_1, abs=EXACT)
    assert best.unique_1 == pytest.approx(0.0, abs=EXACT)
    nuisance = bivariate_pid(joint_of(teacher.p_yt, teacher.only_g))
    assert nuisance.redundancy == pytest.approx(0.0, abs=EXACT)
    assert nuisance.unique_1 == pytest.approx(best.mi_1, abs=EXACT)
    capacity = max(student_entropy(teacher.p_yt, c) for c in (teacher.only_z, teacher.only_g))
    for channel in students_within(teacher, capacity):
        assert bivariate_pid(joint_of(teacher.p_yt, channel)).redundancy <= best.redundancy + EXACT


@pytest.mark.parametrize("name", TEACHERS)
def test_noisy_students_do_no_better(name: str) -> None:
    """The same over 200 random channels within the capacity."""
    teacher, rng = TEACHERS[name], np.random.default_rng(0)
    capacity = max(student_entropy(teacher.p_yt, c) for c in (teacher.only_z, teacher.only_g))
    most = bivariate_pid(joint_of(teacher.p_yt, teacher.only_z)).redundancy
    n_t = teacher.p_yt.shape[1]
    for channel in (rng.dirichlet(np.full(3, 0.2), size=n_t) for _ in range(200)):
        if student_entropy(teacher.p_yt, channel) <= capacity:
            assert information(teacher.p_yt, channel) <= capacity + EXACT
            assert bivariate_pid(joint_of(teacher.p_yt, channel)).redundancy <= most + EXACT


def students_within(teacher: Teacher, capacity: float) -> list[np.ndarray]:
    """Return every deterministic student with H(S) <= capacity."""
    channels = [deterministic(codes) for codes in all_functions(teacher.p_yt.shape[1])]
    within = [c for c in channels if student_entropy(teacher.p_yt, c) <= capacity + 1e-12]
    assert len(within) > 5
    return within
