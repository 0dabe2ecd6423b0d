"""The atoms of one joint by every redundancy measure: one PIDResult each, and a table to read them side by side."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import numpy.typing as npt

from pidkit.arguments import items_of, one_of
from pidkit.errors import InputError
from pidkit.info import joint_mutual_information, mutual_information
from pidkit.intersection.closed_forms import mmi_redundancy, source_pairs, williams_beer_redundancy
from pidkit.intersection.information import intersection_information
from pidkit.intersection.split import check_time_limit
from pidkit.joint import check_joint
from pidkit.pid.atoms import atoms_of_redundancy
from pidkit.pid.decomposition import bivariate_pid
from pidkit.pid.result import ATOMS, PIDResult, SolverReport
from pidkit.pid.solvers.progress import ProgressOption
from pidkit.results import Row, UnitResult, cell
from pidkit.types import FloatArray, Measure, Unit
from pidkit.units import check_unit

MEASURES: tuple[Measure, ...] = get_args(Measure)
"""The measures that `compare` knows; the first five in their proven order of redundancy."""

COMPARISON_SECONDS = 5.0
"""Seconds that one intersection information may take in a comparison: the small joints of papers take milliseconds."""

_CLOSED_FORMS = {"mmi": mmi_redundancy, "williams-beer": williams_beer_redundancy}
"""The measures that need no solver."""


@dataclass(frozen=True, repr=False)
class Comparison(UnitResult):
    """Hold one decomposition a measure; printing it shows the table of atoms.

    Attributes
    ----------
    results : tuple of PIDResult
        In the order asked for; each names its measure and carries its certified gap.
    unit : str
    """

    _information = ("results",)

    results: tuple[PIDResult, ...]
    unit: str

    def __getitem__(self, measure: str) -> PIDResult:
        """Return the decomposition by one measure."""
        for result in self.results:
            if result.measure == measure:
                return result
        raise InputError(f"no measure {measure!r} here; there are {', '.join(r.measure for r in self.results)}")

    def _rows(self) -> Sequence[Row]:
        """Return one row a measure: the atoms and the certified gap."""
        return [
            {
                "": one.measure,
                **{name: cell(value) for name, value in one.atoms.items()},
                "gap": f"{one.report.gap:.1e}",
            }
            for one in self.results
        ]

    def __repr__(self) -> str:
        """Show one line a measure: the atoms and the certified gap."""
        head = f"{self.unit:<14}" + "".join(f"{name:>12}" for name in ATOMS) + f"{'gap':>10}"
        rows = [
            f"{result.measure:<14}"
            + "".join(f"{value + 0.0:>12.6f}" for value in result.atoms.values())
            + f"{result.report.gap:>10.1e}"
            for result in self.results
        ]
        return "\n".join([head, *rows])


def compare(
    p: npt.ArrayLike,
    *,
    measures: Sequence[Measure] = MEASURES,
    time_limit: float | None = COMPARISON_SECONDS,
    unit: Unit = "bits",
    progress: ProgressOption = None,
) -> Comparison:
    """Decompose I(Y; X1, X2) by several redundancy measures.

    With redundancy R of a measure:  unique_i = I(Y;X_i) - R,   synergy = I(Y;X1,X2) - I(Y;X1) - I(Y;X2) + R.

    Parameters
    ----------
    p : array_like, shape (n_y, n_x1, n_x2)
        Joint probabilities, target first.
    measures : sequence of str
        Among "gacs-koerner", "griffith-ho", "blackwell", "broja", "mmi" and "williams-beer": the names that the results
        carry in `PIDResult.measure`.
    time_limit : float, optional
        Seconds for each intersection information, None for no limit; where it ends one, the atoms are those of the
        lower end of its interval, and the gap says how far they can be off.
    unit : str
        "bits" or "nats".
    progress : callable, False or None
        As in `bivariate_pid` and `intersection_information`, for each measure in turn.

    Raises
    ------
    InputError
        If `p` is not a joint of two sources, or a measure or the unit is unknown. The page "Other measures, and three
        sources" of the documentation says why there are two, and which measures take more.

    Examples
    --------
    >>> import numpy as np
    >>> both = np.zeros((2, 2, 2)); both[[0, 0, 0, 1], [0, 0, 1, 1], [0, 1, 0, 1]] = 0.25
    >>> table = compare(both, measures=("griffith-ho", "mmi"))
    >>> round(table["griffith-ho"].redundancy, 6), round(table["mmi"].synergy, 6)
    (0.122556, 0.5)
    """
    unit = check_unit(unit)
    joint = check_joint(p)
    measures = [one_of("measures", measure, MEASURES) for measure in items_of("measures", measures)]
    time_limit = check_time_limit(time_limit)
    results = tuple(_decompose(joint, measure, time_limit, progress).to(unit) for measure in measures)
    return Comparison(results, unit)


def _decompose(p: FloatArray, measure: Measure, time_limit: float | None, progress: ProgressOption) -> PIDResult:
    """Decompose by one measure, in bits."""
    if measure == "broja":
        return bivariate_pid(p, check=False, progress=progress)
    began = time.perf_counter()
    if measure == "mmi" or measure == "williams-beer":
        redundancy = _CLOSED_FORMS[measure](p, unit="nats")
        seconds = time.perf_counter() - began
        report = SolverReport("closed form", "converged", 0.0, 0.0, 0.0, 0, seconds, "nats")
    else:
        result = intersection_information(p, measure=measure, time_limit=time_limit, unit="nats", progress=progress)
        redundancy = result.lower
        by = result.report
        of_marginals = by.residual if measure == "blackwell" else 0.0
        report = SolverReport(by.solver, by.status, by.gap, by.tol, of_marginals, by.iterations, by.seconds, "nats")
    mi_1, mi_2 = (mutual_information(pair) for pair in source_pairs(p))
    mi_joint = joint_mutual_information(p)
    atoms = atoms_of_redundancy(redundancy, mi_1=mi_1, mi_2=mi_2, mi_joint=mi_joint)
    return PIDResult(
        **dict(zip(ATOMS, atoms, strict=True)),
        mi_1=mi_1,
        mi_2=mi_2,
        mi_joint=mi_joint,
        unit="nats",
        report=report,
        measure=measure,
    )
