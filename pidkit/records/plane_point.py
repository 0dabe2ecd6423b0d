"""`PlanePoint`: one measured number of an information plane, with its error, its null and its cap."""

from __future__ import annotations

from dataclasses import dataclass

from pidkit.pid.result import ATOMS
from pidkit.results import UnitPart

ERRORS = ("low", "high", "at_limit")
"""The fields of a point that say how far a decoded number may be off."""

NUMBERS = ("value", "stderr", "null", "null_spread", "cap", *ERRORS)
"""The fields of a point that hold information, and change with the unit."""

WORDS = ("network", "layer", "quantity", "estimator", "kind")
"""The fields of a point that hold text."""

PLANE_QUANTITIES = ("mi_input", "mi_label")
"""The axes of the plane: I(X;F), what a layer keeps of the input, and I(F;Y), what it tells about the label."""

ATOM_QUANTITIES = (*ATOMS, "mi_1", "mi_2", "mi_joint")
"""What can be recorded beside them where two networks are tracked: the atoms, and the information that is read."""


@dataclass(frozen=True)
class PlanePoint(UnitPart):
    """One measured number: a quantity of one layer of one network at one step, by one estimator.

    Attributes
    ----------
    network : str
        For atoms, both names: "teacher & student".
    step : float
        Epoch, batch, or whatever the caller counts.
    layer : str
        Qualified name; for atoms, "<layer of the first> & <layer of the second>".
    quantity : str
        "mi_input" for I(X;F), "mi_label" for I(F;Y), or of a pair of layers an atom, "mi_1", "mi_2" or "mi_joint".
    estimator : str
    value : float
        In the unit of the trajectory.
    stderr : float or None
        Error of the value: over seeds, or the estimator's own where that is larger.
    null, null_spread : float or None
        Mean and standard deviation of the value under shuffled labels; no spread of a single shuffle.
    cap : float or None
        What the estimator cannot exceed, whatever the data.
    saturated : bool
        Whether the value has come so near to the estimator's cap that it says no more than that.
    kind : str
        What the number is: "plugin", "estimate", "lower_bound", "v_information", "atom", or "exact".
    warnings : tuple of str
        What the estimator had to say.
    low, high : float or None
        The 95 % interval of what decoders read, as `representation_pid` gives it.
    at_limit : float or None
        What decoders would read that were fitted to endless rows.
    """

    _information = NUMBERS

    network: str
    step: float
    layer: str
    quantity: str
    estimator: str
    value: float
    stderr: float | None = None
    null: float | None = None
    null_spread: float | None = None
    cap: float | None = None
    saturated: bool = False
    kind: str = "estimate"
    warnings: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    at_limit: float | None = None

    @property
    def key(self) -> tuple[str, float, str, str, str]:
        """The fields that identify a point: each is measured once."""
        return (self.network, self.step, self.layer, self.quantity, self.estimator)
