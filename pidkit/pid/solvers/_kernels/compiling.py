"""How kernels are compiled: each once, for one signature, into machine code that all its callers share.

numba copies the code of a compiled function into every compiled function that calls it, and optimises the copies again:
a method of thirty kernels is so compiled several times over, and the copies, optimised differently, may round
differently. Here a kernel calls another one as C calls a function of another file, by a symbol whose address LLVM is
told. Even the smallest ones are: a call takes a nanosecond or two, and a copy would be compiled over and over.

A kernel is an annotated function. Its annotations are its signature: `float`, `int`, `bool`, the array types of
`arrays`, and named tuples and tuples of all these. Where numba is switched off (NUMBA_DISABLE_JIT=1) the functions run
as the Python that they are, only more slowly, so that they can be stepped through and their coverage be measured.
"""

from __future__ import annotations

import gc
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from threading import RLock
from types import FunctionType
from typing import Any

import llvmlite.binding  # type: ignore[import-untyped]
import numpy as np
from numba import njit, types
from numba.core import cgutils
from numba.core.compiler import CompilerBase
from numba.core.compiler_machinery import PassManager
from numba.core.config import DISABLE_JIT  # type: ignore[attr-defined]  # made by the module as it loads
from numba.core.typed_passes import NativeLowering, NoPythonBackend, NopythonTypeInference, PreLowerStripPhis
from numba.core.typing.templates import Signature
from numba.core.untyped_passes import FixupArgs, IRProcessing, ReconstructSSA, TranslateByteCode
from numba.extending import lower_builtin, type_callable
from numba.np.numpy_support import as_dtype

from pidkit.pid.solvers._kernels.caching import keep_on_disk
from pidkit.pid.solvers._kernels.signatures import signature_of
from pidkit.pid.solvers._kernels.views import View

__all__ = ["DISABLE_JIT", "Kernel", "kernel"]

SUMS_MAY_BE_REORDERED = {"reassoc", "contract", "arcp", "nsz"}
"""What LLVM may do to floating-point arithmetic to vectorise it. NaN and infinities keep their meaning."""


class Passes(CompilerBase):
    """The passes of numba's compiler that a kernel needs, which saves an eighth of the time of all of them.

    What is left out is for Python that kernels do without: closures, `with`, exceptions, objects that are counted,
    array expressions and types that depend on a value.
    """

    def define_pipelines(self) -> list[PassManager]:
        """Return the one list of passes."""
        passes = PassManager("kernel")
        passes.add_pass(TranslateByteCode, "read the bytecode")
        passes.add_pass(FixupArgs, "name the arguments")
        passes.add_pass(IRProcessing, "find the lifetimes of variables")
        passes.add_pass(ReconstructSSA, "give every assignment a variable of its own")
        passes.add_pass(NopythonTypeInference, "infer the types")
        passes.add_pass(PreLowerStripPhis, "join the variables again")
        passes.add_pass(NativeLowering, "write the code for LLVM")
        passes.add_pass(NoPythonBackend, "compile it")
        passes.finalize()
        return [passes]


OPTIONS: dict[str, Any] = {
    "pipeline_class": Passes,
    "nogil": True,
    "error_model": "numpy",  # a division by zero gives an infinity and raises nothing
    "fastmath": SUMS_MAY_BE_REORDERED,
    "_nrt": False,  # kernels make no arrays, so that nothing has to count who holds one
    "no_cfunc_wrapper": True,  # nothing but Python and other kernels calls a kernel
}

_compile: Any = njit
"""numba's annotations leave these options out."""

_LOADING = RLock()
"""Held while kernels are loaded, so that two threads do not compile the same ones."""


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Load kernels in one thread, and without looking for cyclic garbage.

    The search would go through the many objects of a compilation again and again, for an eighth of its time and
    hardly any memory.
    """
    with _LOADING:
        collecting = gc.isenabled()
        gc.disable()
        try:
            yield
        finally:
            if collecting:
                gc.enable()


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
        return signature_of(self.function)

    @property
    def symbol(self) -> str:
        """The name by which compiled code calls it."""
        return f"{self.function.__module__}.{self.__name__}"

    def load(self) -> Any:
        """Compile it, and before it the kernels that it calls, or load them from the disk cache."""
        with _one_at_a_time():
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
        self._check_layouts(arguments)
        return self._from_python(*arguments)

    def _check_layouts(self, arguments: tuple[Any, ...]) -> None:
        """Refuse arrays that the compiled code would misread: it takes an address and lengths, and looks no further."""
        places, expected, nested = self._layouts
        flat = tuple(_flat(arguments)) if nested else arguments
        found = [(x.dtype, x.ndim, x.flags.c_contiguous) for x in [flat[place] for place in places]]
        if found != expected:
            msg = f"{self.__name__} takes arrays of (type, axes, in C order) {expected}, got {found}"
            raise TypeError(msg)

    @cached_property
    def _layouts(self) -> tuple[list[int], list[tuple[Any, int, bool]], bool]:
        """Where among the arguments arrays are, what they have to look like, and whether some are in tuples."""
        kinds = [*_flat(self.signature.args)]
        views = {place: kind for place, kind in enumerate(kinds) if isinstance(kind, View)}
        expected = [(as_dtype(kind.dtype), kind.ndim, True) for kind in views.values()]
        return [*views], expected, len(kinds) > len(self.signature.args)

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


def _in_python(function: Any) -> Any:
    """Return the function as it is, with compiled code's view of divisions by zero and logarithms of it."""
    return np.errstate(all="ignore")(function)


def _flat(parts: Any) -> Iterator[Any]:
    """Walk through arguments, or their types, and through the tuples among them."""
    for part in parts:
        if isinstance(part, (tuple, types.BaseTuple)):
            yield from _flat(part)
        else:
            yield part


def _kernels_called_by(function: FunctionType) -> Iterator[Kernel]:
    """Find the kernels that a function calls: the globals of that type that its code names."""
    for name in function.__code__.co_names:
        called = function.__globals__.get(name)
        if isinstance(called, Kernel):
            yield called
