"""The Gacs-Koerner common variable: the finest function that every source computes, by connected components."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pidkit.types import FloatArray, IntArray


def common_function(p: FloatArray) -> tuple[IntArray, ...]:
    """Find f_i with f_1(X1) = ... = f_k(Xk) almost surely, as fine as possible, from p[y, x1, ..., xk].

    Two symbols share a value if they occur together, and so on along chains: the values are the connected components
    of the graph that joins the symbols of each outcome with mass. Symbols without mass get -1.

    Returns
    -------
    tuple of ndarray of int, shapes (n_x1,), ..., (n_xk,)
        Values 0, ..., n_q - 1, numbered by first appearance in x1.

    References
    ----------
    Gacs & Koerner, Problems of Control and Information Theory 2(2), 1973; Wolf & Wullschleger, ITW 2004.

    Examples
    --------
    >>> import numpy as np
    >>> rdn = np.zeros((2, 2, 2)); rdn[[0, 1], [0, 1], [0, 1]] = 0.5
    >>> [values.tolist() for values in common_function(rdn)]
    [[0, 1], [0, 1]]
    """
    sources = p.sum(0)
    outcomes = np.nonzero(sources)
    starts = np.cumsum([0, *sources.shape])
    n = int(starts[-1])
    nodes = [start + symbols for start, symbols in zip(starts[:-1], outcomes, strict=True)]
    first = np.concatenate([nodes[0]] * len(nodes))
    other = np.concatenate(nodes)
    graph = coo_array((np.ones(len(first)), (first, other)), shape=(n, n))
    component = connected_components(graph, directed=False)[1].astype(np.int64)
    order, position = np.unique(component[nodes[0]], return_index=True)
    number = np.full(n, -1)
    number[order[np.argsort(position)]] = np.arange(len(order))
    has_mass = np.zeros(n, dtype=bool)
    has_mass[other] = True
    values = np.where(has_mass, number[component], -1)
    return tuple(values[starts[i] : starts[i + 1]] for i in range(sources.ndim))


def indicator_channel(values: IntArray) -> FloatArray:
    """Turn a function x -> values[x] into its channel P(q | x); a symbol without mass (-1) gets a uniform q.

    Examples
    --------
    >>> import numpy as np
    >>> indicator_channel(np.array([0, 1, 1])).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]]
    """
    n_q = int(values.max()) + 1
    channel = np.asarray(np.arange(n_q)[:, None] == values, dtype=np.float64)
    channel[:, values < 0] = 1.0 / n_q
    return channel
