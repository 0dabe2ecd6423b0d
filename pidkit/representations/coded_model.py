"""The joint of codes that posteriors imply when they are taken at their word, and its BROJA solution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from pidkit.errors import InputError, SolverError
from pidkit.pid.broja import solve_broja
from pidkit.pid.solution import BROJASolution
from pidkit.types import FloatArray, IntArray

MODEL_TOL = 1e-6
"""Bits; the gap that the solution of the codes is asked for. Its bounds are valid whatever it reaches."""

FREQUENCY_TOL = 1e-12
"""How closely the mean posterior comes to the frequencies of the classes."""

TILT_STEPS = 200
"""Newton steps at most to reach FREQUENCY_TOL."""

LARGEST_TILT = 1.0
"""Nats that one of these steps may change a log posterior by."""


@dataclass(frozen=True)
class CodedModel:
    """Posteriors of two layers that agree on the frequencies of the classes, their codes, and BROJA's solution.

    Attributes
    ----------
    p_y : ndarray, shape (C,)
    posteriors_1, posteriors_2 : ndarray, shape (n, C)
        With mean p_y.
    codes_1, codes_2 : ndarray of int, shape (n,)
    centroids_1, centroids_2 : ndarray, shape (number of codes, C)
        The mean posterior of every code.
    solution : BROJASolution
        Of P(y, code) = mean of the posteriors of the rows with that code, in nats.
    """

    p_y: FloatArray
    posteriors_1: FloatArray
    posteriors_2: FloatArray
    codes_1: IntArray
    codes_2: IntArray
    centroids_1: FloatArray
    centroids_2: FloatArray
    solution: BROJASolution


def coded_model(
    posteriors_1: FloatArray, posteriors_2: FloatArray, codes_1: IntArray, codes_2: IntArray, p_y: FloatArray
) -> CodedModel:
    """Return the model of two layers' posteriors and codes, after `with_frequencies` made both agree on P(y).

    BROJA's problem needs one P(y). Calibrated posteriors of two layers differ in their means by sampling error.

    Parameters
    ----------
    posteriors_1, posteriors_2 : ndarray, shape (n, C)
        Calibrated, none of them zero.
    codes_1, codes_2 : ndarray of int, shape (n,)
        Ranks 0, 1, ... without gaps, such as `posterior_codes` returns.
    p_y : ndarray, shape (C,)
        The frequencies of the classes.

    Raises
    ------
    InputError
        If the shapes do not fit each other.

    Examples
    --------
    >>> sure, unsure = np.array([[0.9, 0.1], [0.1, 0.9]]), np.array([[0.6, 0.4], [0.4, 0.6]])
    >>> model = coded_model(sure, unsure, np.array([0, 1]), np.array([0, 1]), np.array([0.5, 0.5]))
    >>> round(model.solution.unique_2, 6) + 0.0
    0.0
    """
    n = len(posteriors_1)
    if posteriors_2.shape != posteriors_1.shape or p_y.shape != posteriors_1.shape[1:]:
        raise InputError(
            "posteriors_1, posteriors_2 and p_y must have shapes (n, C), (n, C) and (C,), not "
            f"{posteriors_1.shape}, {posteriors_2.shape} and {p_y.shape}"
        )
    if codes_1.shape != (n,) or codes_2.shape != (n,):
        raise InputError(
            f"codes_1 and codes_2 must hold one code a row; they have shapes {codes_1.shape} and {codes_2.shape} "
            f"for {n} rows"
        )
    q_1, q_2 = with_frequencies(posteriors_1, p_y), with_frequencies(posteriors_2, p_y)
    tables = [_table(q, codes) for q, codes in ((q_1, codes_1), (q_2, codes_2))]
    solution = solve_broja(*tables, tol=MODEL_TOL, unit="nats", check=False, progress=False)
    centroids = [(table / table.sum(0)).T for table in tables]
    return CodedModel(p_y, q_1, q_2, codes_1, codes_2, centroids[0], centroids[1], solution)


def with_frequencies(posteriors: FloatArray, p_y: FloatArray) -> FloatArray:
    """Return softmax(log q + theta) with the one vector theta that makes the mean posterior p_y.

    Of all joints of rows and classes with these margins it is the closest to the posteriors in KL divergence.

    Raises
    ------
    SolverError
        If the mean does not come within FREQUENCY_TOL of p_y.

    Examples
    --------
    >>> with_frequencies(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0.5, 0.5])).mean(0).round(9)
    array([0.5, 0.5])
    """
    logs, theta = np.log(posteriors), np.zeros(p_y.size)
    for _ in range(TILT_STEPS):
        q = np.asarray(softmax(logs + theta, axis=1))
        mean = q.mean(0)
        off = mean - p_y
        if float(np.abs(off).max()) <= FREQUENCY_TOL:
            return q
        # The same number added to all of theta changes nothing: ones make the Hessian regular.
        hessian = np.diag(mean) - q.T @ q / len(q) + 1.0 / p_y.size**2
        step = np.linalg.solve(hessian, off)
        theta -= step * min(1.0, LARGEST_TILT / float(np.abs(step).max()))
    raise SolverError(
        f"the mean posterior stayed {float(np.abs(off).max()):.1e} away from the frequencies of the classes; "
        "mix a little of the uniform distribution into posteriors this close to 0 and 1"
    )


def _table(q: FloatArray, codes: IntArray) -> FloatArray:
    """Return P(y, code) of posteriors."""
    table = np.zeros((int(codes.max()) + 1, q.shape[1]))
    np.add.at(table, codes, q)
    return np.asarray(table.T / table.sum())
