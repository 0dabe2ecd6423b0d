"""What an intersection information returns: a certified interval and the common variable that attains its lower end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pidkit.results import UnitResult, in_unit
from pidkit.types import FloatArray


@dataclass(frozen=True)
class IntersectionReport(UnitResult):
    """How an interval was obtained.

    Attributes
    ----------
    solver : str
        "closed form", "linear programs" or "local ascent".
    status : str
        "converged" (the gap is at most `tol`), or why the interval is wider: "max_iter", "time_limit",
        "size_limit" (the posterior has too many dimensions to price exactly) or "stalled": rounding decides, because
        whether a rare outcome is there at all changes the value, or two ways of computing a bound disagree.
    gap : float
        upper - lower, in `unit`.
    tol : float
        The gap asked for, in `unit`.
    residual : float
        How far the channel misses its constraints, as `residual_kind` says.
    residual_kind : str
        "total variation": the largest, over all outcomes however rare, for Griffith-Ho between P(Q|y,x_i) and P(Q|x_i),
        for Blackwell between the P(Q|y) that two sources give. "information", in `unit`, for the relaxation of
        Griffith-Ho: by how much I(Q;Y|X_i) exceeds what was allowed.
    iterations : int
    n_programs : int
        Linear programs solved.
    seconds : float
    unit : str
    """

    _information = ("gap", "tol")

    solver: str
    status: str
    gap: float
    tol: float
    residual: float
    residual_kind: str
    iterations: int
    n_programs: int
    seconds: float
    unit: str = "bits"

    def summary(self) -> str:
        """Return one line: the solver, its status, the certificate and the residual."""
        certified = f"certified gap {self.gap:.1e} {self.unit}"
        return f"{self.solver}, {self.status}: {certified}, residual {self.residual:.1e}"

    def _converted_fields(self, *, old: str, new: str) -> dict[str, Any]:
        """Return the fields that another unit changes; the residual is one where it is information."""
        changed = super()._converted_fields(old=old, new=new)
        if self.residual_kind == "information":
            changed["residual"] = in_unit(self.residual, old=old, new=new)
        return changed


@dataclass(frozen=True, repr=False)
class IntersectionResult(UnitResult):
    """An intersection information: lower <= value <= upper, and a common variable Q that attains `lower`.

    Attributes
    ----------
    measure : str
        "griffith-ho", "blackwell", "gacs-koerner" or "relaxed-griffith-ho".
    lower, upper : float
        In `unit`. `lower` is I(Q;Y) of the channel returned, `upper` a bound by linear programs, which allows for ten
        times what rounding of the masses was seen to change.
    is_exact : bool
        Whether the two agree within 1e-8 bits.
    common : ndarray, shape (n_q, n_y, n_x1, n_x2, ...), or None
        P(q | y, x1, x2, ...); None for "blackwell", which speaks of each source alone. Outcomes without mass get P(q).
    channels : tuple of ndarray, shapes (n_q, n_xi)
        P(q | x_i) for each source.
    unit : str
        "bits" or "nats".
    report : IntersectionReport
    """

    _information = ("lower", "upper", "report")

    measure: str
    lower: float
    upper: float
    is_exact: bool
    common: FloatArray | None
    channels: tuple[FloatArray, ...]
    unit: str
    report: IntersectionReport

    @property
    def value(self) -> float:
        """The information attained: `lower`, that of the channel returned; the exact one is at most `report.gap` more.

        Examples
        --------
        >>> import numpy as np
        >>> from pidkit.intersection import intersection_information
        >>> rdn = np.zeros((2, 2, 2)); rdn[[0, 1], [0, 1], [0, 1]] = 0.5
        >>> round(intersection_information(rdn).to("nats").value, 6)
        0.693147
        """
        return self.lower

    @property
    def n_q(self) -> int:
        """The number of values that the common variable takes."""
        return len(self.channels[0])

    def _caption(self) -> str:
        """Return the line above the table of a notebook."""
        return f"IntersectionResult ({self.measure}, {self.unit}): {self.report.summary()}"

    def __repr__(self) -> str:
        """Show the interval, the size of the common variable and how it was found."""
        value = f"{self.lower:.8f}" if self.is_exact else f"in [{self.lower:.8f}, {self.upper:.8f}]"
        return (
            f"IntersectionResult ({self.measure}, {self.unit})\n"
            f"  value {value}{' (exact)' if self.is_exact else ''}   n_q = {self.n_q}\n"
            f"  {self.report.summary()}"
        )
