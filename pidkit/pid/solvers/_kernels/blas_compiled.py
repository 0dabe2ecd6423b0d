"""BLAS on parts of row-major matrices, in place: what a product that allocates and copies is too slow for.

scipy exports BLAS to C. Its addresses differ from process to process, so compiled code calls it by name and this module
tells LLVM the names when it is imported: code from numba's disk cache finds them as freshly compiled code does. BLAS
is Fortran's: it takes every number by reference, and sees the transpose of a row-major matrix, upper for lower. The
wrong argument corrupts memory: the matrices must be C-contiguous float64, the indices inside them.
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding  # type: ignore[import-untyped]
import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import get_cython_function_address, intrinsic

from pidkit.pid.solvers._kernels.arrays import Matrix
from pidkit.pid.solvers._kernels.compiling import inlined
from pidkit.pid.solvers._kernels.views import address_of

N_ARGUMENTS = {"dsyrk": 10, "dtrsm": 11}
"""The routines in use, and how many arguments each takes."""

SIDE_LEFT, SIDE_RIGHT, UPPER, NO_TRANSPOSE, TRANSPOSE = (np.uint8(ord(letter)) for letter in "LRUNT")


def _declare(name: str) -> Any:
    """Return a BLAS routine as compiled code sees it: a symbol, here given its address in this process."""
    symbol = f"pidkit_{name}"
    llvmlite.binding.add_symbol(symbol, get_cython_function_address("scipy.linalg.cython_blas", name))
    return types.ExternalFunction(symbol, types.void(*[types.voidptr] * N_ARGUMENTS[name]))


_dsyrk, _dtrsm = _declare("dsyrk"), _declare("dtrsm")


def _store(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Put the argument on the stack and return its address."""
    slot = cgutils.alloca_once_value(builder, arguments[0])
    return builder.bitcast(slot, cgutils.voidptr_t)


def _reference_of(typing_context: Any, number: Any) -> Any:
    """Return the address of a letter or a factor."""
    return types.voidptr(number), _store


def _size_of(typing_context: Any, number: Any) -> Any:
    """Return the address of a size as an int64, which little-endian machines read rightly as an int32, too."""
    return types.voidptr(types.intp), _store


def _address_of(typing_context: Any, matrix: Any, row: Any, column: Any) -> Any:
    """Return the address of an entry of a matrix."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        index = cgutils.pack_array(builder, arguments[1:])
        place = address_of(context, builder, signature.args[0], arguments[0], types.UniTuple(types.intp, 2), index)
        return builder.bitcast(place, cgutils.voidptr_t)

    return types.voidptr(matrix, types.intp, types.intp), generate


_reference: Any = intrinsic(_reference_of)
_size: Any = intrinsic(_size_of)
_address: Any = intrinsic(_address_of)


@inlined
def subtract_gram_of_columns(matrix: Matrix, n: int, x: Matrix, size: int) -> None:
    """Subtract X' X from the lower triangle."""
    _dsyrk(
        _reference(UPPER), _reference(NO_TRANSPOSE), _size(n), _size(size), _reference(-1.0),
        _address(x, 0, 0), _size(x.shape[1]), _reference(1.0), _address(matrix, 0, 0), _size(matrix.shape[1]),
    )  # fmt: skip


@inlined
def subtract_gram_of_panel(matrix: Matrix, n: int, first: int, last: int) -> None:
    """Subtract B B' from the lower triangle of rows and columns last..n-1, B their columns first..last-1."""
    width = matrix.shape[1]
    _dsyrk(
        _reference(UPPER), _reference(TRANSPOSE), _size(n - last), _size(last - first), _reference(-1.0),
        _address(matrix, last, first), _size(width), _reference(1.0),
        _address(matrix, last, last), _size(width),
    )  # fmt: skip


@inlined
def divide_panel(matrix: Matrix, n: int, first: int, last: int) -> None:
    """Replace B, rows last..n-1 of columns first..last-1, by B L^-T, L the lower triangle of the block above it."""
    width = matrix.shape[1]
    _dtrsm(
        _reference(SIDE_LEFT), _reference(UPPER), _reference(TRANSPOSE), _reference(NO_TRANSPOSE),
        _size(last - first), _size(n - last), _reference(1.0),
        _address(matrix, first, first), _size(width), _address(matrix, last, first), _size(width),
    )  # fmt: skip


@inlined
def divide_rows(lower: Matrix, n: int, x: Matrix, start: int, width: int) -> None:
    """Replace the rows X = x[start : start + n] by L^-1 X, L the leading n x n lower triangle."""
    _dtrsm(
        _reference(SIDE_RIGHT), _reference(UPPER), _reference(NO_TRANSPOSE), _reference(NO_TRANSPOSE),
        _size(width), _size(n), _reference(1.0),
        _address(lower, 0, 0), _size(lower.shape[1]), _address(x, start, 0), _size(x.shape[1]),
    )  # fmt: skip
