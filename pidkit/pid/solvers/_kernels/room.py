"""The memory of one solve: made by numpy once, shared out to its uses in compiled code.

Compiled code makes no arrays of its own, which keeps its compilation short and small problems fast. `Room` is what
Python hands over, a few large arrays; `arrange` and `of` say which part of them is what.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pidkit.pid.solvers._kernels.arrays import (
    Coupling,
    Integers,
    IntegerTable,
    Mask,
    Matrix,
    Model,
    Newton,
    Shifts,
    Side,
    State,
    Step,
    System,
    Tables,
    Tensor,
    Variables,
)
from pidkit.pid.solvers._kernels.compiling import kernel
from pidkit.pid.solvers._kernels.newton import fix_gauge, number_variables

N_TABLES, N_PAIRS, N_VECTORS = 10, 12, 11
"""How many tables [x1, y] and [x2, y], tables [x1, x2] and vectors a solve needs."""


class Room(NamedTuple):
    """All arrays of a solve.

    Attributes
    ----------
    tables1, tables2 : shape (N_TABLES, n_1, n_y) and (N_TABLES, n_2, n_y)
        0 the potentials; 1 the feasible ones that prove the lower bound; 2 and 3 the factors a, b and the rest r, c of
        the coupling that proves the upper bound; 4 to 9 are worked in.
    pairs : shape (N_PAIRS, n_1, n_2)
        0 the multipliers w; 1 the slacks g; 2 the weights of the coupling that proves the upper bound; 3 log w - h of
        the last iterate; 4 to 11 are worked in.
    active : shape (n_1, n_2)
    pi, blocks, coupling, schur, vectors, support1, support2, counts1, counts2, fixed
        Worked in; `arrays` says what they are.
    """

    tables1: Tensor
    tables2: Tensor
    pairs: Tensor
    active: Mask
    pi: Tensor
    blocks: Tensor
    coupling: Matrix
    schur: Matrix
    vectors: Matrix
    support1: IntegerTable
    support2: IntegerTable
    counts1: IntegerTable
    counts2: IntegerTable
    fixed: Integers


class Places(NamedTuple):
    """What the parts of a Room are called while a problem is solved."""

    state: State
    model: Model
    newton: Newton
    nearby: Tables
    proof: Tables
    factors: Tables
    rest: Tables
    rounded: Coupling
    one: Shifts
    other: Shifts


def new_room(n_1: int, n_2: int, n_y: int, n_lam: int, n_mu: int) -> Room:
    """Make the memory for problems of one shape with at most so many free potentials."""
    longest = max(n_1, n_2, n_y, n_lam, n_mu, 2)
    return Room(
        np.empty((N_TABLES, n_1, n_y)),
        np.empty((N_TABLES, n_2, n_y)),
        np.empty((N_PAIRS, n_1, n_2)),
        np.empty((n_1, n_2), np.bool_),
        np.zeros((n_1, n_2, n_y)),
        np.empty((n_1, n_y, n_y)),
        np.empty((n_lam, n_mu)),
        np.empty((n_mu, n_mu)),
        np.empty((N_VECTORS, longest)),
        np.empty((n_1, n_y), np.intp),
        np.empty((n_2, n_y), np.intp),
        np.empty((3, n_1), np.intp),
        np.empty((2, n_2), np.intp),
        np.empty(n_y, np.intp),
    )


@kernel()
def arrange(p: Tables, room: Room) -> Places:
    """Number the variables of a problem, and give every part of the room its name."""
    tables1, tables2, pairs, vectors = room.tables1, room.tables2, room.pairs, room.vectors
    rows = Variables(room.support1, room.counts1[0], room.counts1[1])
    columns = Variables(room.support2, room.counts2[0], room.counts2[1])
    for y in range(room.fixed.size):
        room.fixed[y] = room.support1.shape[0]  # no x1: all lam are free
    n_lam = number_variables(p.first, room.fixed, rows)
    fix_gauge(p.second, room.fixed)
    n_mu = number_variables(p.second, room.fixed, columns)
    system = System(
        rows, columns, n_lam, n_mu, room.counts1[2], room.blocks, room.coupling, room.schur,
        vectors[0], vectors[1], vectors[2], vectors[3],
    )  # fmt: skip
    side = Side(tables1[4], tables2[4], pairs[4], pairs[5], tables1[5], tables2[5])
    step = Step(tables1[6], tables2[6], tables1[9], pairs[6], pairs[7], pairs[8])
    return Places(
        State(room.active, tables1[0], tables2[0], pairs[0], pairs[1]),
        Model(room.pi, pairs[11]),
        Newton(system, side, step, Tables(tables1[7], tables2[7]), pairs[9], pairs[10], vectors[4], vectors[10]),
        Tables(tables1[8], tables2[8]),
        Tables(tables1[1], tables2[1]),
        Tables(tables1[2], tables2[2]),
        Tables(tables1[3], tables2[3]),
        Coupling(side.r1, side.r2, side.b1, side.b2),  # worked out between two iterations, when no side is needed
        Shifts(vectors[5], vectors[6]),
        Shifts(vectors[7], vectors[8]),
    )
