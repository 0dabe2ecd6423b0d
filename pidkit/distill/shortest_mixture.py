"""The shortest convex mixture of a few vectors, no weight above a cap: the direction in which all losses fall."""

from __future__ import annotations

import numpy as np

from pidkit.types import FloatArray


def shortest_mixture(products: FloatArray, cap: float, *, max_iter: int = 2000) -> FloatArray:
    """Return the a that minimises a' G a over sum a = 1, 0 <= a <= cap, G the inner products of a few vectors.

    By pairwise steps, as in sequential minimal optimisation: mass moves from the entry of the largest slope to that of
    the smallest, until no pair can improve by more than 1e-9 of the largest product.

    Examples
    --------
    >>> shortest_mixture(np.array([[1.0, 0.0], [0.0, 4.0]]), 1.0).round(6).tolist()  # 4 : 1
    [0.8, 0.2]
    >>> shortest_mixture(np.array([[1.0, 0.0], [0.0, 4.0]]), 0.6).round(6).tolist()
    [0.6, 0.4]
    """
    m = len(products)
    a = np.full(m, 1.0 / m)
    small = 1e-9 * float(np.max(np.abs(products), initial=0.0))
    for _ in range(max_iter):
        slopes = products @ a
        down = int(np.argmax(np.where(a > 0.0, slopes, -np.inf)))
        up = int(np.argmin(np.where(a < cap, slopes, np.inf)))
        if slopes[down] - slopes[up] <= small:
            break
        curvature = products[down, down] + products[up, up] - 2.0 * products[down, up]
        most = min(a[down], cap - a[up])
        step = min(most, (slopes[down] - slopes[up]) / curvature) if curvature > 0.0 else most
        a[down], a[up] = max(a[down] - step, 0.0), min(a[up] + step, cap)
    return a
