"""The market form of unique information: how much faster one source lets a gambler grow than the other.

With the posterior p_t of every symbol t of a source and K assets u_k, non-negative vectors over the classes,

    Uni(Y:T \\ S) = sup over U of  E h_U(p_T) - E h_U(p_S),    h_U(p) = max over w of sum_y p_y log sum_k w_k u_k(y),

w being weights that sum to one. h_U(p) is the growth rate of a Kelly gambler who believes p. It follows from BROJA's
dual: lam and mu are feasible where <u_t, v_s> <= 1 for all pairs, u_t = exp(lam(., t)) and v_s = exp(mu(., s)), and the
best v for a belief p against the assets U has sum_y p_y log v_y = -H(p) - h_U(p). Any market gives a lower bound.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pidkit.types import FloatArray

GROWTH_TOL = 1e-7
"""Nats; beliefs whose growth is certified this closely are set aside."""

GROWTH_ITERATIONS = 60
"""Newton steps; a belief that has not come within GROWTH_TOL by then keeps the bounds that it has."""

ADDED_AT_FIRST, FIRST_VALUE = 0.1, 0.8
"""What is added to every class of a belief for the first v, and what the dearest asset is worth then."""

BOLD_AIM, SAFE_AIM = 0.1, 0.5
"""What a step aims at, as a share of the mean product of slacks and multipliers: the less the further the last went."""

BACK_OFF = 0.98
"""Share of the way to the boundary that a step may go."""

FAR_FROM_IT = 100.0
"""Times the tolerance: while all products of slacks and multipliers sum to more, nothing is certified."""

LEAST_SLACK = 1e-30
"""The least slack and the least multiplier."""

CHUNK = 2_000_000
"""Entries of the Hessians that are held at a time."""

MOST_PRODUCTS = 20_000_000
"""Entries of the products of the assets' returns up to which they are computed once, and not for every belief."""


@dataclass(frozen=True)
class Growth:
    """Bounds of h_U(p) for many beliefs p, in nats.

    Attributes
    ----------
    weights : ndarray, shape (n, K)
        The portfolios that give `lower`.
    lower : ndarray, shape (n,)
        sum_y p_y log sum_k w_k u_k(y) of `weights`: what a feasible portfolio gives.
    upper : ndarray, shape (n,)
        lower + log max_k sum_y p_y u_k(y) / (w u)(y): no portfolio gives more (Cover 1984).
    """

    weights: FloatArray
    lower: FloatArray
    upper: FloatArray


def growth(beliefs: FloatArray, assets: FloatArray, tol: float = GROWTH_TOL) -> Growth:
    """Bound the growth rate h_U(p) = max_w sum_y p_y log sum_k w_k u_k(y) of every belief, from both sides.

    The dual problem, max sum_y p_y log v_y subject to <u_k, v> <= 1 for every asset, has one variable a class. It is
    solved for all beliefs at once by a primal-dual interior point; the multipliers of the constraints give the
    portfolio.

    Parameters
    ----------
    beliefs : ndarray, shape (n, C)
    assets : ndarray, shape (K, C)
        Non-negative; every class must be paid by some asset.
    tol : float
        Nats between the bounds to reach.

    Returns
    -------
    Growth
        Its bounds hold whatever the solver reached.

    References
    ----------
    Cover, An algorithm for maximizing expected log investment return, IEEE Trans. Inf. Theory 30(2), 1984.

    Examples
    --------
    >>> found = growth(np.array([[0.8, 0.2]]), np.eye(2))  # horse races: bet in proportion to the belief
    >>> found.weights.round(4), bool(found.upper[0] - found.lower[0] < 1e-6)
    (array([[0.8, 0.2]]), True)
    """
    parts = max(1, -(-len(beliefs) * assets.shape[1] ** 2 // CHUNK))
    found = [_solve(part, assets, tol) for part in np.array_split(beliefs, min(parts, len(beliefs)))]
    return Growth(*(np.concatenate([getattr(one, name) for one in found]) for name in ("weights", "lower", "upper")))


def _solve(beliefs: FloatArray, assets: FloatArray, tol: float) -> Growth:
    """Solve for a part of the beliefs by a primal-dual interior point: the multipliers of the slacks are portfolios.

    With slacks s = 1 - U v and multipliers w, a step solves p/v = U'w and w s = t to first order, in the scale of v.
    """
    n, n_classes = beliefs.shape
    weights = np.full((n, len(assets)), 1.0 / len(assets))
    lower, upper = _bounds(beliefs, assets, weights)
    # The best v is p over the best portfolio: from p over the mean asset, kept inside, it is one step less to there.
    v = (beliefs + ADDED_AT_FIRST) / assets.mean(0)
    v *= FIRST_VALUE / (v @ assets.T).max(1, keepdims=True)
    p, w, slack, active = beliefs, weights.copy(), 1.0 - v @ assets.T, np.arange(n)
    once = assets.size * n_classes <= MOST_PRODUCTS
    products = (assets[:, :, None] * assets[:, None, :]).reshape(len(assets), -1) if once else None
    diagonal, aim = np.arange(n_classes), np.full((n, 1), SAFE_AIM)
    gap = (w * slack).sum(1, keepdims=True)
    for iteration in range(GROWTH_ITERATIONS):
        t = aim * gap / len(assets)
        # A class that the belief rules out has no logarithm in the objective, only a barrier of its own.
        push = p + t / n_classes
        weighed = w / slack
        hessian = (
            (weighed[:, None, :] * assets.T) @ assets
            if products is None
            else (weighed @ products).reshape(-1, n_classes, n_classes)
        )
        hessian *= v[:, :, None] * v[:, None, :]
        hessian[:, diagonal, diagonal] += push
        slope = push - v * ((t / slack) @ assets)
        step = v * np.linalg.solve(hessian, slope[:, :, None])[:, :, 0]
        change = step @ assets.T
        turn = (t + w * change) / slack - w
        with np.errstate(divide="ignore"):
            room = np.minimum((slack / np.maximum(change, 0.0)).min(1), (v / np.maximum(-step, 0.0)).min(1))
            room_w = (w / np.maximum(-turn, 0.0)).min(1)
        size, size_w = (np.minimum(1.0, BACK_OFF * one)[:, None] for one in (room, room_w))
        v = v + size * step
        w = np.maximum(w + size_w * turn, LEAST_SLACK)
        slack = np.maximum(slack - size * change, LEAST_SLACK)
        gap = (w * slack).sum(1, keepdims=True)
        aim = np.clip((1.0 - np.minimum(size, size_w)) ** 2, BOLD_AIM, SAFE_AIM)
        if gap.min() > FAR_FROM_IT * tol and iteration + 1 < GROWTH_ITERATIONS:
            continue
        tried = w / w.sum(1, keepdims=True)
        low, high = _bounds(p, assets, tried)
        better = high - low < upper[active] - lower[active]
        rows = active[better]
        weights[rows], lower[rows], upper[rows] = tried[better], low[better], high[better]
        left = (upper - lower)[active] > tol
        if not left.any():
            break
        active = active[left]
        p, v, w, slack, gap, aim = (one[left] for one in (p, v, w, slack, gap, aim))
    return Growth(weights, lower, upper)


def _bounds(beliefs: FloatArray, assets: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return what portfolios give, and what no portfolio exceeds."""
    returns = weights @ assets
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(beliefs > 0.0, beliefs * np.log(returns), 0.0)
        ratios = np.where(beliefs > 0.0, beliefs / returns, 0.0)
    lower = logs.sum(1)
    return lower, lower + np.log(np.maximum((ratios @ assets.T).max(1), 1.0))
