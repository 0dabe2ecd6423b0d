"""Torch input to `solve_broja` and `solve_broja_batch`.

The pair marginals are copied to the CPU and checked there; then they go back to their device as float64 and are solved
there by "scaling", the only solver that runs on tensors.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

from array_api_compat import array_namespace, device, is_torch_array, to_device

from pidkit.errors import InputError
from pidkit.pid.array_math import Array
from pidkit.pid.solvers.problem import Candidate, Progress, Start
from pidkit.pid.solvers.scaling.solver import solve_scaling
from pidkit.types import FloatArray


@dataclass(frozen=True)
class TensorBackend:
    """The library and the device that the marginals came from, and that the solution goes back to."""

    library: ModuleType
    device: Any

    def put(self, array: FloatArray) -> Array:
        """Return the array as a float64 tensor on the device."""
        return self.library.asarray(array, dtype=self.library.float64, device=self.device)

    def solve(
        self,
        p_yx1: FloatArray,
        p_yx2: FloatArray,
        *,
        tol: float,
        max_iter: int | None = None,
        init: Start | None = None,
        progress: Progress | None = None,
    ) -> Candidate:
        """Solve on the device by scaling; see `pidkit.pid.solvers.problem.Solver`. The candidate holds tensors."""
        start = None if init is None else (self.put(init[0]), self.put(init[1]), self.put(init[2]))
        return solve_scaling(
            self.put(p_yx1), self.put(p_yx2), tol=tol, max_iter=max_iter, init=start, progress=progress
        )


def tensor_backend(p_yx1: object, p_yx2: object, *, solver: str) -> TensorBackend | None:
    """Return the library and device of two torch tensors, or None if they are to be read as arrays.

    Only "scaling" runs on tensors; "interior-point" and "conic" take arrays. "auto" stands for scaling if the tensors
    are on a device. If they are in the memory of the host, "auto" reads them as arrays, because the interior point is
    the better choice for most sizes.

    Raises
    ------
    InputError
        If only the first is a tensor, or the two are on different devices.
    """
    if solver not in ("auto", "scaling") or not is_torch_array(p_yx1):
        return None
    if solver == "auto" and str(device(p_yx1)) == "cpu":
        return None
    if not is_torch_array(p_yx2) or device(p_yx1) != device(p_yx2):
        where = f"on {device(p_yx2)}" if is_torch_array(p_yx2) else f"a {type(p_yx2).__name__}"
        raise InputError(
            f"p_yx1 and p_yx2 must be tensors on one device: p_yx1 is on {device(p_yx1)}, p_yx2 is {where}"
        )
    return TensorBackend(array_namespace(p_yx1), device(p_yx1))


def on_host(values: Any) -> Any:
    """Return a tensor, or a tuple of them, copied to the memory of the host. Return anything else as it is."""
    if isinstance(values, tuple):
        return tuple(on_host(part) for part in values)
    return to_device(values, "cpu") if is_torch_array(values) else values
