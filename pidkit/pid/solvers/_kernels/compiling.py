"""How kernels are compiled: each once, for one signature, into machine code that all its callers share.

numba copies the code of a compiled function into every compiled function that calls it, and optimises the copies again:
a method of thirty kernels is so compiled several times over, and the copies, optimised differently, may round
differently. Here a kernel calls another one as C calls a function of another file, by a symbol whose address LLVM is
told. Only the smallest ones, `inlined`, are copied into their callers.

A kernel is an annotated function. Its annotations are its signature: `float`, `int`, `bool`, the array types of
`arrays`, and named tuples and tuples of all these. Where numba is switched off (NUMBA_DISABLE_JIT=1) the functions run
as the Python that they are, only more slowly, so that they can be stepped through and their coverage be measured.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import cached_property
from types import FunctionType, NoneType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import llvmlite.binding  # type: ignore[import-untyped]
import numpy as np
from numba import njit, types
from numba.core import cgutils
from numba.core.config import DISABLE_JIT  # type: ignore[attr-defined]  # made by the module as it loads
from numba.core.typing.templates import Signature
from numba.core.typing.templates import signature as signature_of
from numba.extending import lower_builtin, type_callable

from pidkit.pid.solvers._kernels.caching import keep_on_disk

__all__ = ["DISABLE_JIT", "Kernel", "inlined", "kernel"]

SUMS_MAY_BE_REORDERED = {"reassoc", "contract", "arcp", "nsz"}
"""What LLVM may do to floating-point arithmetic to vectorise it. NaN and infinities keep their meaning."""

OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",  # a division by zero gives an infinity and raises nothing
    "fastmath": SUMS_MAY_BE_REORDERED,
    "_nrt": False,  # kernels make no arrays, so that nothing has to count who holds one
    "no_rewrites": True,  # there are no array expressions to rewrite
    "no_cfunc_wrapper": True,  # nothing but Python and other kernels calls a kernel
}

_compile: Any = njit
"""numba's annotations leave these options out."""

SCALARS = {float: types.float64, int: types.intp, bool: types.boolean, NoneType: types.void}
"""The numba types of the annotations that need no explanation."""


class Kernel:
    """A compiled function with one signature, called through one symbol.

    Attributes
    ----------
    function : callable
        The Python function.
    symbol : str
        What compiled callers know it by. The signature is part of it.
    """

    def __init__(self, function: FunctionType, *, entry: bool) -> None:
        """Tell numba how to type and how to call it; nothing is compiled yet."""
        self.function, self.entry = function, entry
        self.__name__, self.__doc__ = function.__name__, function.__doc__
        self._compiled: Any = None
        self._from_python: Any = None
        type_callable(self)(lambda context: self._typer)
        lower_builtin(self, types.VarArg(types.Any))(self._call)

    @cached_property
    def signature(self) -> Signature:
        """The signature, from the annotations."""
        return _signature(self.function)

    @property
    def symbol(self) -> str:
        """The name by which compiled code calls it."""
        return f"{self.function.__module__}.{self.__name__}"

    def load(self) -> Any:
        """Compile it, and before it the kernels that it calls, or load them from the disk cache."""
        if self._compiled is None:
            for kernel in _kernels_called_by(self.function):
                kernel.load()
            compiled = self._dispatcher(from_python=self.entry)
            keep_on_disk(compiled)
            compiled.compile(self.signature)
            result = compiled.overloads[self.signature.args]
            address = result.library.get_pointer_to_function(result.fndesc.llvm_func_name)
            llvmlite.binding.add_symbol(self.symbol, address)
            self._compiled = compiled
        return self._compiled

    def __call__(self, *arguments: Any) -> Any:
        """Call it from Python. Kernels that are no entry points are compiled again for it, as tests do."""
        if self._from_python is None:
            compiled = self.load()
            if not self.entry:
                compiled = self._dispatcher(from_python=True)
                compiled.compile(self.signature)
            # What numba calls once it has found the signature that fits the arguments: here there is but one.
            self._from_python = compiled.overloads[self.signature.args].entry_point
        return self._from_python(*arguments)

    def _dispatcher(self, *, from_python: bool) -> Any:
        """Return numba's handle of the function, with or without the code that Python needs to call it."""
        return _compile(**OPTIONS, no_cpython_wrapper=not from_python)(self.function)

    @cached_property
    def _typer(self) -> Any:
        """What tells numba the type of a call: whatever the arguments, they are converted to the one signature."""

        def typer(*arguments: Any) -> Signature:
            return self.signature

        typer.pysig = inspect.signature(self.function)  # type: ignore[attr-defined]
        return typer

    def _call(self, context: Any, builder: Any, signature: Signature, arguments: Any) -> Any:
        """Write the call of the symbol into the caller's code, with numba's own calling convention."""
        convention = context.call_conv
        function_type = convention.get_function_type(signature.return_type, signature.args)
        callee = cgutils.get_or_insert_function(builder.module, function_type, self.symbol)
        _, result = convention.call_function(builder, callee, signature.return_type, signature.args, arguments)
        return result


def kernel(*, entry: bool = False) -> Callable[[Callable[..., Any]], Any]:
    """Make a kernel of an annotated function.

    Parameters
    ----------
    entry : bool
        Whether Python calls it.
    """

    def decorate(function: Any) -> Any:
        return _in_python(function) if DISABLE_JIT else Kernel(function, entry=entry)

    return decorate


def inlined(function: Any) -> Any:
    """Copy a function of few lines into the kernels that call it."""
    if DISABLE_JIT:
        return function
    return _compile(**OPTIONS, no_cpython_wrapper=True, forceinline=True)(function)


def _in_python(function: Any) -> Any:
    """Return the function as it is, with compiled code's view of divisions by zero and logarithms of it."""
    return np.errstate(all="ignore")(function)


def _kernels_called_by(function: FunctionType) -> Iterator[Kernel]:
    """Find the kernels that a function calls, by itself or through what is copied into it."""
    for name in function.__code__.co_names:
        called: Any = function.__globals__.get(name)
        if isinstance(called, Kernel):
            yield called
        elif hasattr(called, "py_func"):
            yield from _kernels_called_by(called.py_func)


def _signature(function: FunctionType) -> Signature:
    """Return the numba signature that the annotations of a function say."""
    hints = get_type_hints(function, include_extras=True)
    result = _numba_type(hints.pop("return"))
    return signature_of(result, *(_numba_type(hint) for hint in hints.values()))


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
