"""What an intersection information returns: a certified interval and the common variable that attains its lower end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from pidkit.types import FloatArray
from pidkit.units import check_unit, convert


@dataclass(frozen=True)
class IntersectionReport:
    """How an interval was obtained.

    Attributes
    ----------
    solver : str
        "closed form", "linear programs" or "local ascent".
    status : str
        "converged" (the gap is at most `tol`), or why the interval is wider: "max_iter", "time_limit",
        "size_limit" (the posterior has too many dimensions to price exactly) or "stalled" (rounding).
    gap : float
        upper - lower, in `unit`.
    tol : float
        The gap asked for, in `unit`.
    residual : float
        How far the channel misses its constraints: for Griffith-Ho the larger of I(Q;Y|X1) and I(Q;Y|X2) in nats, for
        its relaxation their excess over what was allowed; for Blackwell the largest total variation between the
        P(Y, Q) that two sources give.
    iterations : int
    n_programs : int
        Linear programs solved.
    seconds : float
    unit : str
    """

    solver: str
    status: str
    gap: float
    tol: float
    residual: float
    iterations: int
    n_programs: int
    seconds: float
    unit: str = "bits"

    def to(self, unit: str) -> IntersectionReport:
        """Return the same report in another unit."""
        gap, tol = (convert(value, old=self.unit, new=unit) for value in (self.gap, self.tol))
        return replace(self, gap=gap, tol=tol, unit=unit)


@dataclass(frozen=True, repr=False)
class IntersectionResult:
    """An intersection information: lower <= value <= upper, and a common variable Q that attains `lower`.

    Attributes
    ----------
    measure : str
        "griffith-ho", "blackwell", "gacs-koerner" or "relaxed-griffith-ho".
    lower, upper : float
        In `unit`. `lower` is I(Q;Y) of the channel returned, `upper` a proved bound.
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

    measure: str
    lower: float
    upper: float
    is_exact: bool
    common: FloatArray | None
    channels: tuple[FloatArray, ...]
    unit: str
    report: IntersectionReport

    @property
    def n_q(self) -> int:
        """The number of values that the common variable takes."""
        return len(self.channels[0])

    def to(self, unit: str) -> IntersectionResult:
        """Return the same result in another unit.

        Examples
        --------
        >>> import numpy as np
        >>> from pidkit.intersection import intersection_information
        >>> rdn = np.zeros((2, 2, 2)); rdn[[0, 1], [0, 1], [0, 1]] = 0.5
        >>> round(intersection_information(rdn).to("nats").lower, 6)
        0.693147
        """
        check_unit(unit)
        lower, upper = (convert(value, old=self.unit, new=unit) for value in (self.lower, self.upper))
        return replace(self, lower=lower, upper=upper, unit=unit, report=self.report.to(unit))

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain numbers, strings, lists and one nested dictionary."""
        fields = {name: getattr(self, name) for name in ("measure", "lower", "upper", "is_exact", "unit")}
        fields["common"] = None if self.common is None else self.common.tolist()
        fields["channels"] = [channel.tolist() for channel in self.channels]
        fields["report"] = dict(vars(self.report))
        return fields

    def __repr__(self) -> str:
        """Show the interval, the size of the common variable and how it was found."""
        report = self.report
        value = f"{self.lower:.8f}" if self.is_exact else f"in [{self.lower:.8f}, {self.upper:.8f}]"
        return (
            f"IntersectionResult ({self.measure}, {self.unit})\n"
            f"  value {value}{' (exact)' if self.is_exact else ''}   n_q = {self.n_q}\n"
            f"  {report.solver}, {report.status}: certified gap {report.gap:.1e} {report.unit}, "
            f"residual {report.residual:.1e}"
        )
