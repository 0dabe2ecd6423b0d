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
