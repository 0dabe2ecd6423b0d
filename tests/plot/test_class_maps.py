"""Class activation maps over images: which panels there are, scales by hand, and what is refused."""

from typing import Any

import numpy as np
import pytest

from pidkit.errors import InputError
from pidkit.plot import plot_class_maps

IMAGES = np.arange(2 * 3 * 4 * 4, dtype=float).reshape(2, 3, 4, 4)
MAPS = np.array([[[0.0, 2.0], [0.0, 4.0]], [[0.0, 0.0], [0.0, 0.0]]])


def test_images_stand_above_and_maps_below_with_their_maxima() -> None:
    ax: Any = plot_class_maps(IMAGES, {"teacher": MAPS, "student": MAPS[::-1]}, names=["cat", "dog"])
    panels = ax.figure.axes[:6]
    assert [panel.get_title() for panel in panels] == ["cat", "dog", "", "", "", ""]
    assert [panel.get_ylabel() for panel in panels[::2]] == ["image", "teacher", "student"]
    assert [panel.get_xlabel() for panel in panels[2:]] == ["max 4", "max 0", "max 0", "max 4"]
    assert [len(panel.images) for panel in panels] == [1, 1, 2, 1, 1, 2]
    shown = panels[0].images[0].get_array()
    np.testing.assert_allclose(shown, (IMAGES[0] / 47).transpose(1, 2, 0))
    over = panels[2].images[1]
    assert over.get_array().shape == (4, 4)
    assert (over.get_array().min(), over.get_array().max()) == (0.0, 1.0)
    np.testing.assert_allclose(over.get_array()[-1], [0.0, 0.25, 0.75, 1.0])  # halfway between the pixels of 0 and 1
    assert over.get_extent() == panels[0].images[0].get_extent()
    assert ax.figure.axes[6].get_ylabel() == "share of the map's maximum"


def test_grey_images_and_flat_ones() -> None:
    ax: Any = plot_class_maps(np.ones((2, 5, 5)), {"student": np.ones((2, 5, 5))})
    assert not np.asarray(ax.images[0].get_array()).any()


@pytest.mark.parametrize(
    ("images", "maps", "message"),
    [
        (np.ones((2, 2, 4, 4)), {"a": MAPS}, "images must be .* of one channel or three"),
        (np.full((2, 4, 4), np.nan), {"a": MAPS}, "images hold NaN"),
        (IMAGES, {}, "maps must hold those of at least one network"),
        (IMAGES, {"a": MAPS[:1]}, r"maps\['a'\] must have shape \(2, height, width\), not \(1, 2, 2\)"),
        (IMAGES, {"a": -MAPS}, r"maps\['a'\] holds a negative or infinite number"),
    ],
)
def test_what_cannot_be_drawn_is_refused(images: Any, maps: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        plot_class_maps(images, maps)
