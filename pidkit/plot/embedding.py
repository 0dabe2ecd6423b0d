"""Layers as points in a plane by t-SNE, coloured by class (SFKD, Fig. 4 and 7)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from pidkit.arguments import Rng, integer_seed, mapping_of, real_number, whole_number
from pidkit.array_likes import plain_array
from pidkit.errors import InputError
from pidkit.labels import read_symbols
from pidkit.plot.plane import MARKERS, NETWORK_COLOURS
from pidkit.types import FloatArray, IntArray

NEAREST_ROWS = 10
"""Neighbours that vote on the class of a row, for the number above a panel."""

MOST_CLASSES = 14
"""Classes that markers and colours, filled and open, can tell apart."""


def plot_embedding(
    features: Mapping[str, ArrayLike],
    labels: ArrayLike,
    *,
    perplexity: float = 30.0,
    n_pca: int = 50,
    rng: Rng = 0,
) -> Axes:
    """Draw every layer's rows as points in a plane by t-SNE, one panel a layer, one colour and marker a class.

    t-SNE keeps neighbours and nothing else: distances between clusters, their sizes and their places mean nothing, and
    another seed gives another picture. So each panel says how many rows have the class of most of their 10 nearest
    other rows in the layer itself, a number that no plane has touched.

    Parameters
    ----------
    features : dict of str to array, shape (n, d)
        By title, such as ``{"teacher": ..., "student": ...}``; flattened layers as `collect_features` returns them. The
        same n rows in each; a few hundred to a few thousand are readable.
    labels : array, shape (n,)
        At most 14 classes.
    perplexity : float
        Effective number of neighbours, above 1 and below n.
    n_pca : int
        Principal components that t-SNE sees, where a layer has more entries, as is customary.
    rng : int or numpy.random.Generator
        Seeds t-SNE, each layer alike.

    Returns
    -------
    Axes
        The first panel.

    Raises
    ------
    InputError
        If there is nothing to draw, rows and labels do not fit, there are too many classes, or an option is out of its
        range.

    Source: van der Maaten and Hinton, "Visualizing data using t-SNE", JMLR 9, 2008; "Efficient knowledge distillation
    via salient feature masking", Fig. 4 and 7.

    Examples
    --------
    >>> rows = np.random.default_rng(0).normal(size=(40, 3)) + 9.0 * np.eye(3)[np.arange(40) % 2]
    >>> ax = plot_embedding({"student": rows}, np.arange(40) % 2, perplexity=10.0)
    >>> ax.get_title()
    'student\\nright by 10 neighbours: 100 %'
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    layers = _checked_layers(features)
    n = len(next(iter(layers.values())))
    symbols = read_symbols(labels, "labels")
    if len(symbols) != n:
        raise InputError(f"labels must have one entry a row, {n}, not {len(symbols)}")
    classes, codes = np.unique(symbols, return_inverse=True)
    if len(classes) > MOST_CLASSES:
        raise InputError(
            f"labels have {len(classes)} classes, and {MOST_CLASSES} can be told apart; draw fewer of them"
        )
    perplexity = real_number("perplexity", perplexity, above=1.0, below=float(n))
    n_pca, seed = whole_number("n_pca", n_pca, least=2), integer_seed(rng)
    figure = Figure(figsize=(3.1 * len(layers) + 1.1, 3.6), layout="constrained")
    panels = figure.subplots(1, len(layers), squeeze=False)[0]
    for ax, (title, rows) in zip(panels, layers.items(), strict=True):
        seen = PCA(n_pca, random_state=seed).fit_transform(rows) if min(rows.shape) > n_pca else rows
        plane = TSNE(perplexity=perplexity, init="pca" if seen.shape[1] > 1 else "random", random_state=seed)
        points = plane.fit_transform(seen)
        for number, name in enumerate(classes):
            of_class = points[codes == number]
            colour = NETWORK_COLOURS[number % len(NETWORK_COLOURS)]
            # Where the colours begin again, open markers: filled and open ones of a colour are told apart.
            open_ones = (number // len(NETWORK_COLOURS)) % 2 == 1
            ax.plot(
                *of_class.T,
                MARKERS[number % len(MARKERS)],
                color=colour,
                markersize=4.5,
                markeredgewidth=1.0 if open_ones else 0.3,
                markerfacecolor="white" if open_ones else colour,
                markeredgecolor=colour if open_ones else "white",
                label=str(name),
            )
        ax.set(
            xticks=[],
            yticks=[],
            title=f"{title}\nright by {NEAREST_ROWS} neighbours: {100 * _agreement(rows, codes):.0f} %",
        )
        ax.title.set_fontsize("medium")
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside right upper", fontsize="small", title="class")
    first: Axes = panels[0]
    return first


def _checked_layers(features: object) -> dict[str, FloatArray]:
    """Return the rows of every layer, in double precision."""
    layers: dict[str, FloatArray] = {}
    for title, values in mapping_of("features", features).items():
        rows = np.asarray(plain_array(values, f"features[{title!r}]"), dtype=np.float64)
        if rows.ndim != 2 or rows.size == 0 or not np.isfinite(rows).all():
            raise InputError(f"features[{title!r}] must be finite rows (n, d), not of shape {rows.shape}")
        layers[str(title)] = rows
    if not layers:
        raise InputError("features must hold at least one layer; it is empty")
    lengths = {title: len(rows) for title, rows in layers.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(f"features must have the same rows in every layer, not {lengths}")
    if next(iter(lengths.values())) <= NEAREST_ROWS:
        raise InputError(f"features have {next(iter(lengths.values()))} rows; draw more than {NEAREST_ROWS}")
    return layers


def _agreement(rows: FloatArray, codes: IntArray) -> float:
    """Return the share of rows that have the class of most of their nearest other rows."""
    from sklearn.neighbors import NearestNeighbors

    # Without an argument the search leaves out the row itself.
    nearest = NearestNeighbors(n_neighbors=NEAREST_ROWS).fit(rows).kneighbors(return_distance=False)
    votes = np.eye(int(codes.max()) + 1)[codes[nearest]].sum(1)
    return float((votes.argmax(1) == codes).mean())
