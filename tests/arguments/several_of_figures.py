"""A call of every parameter of a figure that takes several values, with nothing else in it that could be refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import pidkit
from tests.arguments.doors import LABELS, PLANE, RECORDS, ROWS, TABLE
from tests.representations.table.layers import compared

SQUARES, WEIGHTS = np.ones((2, 3, 3)), {"a": [1.0], "b": [2.0]}


def figures() -> dict[str, Callable[[Any], Any]]:
    """Return the figures, which load matplotlib."""
    from pidkit import plot

    decoded = pidkit.representation_pid(labels=LABELS, x1=ROWS, x2=ROWS[::-1], decoder="knn")
    return {
        "accuracy_against_weight.accuracies": lambda value: plot.accuracy_against_weight(value),
        "accuracy_against_weight.baseline": lambda value: plot.accuracy_against_weight(
            {"RID": {1.0: [0.5]}}, baseline=value
        ),
        "accuracy_against_weight.chosen": lambda value: plot.accuracy_against_weight(
            {"RID": {1.0: [0.5]}}, chosen=value
        ),
        "accuracy_landscape.chosen": lambda value: plot.accuracy_landscape({"KD": [[[1]]]}, WEIGHTS, chosen=value),
        "accuracy_landscape.weights": lambda value: plot.accuracy_landscape({"KD": [[[0.5]]]}, value),
        "accuracy_over_epochs.epochs": lambda value: plot.accuracy_over_epochs({"KD": [[0.5]]}, epochs=value),
        "accuracy_against_time.accuracies": lambda value: plot.accuracy_against_time({"a": [0.1]}, value),
        "accuracy_against_time.seconds": lambda value: plot.accuracy_against_time(value, {"a": [0.1]}),
        "correlation_difference.names": lambda value: plot.correlation_difference(ROWS, {"a": ROWS}, names=value),
        "plot_class_maps.names": lambda value: plot.plot_class_maps(SQUARES, {"a": SQUARES}, names=value),
        "plot_transfer.accuracies": lambda value: plot.plot_transfer(value),
        "plot_transfer.chance": lambda value: plot.plot_transfer({"a": {"b": [0.5]}}, chance=value),
        "atoms_over_epochs.atoms": lambda value: plot.atoms_over_epochs(RECORDS, atoms=value),
        "atoms_over_epochs.pair": lambda value: plot.atoms_over_epochs(RECORDS, pair=value),
        "information_plane.layers": lambda value: plot.information_plane(PLANE, layers=value),
        "information_plane.networks": lambda value: plot.information_plane(PLANE, networks=value),
        "plot_atom_map.limits": lambda value: plot.plot_atom_map([[TABLE]], limits=value),
        "plot_atom_map.results": plot.plot_atom_map,
        "plot_atom_map.sources": lambda value: plot.plot_atom_map([[TABLE]], sources=value),
        "plot_atom_map.x1_names": lambda value: plot.plot_atom_map([[TABLE]], x1_names=value),
        "plot_atom_map.x2_names": lambda value: plot.plot_atom_map([[TABLE]], x2_names=value),
        "plot_atoms.sources": lambda value: plot.plot_atoms(TABLE, sources=value),
        "plot_atoms_beside.results": plot.plot_atoms_beside,
        "plot_atoms_beside.sources": lambda value: plot.plot_atoms_beside({"a": decoded, "b": decoded}, sources=value),
        "plot_atoms_over.atoms": lambda value: plot.plot_atoms_over([TABLE, TABLE], atoms=value),
        "plot_atoms_over.results": plot.plot_atoms_over,
        "plot_atoms_over.sources": lambda value: plot.plot_atoms_over([TABLE, TABLE], sources=value),
        "plot_atoms_over.x": lambda value: plot.plot_atoms_over([TABLE, TABLE], x=value),
        "plot_budget.sources": lambda value: plot.plot_budget(decoded, sources=value),
        "plot_atoms_along.atoms": lambda value: plot.plot_atoms_along(
            compared().select(x1="late", student="alone"), along="epoch", atoms=value
        ),
        "plot_atoms_along.sources": lambda value: plot.plot_atoms_along(
            compared().select(x1="late", student="alone"), along="epoch", sources=value
        ),
        "plot_maps_beside.results": plot.plot_maps_beside,
        "plot_maps_beside.sources": lambda value: plot.plot_maps_beside({"a": [[TABLE]]}, sources=value),
        "plot_maps_beside.x1_names": lambda value: plot.plot_maps_beside({"a": [[TABLE]]}, x1_names=value),
        "plot_maps_beside.x2_names": lambda value: plot.plot_maps_beside({"a": [[TABLE]]}, x2_names=value),
    }
