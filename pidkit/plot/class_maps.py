"""Class activation maps of several networks over the images that they are of (SFKD, Fig. 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from scipy.ndimage import zoom

from pidkit.arguments import mapping_of
from pidkit.array_likes import plain_array
from pidkit.errors import InputError
from pidkit.plot.style import check_names
from pidkit.types import FloatArray

COLOURS = "inferno"
"""From dark to bright, in grey as well."""


def plot_class_maps(images: ArrayLike, maps: Mapping[str, ArrayLike], *, names: Sequence[str] | None = None) -> Axes:
    """Draw images in a row and, below, the class activation maps of every network over them.

    A map is brought to the size of the image by linear interpolation and lies over its grey picture, from dark and
    nearly transparent at 0 to bright at the map's own maximum, which is written below: the maps show where, and only
    the numbers how much. A map that is zero everywhere stays empty.

    Parameters
    ----------
    images : array, shape (n, height, width) or (n, channels, height, width)
        One channel or three; each image is scaled to its own extremes.
    maps : dict of str to array, shape (n, h, w)
        By network, not negative, such as `class_activation_maps` returns.
    names : sequence of str, optional
        Above the images, such as their classes.

    Returns
    -------
    Axes
        That of the first image.

    Raises
    ------
    InputError
        If the images have no such shape, there are no maps, or maps do not fit, are negative or not finite.

    Source: "Efficient knowledge distillation via salient feature masking", Fig. 3.

    Examples
    --------
    >>> ax = plot_class_maps(np.zeros((2, 8, 8)), {"student": np.eye(4)[None].repeat(2, 0)}, names=["cat", "dog"])
    >>> ax.get_title(), len(ax.figure.axes)
    ('cat', 5)
    """
    pictures = _checked_images(images)
    checked: dict[str, FloatArray] = {}
    for name, values in mapping_of("maps", maps).items():
        array = np.asarray(plain_array(values, f"maps[{name!r}]"), dtype=np.float64)
        if array.ndim != 3 or len(array) != len(pictures) or array.size == 0:
            raise InputError(f"maps[{name!r}] must have shape ({len(pictures)}, height, width), not {array.shape}")
        if not np.isfinite(array).all() or (array < 0.0).any():
            raise InputError(f"maps[{name!r}] holds a negative or infinite number; class activation maps have none")
        checked[str(name)] = array
    if not checked:
        raise InputError("maps must hold those of at least one network; it is empty")
    titles = [""] * len(pictures) if names is None else check_names(names, len(pictures), "names")
    height, width = pictures.shape[1:3]
    side = 1.35
    figure = Figure(
        figsize=(side * len(pictures) + 1.3, (side * height / width + 0.3) * (1 + len(checked)) + 0.4),
        layout="constrained",
    )
    panels = figure.subplots(1 + len(checked), len(pictures), squeeze=False)
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    for row, label in enumerate(["image", *checked]):
        for column, picture in enumerate(pictures):
            ax = panels[row, column]
            ax.set(xticks=[], yticks=[], title=titles[column] if row == 0 else "", ylabel="" if column else label)
            # Grey below a map, whose colours could be taken for the image's.
            shown = picture.mean(2) if row or picture.shape[2] == 1 else picture
            ax.imshow(shown, cmap="gray", vmin=0.0, vmax=1.0, extent=extent)
            if row:
                _draw_map_over(ax, checked[label][column], extent)
    bar = figure.colorbar(ScalarMappable(Normalize(0.0, 1.0), COLOURS), ax=panels[1:].ravel().tolist())
    bar.set_label("share of the map's maximum")
    first: Axes = panels[0, 0]
    return first


def _checked_images(images: ArrayLike) -> FloatArray:
    """Return images (n, height, width, channels), each from 0 to 1."""
    array = np.asarray(plain_array(images, "images"), dtype=np.float64)
    if array.ndim == 3:
        array = array[:, None]
    if array.ndim != 4 or array.size == 0 or array.shape[1] not in (1, 3):
        raise InputError(
            f"images must be (n, height, width) or (n, channels, height, width) of one channel or three, not of shape "
            f"{array.shape}"
        )
    if not np.isfinite(array).all():
        raise InputError("images hold NaN or infinite entries")
    low, high = array.min((1, 2, 3), keepdims=True), array.max((1, 2, 3), keepdims=True)
    shares: FloatArray = (array - low) / np.where(high > low, high - low, 1.0)
    return shares.transpose(0, 2, 3, 1)


def _draw_map_over(ax: Axes, values: FloatArray, extent: tuple[float, float, float, float]) -> None:
    """Draw one map over its image, and write its maximum."""
    most = float(values.max())
    if most > 0.0:
        height, width = int(extent[2] - extent[3]), int(extent[1] - extent[0])
        sizes = height / values.shape[0], width / values.shape[1]
        share = zoom(values / most, sizes, order=1, grid_mode=True, mode="nearest")
        ax.imshow(share, cmap=COLOURS, vmin=0.0, vmax=1.0, alpha=0.2 + 0.6 * share.clip(0.0, 1.0), extent=extent)
    ax.set_xlabel(f"max {most:.2g}", fontsize="small", labelpad=2)
