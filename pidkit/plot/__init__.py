"""Figures: atoms of decompositions, where the bits went, maps of layers, the information plane, and distillation.

Every function takes results, which know their unit, and returns the Axes drawn on; `sources` are the names of x1 and
x2, such as ("teacher", "student"). Without `ax` a new figure is made that pyplot does not know of: save it with
`save_figure`, show `ax.figure` in a notebook, or pass `plt.subplots(layout="constrained")[1]`; functions that draw
several panels make their own. Colours run from dark to light and are hatched, so that a print in grey can be read.
"""

from pidkit.plot.accuracy import accuracy_over_epochs
from pidkit.plot.along import plot_atoms_along
from pidkit.plot.atoms import plot_atoms, plot_atoms_over
from pidkit.plot.beside import plot_atoms_beside
from pidkit.plot.budget import plot_budget
from pidkit.plot.class_maps import plot_class_maps
from pidkit.plot.correlations import correlation_difference
from pidkit.plot.distillation import accuracy_against_weight, atoms_over_epochs
from pidkit.plot.embedding import plot_embedding
from pidkit.plot.inference import accuracy_against_time
from pidkit.plot.landscape import accuracy_landscape
from pidkit.plot.live import live_atoms
from pidkit.plot.maps import plot_atom_map, plot_maps_beside
from pidkit.plot.pictures import PICTURE_FORMATS, check_picture_name, save_figure
from pidkit.plot.plane import information_plane
from pidkit.plot.style import STYLE
from pidkit.plot.transfer import plot_transfer

__all__ = [
    "PICTURE_FORMATS",
    "STYLE",
    "accuracy_against_time",
    "accuracy_against_weight",
    "accuracy_landscape",
    "accuracy_over_epochs",
    "atoms_over_epochs",
    "check_picture_name",
    "correlation_difference",
    "information_plane",
    "live_atoms",
    "plot_atom_map",
    "plot_atoms",
    "plot_atoms_along",
    "plot_atoms_beside",
    "plot_atoms_over",
    "plot_budget",
    "plot_class_maps",
    "plot_embedding",
    "plot_maps_beside",
    "plot_transfer",
    "save_figure",
]
