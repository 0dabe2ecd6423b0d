"""Maps that are compared: one colour scale, named readings, and limits that hold all values."""

import warnings
from typing import Any

import numpy as np
import pytest

from pidkit import InputError, PidkitWarning, bivariate_pid, gate, representation_pid
from pidkit.plot import plot_atom_map, plot_maps_beside

AND, XOR, COPY = (bivariate_pid(gate(name).joint) for name in ("AND", "XOR", "COPY"))


def test_a_map_is_coloured_by_the_limits_it_is_given() -> None:
    image = plot_atom_map([[AND, COPY]], atom="unique_1", limits=(-1.0, 3.0)).images[0]
    assert image.get_clim() == (-1.0, 3.0)


def test_maps_beside_share_one_colour_scale_and_one_bar() -> None:
    rows = {"linear": [[AND, XOR], [AND, AND]], "mlp": [[COPY, XOR], [AND, COPY]]}
    ax: Any = plot_maps_beside(
        rows, atom="unique_1", x1_names=["conv", "fc"], x2_names=["a", "b"], sources=("teacher", "student")
    )
    first, second, bar = ax.figure.axes
    assert ax is first
    for panel, (title, results) in zip((first, second), rows.items(), strict=True):
        np.testing.assert_array_equal(panel.images[0].get_array(), [[r.unique_1 for r in row] for row in results])
        assert panel.images[0].get_clim() == (0.0, COPY.unique_1)
        assert (panel.get_title(), panel.get_xlabel()) == (title, "student")
        assert [tick.get_text() for tick in panel.get_xticklabels()] == ["a", "b"]
    assert (first.get_ylabel(), second.get_ylabel()) == ("teacher", "")
    assert [tick.get_text() for tick in first.get_yticklabels()] == ["conv", "fc"]
    assert bar.get_ylabel() == "teacher only (bits)"


def test_maps_of_decoded_layers_say_whose_reading_they_are() -> None:
    labels = np.arange(60) % 2
    layer = labels[:, None] + np.random.default_rng(0).normal(size=(60, 2))
    with warnings.catch_warnings(category=PidkitWarning, action="ignore"):
        linear, knn = (
            [[representation_pid(labels=labels, x1=layer, x2=layer[:, :1], decoder=name, folds=2)]]
            for name in ("linear", "knn")
        )
    one: Any = plot_atom_map(linear)
    assert one.images[0].colorbar.ax.get_ylabel() == "redundancy (bits),\ndecoder: linear"
    both: Any = plot_maps_beside({"linear": linear, "knn": knn})
    assert both.figure.axes[-1].get_ylabel().startswith("redundancy (bits),\nas each decoder reads it")


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (
            lambda: plot_atom_map([[COPY]], atom="unique_1", limits=(0.0, 0.5)),
            "limits must hold all values, .* to 0.88",
        ),
        (lambda: plot_atom_map([[COPY]], limits=(1.0, 0.0)), "limits must be two numbers, the lower first"),
        (lambda: plot_atom_map([[COPY]], limits=(1.0,)), "limits must be two numbers, the lower first"),  # type: ignore[arg-type]
        (lambda: plot_atom_map([[COPY]], limits=(0.0, "2")), "every limit in limits must be a finite number"),  # type: ignore[arg-type]
        (lambda: plot_maps_beside({}), r"results must be at least one map, all of one shape; they have \[\]"),
        (
            lambda: plot_maps_beside({"a": [[AND]], "b": [[AND, AND]]}),
            r"shape; they have \[\(1, 1\), \(1, 2\)\]",
        ),
        (lambda: plot_maps_beside({"a": [AND]}), r"results\['a'\] must be rows of results"),  # type: ignore[list-item]
        (lambda: plot_maps_beside({"a": [[AND]], "b": [[AND.to("nats")]]}), "not bits and nats"),
    ],
)
def test_refusals(draw: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        draw()
