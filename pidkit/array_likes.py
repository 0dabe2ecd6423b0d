"""What callers pass as arrays, read in one way: torch tensors, masked arrays, bfloat16, and lists of them.

- A tensor is read by its values, wherever it lies and whether or not it requires a gradient.
- numpy has no bfloat16 and no float8; such values are widened to float32, which holds them exactly.
- A masked entry is no value. An array with any is refused, because numpy would read through the mask.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pidkit.errors import InputError
from pidkit.types import AnyArray

BFLOAT16_EPS = 2.0**-7
"""The distance from 1 to the next number of bfloat16."""


def plain_array(values: object, name: str) -> AnyArray:
    """Return array-like values as a plain array of numpy in the dtype they have, without a copy where that is possible.

    Raises
    ------
    InputError
        If an entry is masked, an array of scipy is sparse, or a tensor is sparse, quantised or without values.
    ValueError, TypeError
        What numpy raises where the values make no array, such as ragged lists.

    Examples
    --------
    >>> plain_array(np.ma.masked_less([3.0, -1.0], 0.0), "x1")
    Traceback (most recent call last):
    pidkit.errors.InputError: x1 has 1 masked entry, which is no value; drop such samples, or fill it with .filled(...)
    """
    if is_tensor(values):
        return _array_of_tensor(values, name)
    if type(values).__module__.startswith("scipy.sparse"):
        raise InputError(f"{name} must be a dense array, and is sparse; pass its .toarray()")
    if np.ma.isMaskedArray(values):
        _refuse_masked(values, name)
    elif isinstance(values, (list, tuple)) and any(is_tensor(item) or np.ma.isMaskedArray(item) for item in values):
        values = [plain_array(item, f"{name}[{i}]") for i, item in enumerate(values)]
    array = np.asarray(values)
    if array.dtype.kind == "V" and array.dtype.name.startswith(("bfloat16", "float8")):  # of ml_dtypes, as in JAX
        array = array.astype(np.float32)
    return array


def is_tensor(values: object) -> bool:
    """Return whether values are a torch tensor, judged by the name of their class so that torch is not imported."""
    return any(c.__module__ == "torch" and c.__name__ == "Tensor" for c in type(values).__mro__)


def rounding_of(values: object) -> float:
    """Return the machine epsilon of the floating type that values come in; whatever is no float counts as float64.

    Examples
    --------
    >>> rounding_of(np.ones(2, dtype=np.float32)) == 2.0**-23, rounding_of([0.5, 0.5]) == 2.0**-52
    (True, True)
    """
    dtype = getattr(values, "dtype", None)
    if "bfloat16" in str(dtype):
        return BFLOAT16_EPS
    short = str(dtype).removeprefix("torch.")
    return float(np.finfo(short if short in ("float16", "float32") else "float64").eps)


def _refuse_masked(values: Any, name: str) -> None:
    """Raise InputError if any entry is masked."""
    if hidden := int(np.ma.getmaskarray(values).sum()):
        what, them = ("entry, which is no value", "it") if hidden == 1 else ("entries, which are no values", "them")
        raise InputError(f"{name} has {hidden} masked {what}; drop such samples, or fill {them} with .filled(...)")


def _array_of_tensor(tensor: Any, name: str) -> AnyArray:
    """Return the values of a dense tensor."""
    if str(tensor.layout) != "torch.strided" or tensor.is_meta or tensor.is_quantized:
        raise InputError(
            f"{name} must be a dense tensor that holds its values; call .to_dense() or .dequantize() first"
        )
    if tensor.is_floating_point() and tensor.element_size() < 4:
        tensor = tensor.detach().float()  # numpy has no bfloat16 and no float8
    array: AnyArray = tensor.numpy(force=True)  # detaches, moves to the CPU, resolves lazy views
    return array
