"""Arithmetic over all pairs (x1, x2): conditionals, marginals, and the Hessian as an operator."""

from __future__ import annotations

import numpy as np

from pidkit.pid.solvers._kernels.arrays import Integers, Matrix, Model, State, Step, Tables, Tensor
from pidkit.pid.solvers._kernels.compiling import kernel


@kernel()
def fill(x: Matrix, value: float) -> None:
    """Set every entry of a matrix. (Loops compile in a tenth of the time that numba needs for slices.)"""
    for i in range(x.shape[0]):
        for k in range(x.shape[1]):
            x[i, k] = value


@kernel()
def copy(x: Matrix, out: Matrix) -> None:
    """Copy a matrix."""
    for i in range(x.shape[0]):
        for k in range(x.shape[1]):
            out[i, k] = x[i, k]


@kernel()
def evaluate(state: State, model: Model, sums: Tables, room: Tables) -> None:
    """Fill the model (pi and h) of the potentials, and the pair marginals of w pi.

    Parameters
    ----------
    state : State
    model : Model
        Filled.
    sums : Tables
        Filled with sum_x2 w pi and sum_x1 w pi.
    room : Tables
        Overwritten.
    """
    active, lam, mu, w, _ = state
    pi, h = model
    n_1, n_2, n_y = pi.shape
    for i in range(n_1):
        for y in range(n_y):
            room.first[i, y] = np.exp(lam[i, y])
            sums.first[i, y] = 0.0
    for j in range(n_2):
        for y in range(n_y):
            room.second[j, y] = np.exp(mu[j, y])
            sums.second[j, y] = 0.0
    for i in range(n_1):
        for j in range(n_2):
            h[i, j] = 0.0
            if not active[i, j]:
                for y in range(n_y):
                    pi[i, j, y] = 0.0
                continue
            total = 0.0
            for y in range(n_y):
                pi[i, j, y] = room.first[i, y] * room.second[j, y]
                total += pi[i, j, y]
            if 1e-200 < total < 1e200:
                h[i, j] = np.log(total)
            else:  # the exponentials left the range of a double: take the largest exponent out first
                top = -np.inf
                for y in range(n_y):
                    top = max(top, lam[i, y] + mu[j, y])
                total = 0.0
                for y in range(n_y):
                    pi[i, j, y] = np.exp(lam[i, y] + mu[j, y] - top)
                    total += pi[i, j, y]
                h[i, j] = np.log(total) + top
            scale, weight = 1.0 / total, w[i, j]
            for y in range(n_y):
                part = pi[i, j, y] * scale
                pi[i, j, y] = part
                sums.first[i, y] += weight * part
                sums.second[j, y] += weight * part


@kernel()
def hessian_times(pi: Tensor, w: Matrix, kappa: Matrix, partner: Integers, step: Step, out: Tables) -> None:
    """Compute the Hessian times (step.lam, step.mu) without the matrix, and on the way what `pair_means` computes.

    The Hessian is the sum over pairs of w diag(pi) + kappa pi pi'; see `newton`.
    """
    n_1, n_2, n_y = pi.shape
    fill(out.first, 0.0)
    fill(out.second, 0.0)
    for i in range(n_1):
        for j in range(n_2):
            step.h[i, j] = 0.0
            if w[i, j] == 0.0:
                continue
            total, weight = 0.0, w[i, j]
            if j == partner[i]:
                for y in range(n_y):
                    total += pi[i, j, y] * step.joint[i, y]
            else:
                for y in range(n_y):
                    total += pi[i, j, y] * (step.lam[i, y] + step.mu[j, y])
            step.h[i, j] = total
            total *= kappa[i, j]
            for y in range(n_y):
                change = step.joint[i, y] if j == partner[i] else step.lam[i, y] + step.mu[j, y]
                term = pi[i, j, y] * (weight * change + total)
                out.first[i, y] += term
                out.second[j, y] += term


@kernel()
def pair_means(pi: Tensor, partner: Integers, step: Step) -> None:
    """Fill step.h, the change of h to first order: sum_y pi (step.lam + step.mu) for every pair.

    For partners the sum in brackets is step.joint to its last digit, which a slack of 1e-11 takes.
    """
    n_1, n_2, n_y = pi.shape
    for i in range(n_1):
        p = partner[i]
        for j in range(n_2):
            total = 0.0
            for y in range(n_y):
                total += pi[i, j, y] * (step.lam[i, y] + step.mu[j, y])
            step.h[i, j] = total
        if p >= 0:
            step.h[i, p] = 0.0
            for y in range(n_y):
                step.h[i, p] += pi[i, p, y] * step.joint[i, y]
