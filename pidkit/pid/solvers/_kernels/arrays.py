"""The arrays that the kernels work on: their types, and the groups in which they are handed from kernel to kernel.

The target y is the last axis everywhere, so that the inner loops run through memory in order: lam[x1, y], mu[x2, y],
pi[x1, x2, y]. Numbers for every pair of source symbols have the axes [x1, x2]. "Active" pairs are those that share a y:
all others have no mass in any coupling, and their entries mean nothing.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import types

from pidkit.pid.solvers._kernels.views import View

Vector = Annotated[npt.NDArray[np.float64], View(types.float64, 1)]
Matrix = Annotated[npt.NDArray[np.float64], View(types.float64, 2)]
Tensor = Annotated[npt.NDArray[np.float64], View(types.float64, 3)]
Mask = Annotated[npt.NDArray[np.bool_], View(types.boolean, 2)]
Integers = Annotated[npt.NDArray[np.intp], View(types.intp, 1)]
IntegerTable = Annotated[npt.NDArray[np.intp], View(types.intp, 2)]


class Tables(NamedTuple):
    """One number for every cell of either pair marginal: first[x1, y] and second[x2, y]."""

    first: Matrix
    second: Matrix


class State(NamedTuple):
    """Where the interior point stands.

    Attributes
    ----------
    active : bool, shape (n_1, n_2)
        The pairs that share a y.
    lam, mu : shape (n_1, n_y) and (n_2, n_y)
        The potentials: logarithms, -inf where P(y, x1) or P(y, x2) is zero.
    w : shape (n_1, n_2)
        The multiplier of each pair's constraint, which is the mass of the pair in the coupling; 0 off the active pairs.
    g : shape (n_1, n_2)
        The slack of each pair's constraint in nats, positive; 1 off the active pairs.
    """

    active: Mask
    lam: Matrix
    mu: Matrix
    w: Matrix
    g: Matrix


class Model(NamedTuple):
    """What the potentials say about each pair.

    Attributes
    ----------
    pi : shape (n_1, n_2, n_y)
        The conditional q(y | x1, x2): the softmax of lam + mu over y; 0 off the active pairs.
    h : shape (n_1, n_2)
        log sum_y exp(lam + mu), which the dual constraint wants at most 0; 0 off the active pairs.
    """

    pi: Tensor
    h: Matrix


class Step(NamedTuple):
    """The changes of lam, mu, h, g and w that one Newton step brings, to first order.

    `joint` is the change of lam[x1, y] + mu[partner, y], which the sum of the two would round off, and where x1 has no
    partner that of lam[x1, y]; see `newton`.
    """

    lam: Matrix
    mu: Matrix
    joint: Matrix
    h: Matrix
    g: Matrix
    w: Matrix


class Side(NamedTuple):
    """The right-hand side of a Newton step, equation by equation.

    Attributes
    ----------
    r1, r2 : shape (n_1, n_y) and (n_2, n_y)
        What the pair marginals lack: P(y, x1) - sum_x2 w pi and P(y, x2) - sum_x1 w pi.
    rg : shape (n_1, n_2)
        What the slacks lack: -(g + h).
    rc : shape (n_1, n_2)
        What the products of multiplier and slack lack: their target - w g.
    b1, b2 : shape (n_1, n_y) and (n_2, n_y)
        The side of the system in lam and mu alone, after g and w have been eliminated.
    """

    r1: Matrix
    r2: Matrix
    rg: Matrix
    rc: Matrix
    b1: Matrix
    b2: Matrix


class Variables(NamedTuple):
    """The potentials of one source that Newton's method may change, numbered symbol by symbol.

    Attributes
    ----------
    support : shape (n_x, n_y)
        support[x, :number[x]] lists the y of the free potentials of x in increasing order.
    number, offset : shape (n_x,)
        How many x has, and the number of the first of them.
    """

    support: IntegerTable
    number: Integers
    offset: Integers


class System(NamedTuple):
    """The linear system of one Newton step; `newton` says how it is built and factored.

    Attributes
    ----------
    rows, columns : Variables
        The free lam and the free mu.
    n_lam, n_mu : int
        How many there are.
    partner : shape (n_1,)
        The x2 whose mu is added to the lam of an x1 to make its variable, -1 for none.
    blocks : shape (n_1, n_y, n_y)
        The lam-lam part, one block for each x1.
    coupling : shape (n_lam, n_mu) or larger
        The lam-mu part.
    schur : shape (n_mu, n_mu) or larger
        The mu-mu part, later its Schur complement.
    x1, x2 : shape (n_lam,) and (n_mu,) or longer
        Room for a right-hand side and its solution.
    room1, room2 : Vector
        Room for n_y numbers each, and room1 for n_mu.
    """

    rows: Variables
    columns: Variables
    n_lam: int
    n_mu: int
    partner: Integers
    blocks: Tensor
    coupling: Matrix
    schur: Matrix
    x1: Vector
    x2: Vector
    room1: Vector
    room2: Vector


class Coupling(NamedTuple):
    """A coupling with exact marginals, in factors: exp(log_a[x1, y] + log_b[x2, y]) W[x1, x2] + r c / sum_x1 r."""

    log_a: Matrix
    log_b: Matrix
    r: Matrix
    c: Matrix


class Shifts(NamedTuple):
    """How far the potentials of each x1 and of each x2 are lowered."""

    first: Vector
    second: Vector


class Newton(NamedTuple):
    """All the memory that the iteration works in; nothing in it outlives an iteration but `pace`.

    pace[0] is the least estimate of the gap so far, pace[1] how many iterations in a row have not halved it: inf and 0
    at a start.
    """

    system: System
    side: Side
    step: Step
    sums: Tables
    kappa: Matrix
    omega: Matrix
    mass1: Vector
    pace: Vector
