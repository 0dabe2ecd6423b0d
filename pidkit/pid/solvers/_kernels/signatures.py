"""The numba signature that the annotations of a kernel say."""

from __future__ import annotations

from types import FunctionType, NoneType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from numba import types
from numba.core.typing.templates import Signature, signature

SCALARS = {float: types.float64, int: types.intp, bool: types.boolean, NoneType: types.void}
"""The numba types of the annotations that need no explanation."""


def signature_of(function: FunctionType) -> Signature:
    """Return the numba signature that the annotations of a function say."""
    hints = get_type_hints(function, include_extras=True)
    result = _numba_type(hints.pop("return"))
    return signature(result, *(_numba_type(hint) for hint in hints.values()))


def _numba_type(hint: Any) -> Any:
    """Return the numba type of one annotation."""
    if get_origin(hint) is Annotated:
        return get_args(hint)[1]
    if get_origin(hint) is tuple:
        return types.Tuple([_numba_type(part) for part in get_args(hint)])
    if hint in SCALARS:
        return SCALARS[hint]
    parts = get_type_hints(hint, include_extras=True).values()
    return types.BaseTuple.from_types([_numba_type(part) for part in parts], hint)
