"""The names of types that many signatures share, each defined once."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
"""Masses, potentials, rows of a layer: anything computed in double precision."""

IntArray = npt.NDArray[np.int64]
"""Codes and counts."""

Unit = Literal["bits", "nats"]
"""The units of information."""

SolverName = Literal["auto", "interior-point", "scaling", "conic"]
"""The solvers of BROJA's problem by name."""
