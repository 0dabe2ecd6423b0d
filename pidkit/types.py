"""The names of types that many signatures share, each defined once."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
"""Masses, potentials, rows of a layer: anything computed in double precision."""

IntArray = npt.NDArray[np.int64]
"""Codes and counts."""

AnyArray = npt.NDArray[Any]
"""An array of any dtype, such as one read from a file."""

Shape = tuple[int, ...]
"""The shape of one sample, without the axis that counts samples."""

Unit = Literal["bits", "nats"]
"""The units of information."""

SolverName = Literal["auto", "interior-point", "scaling", "conic"]
"""The solvers of BROJA's problem by name."""

IntersectionMeasure = Literal["griffith-ho", "blackwell", "gacs-koerner"]
"""The intersection informations, which a certified interval encloses."""

Measure = Literal["gacs-koerner", "griffith-ho", "blackwell", "broja", "mmi", "williams-beer"]
"""The measures of redundancy; the first five in their proven order."""

AtomName = Literal["redundancy", "unique_1", "unique_2", "synergy"]
"""The atoms of a decomposition with two sources."""

BiasCorrection = Literal["none", "miller-madow", "extrapolation", "shuffle"]
"""What is done about the bias of plug-in atoms."""

Certify = Literal["double", "strict"]
"""The arithmetic in which a certificate is proved: float64 with a margin for rounding, or 60 decimal digits."""

SolverStatus = Literal["converged", "max_iter", "stalled"]
"""How a solver of BROJA's problem ended: `converged` means that the certified gap is at most the tolerance."""
