"""A plain view of an array, a pointer and a shape: what kernels work on in place of numba's arrays.

A numba array carries owner, strides, item size and more, nine numbers for a matrix, and every access allows for
negative indices. That makes kernels slow to compile and hard to vectorise. A view has contiguous entries, row by row,
owns nothing, and takes indices from zero on, unchecked. In kernels it looks like the numpy array that it is a view of:
`x[i, j]`, `stack[k]`, `x.shape` and `x.size`; and where numba is switched off it is that array.
"""

from __future__ import annotations

import operator
from typing import Any, ClassVar

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, AttributeTemplate, infer_global, signature
from numba.extending import NativeValue, infer_getattr, lower_builtin, lower_getattr, models, register_model, unbox


class View(types.Type):
    """The numba type of a view."""

    def __init__(self, dtype: Any, ndim: int) -> None:
        """Remember what the entries are and how many axes there are."""
        self.dtype, self.ndim = dtype, ndim
        super().__init__(name=f"View({dtype}, {ndim})")

    def part(self, n_indices: int) -> Any:
        """Return the type of what so many indices give: an entry, or a view of fewer axes."""
        return self.dtype if n_indices == self.ndim else View(self.dtype, self.ndim - n_indices)


@register_model(View)
class _ViewModel(models.StructModel):
    """How a view lies in memory: the address of the first entry, then the length of each axis."""

    def __init__(self, manager: Any, view: View) -> None:
        lengths = [(f"n_{axis}", types.intp) for axis in range(view.ndim)]
        super().__init__(manager, view, [("data", types.CPointer(view.dtype)), *lengths])


@unbox(View)
def _from_python(view: View, array: Any, c: Any) -> Any:
    """Take a C-contiguous numpy array from Python. Kernels trust their callers: only its item size is checked."""
    kind = types.Array(view.dtype, view.ndim, "C")
    native = c.unbox(kind, array)
    parts = c.context.make_array(kind)(c.context, c.builder, native.value)
    lengths = cgutils.unpack_tuple(c.builder, parts.shape)
    return NativeValue(_assemble(c.context, c.builder, view, parts.data, lengths), is_error=native.is_error)


@infer_getattr
class _Attributes(AttributeTemplate):
    """The types of a view's attributes."""

    key = View

    def resolve_shape(self, view: View) -> Any:
        return types.UniTuple(types.intp, view.ndim)

    def resolve_size(self, view: View) -> Any:
        return types.intp


@lower_getattr(View, "shape")
def _shape(context: Any, builder: Any, view: View, value: Any) -> Any:
    return cgutils.pack_array(builder, _lengths(builder, view, value))


@lower_getattr(View, "size")
def _size(context: Any, builder: Any, view: View, value: Any) -> Any:
    first, *others = _lengths(builder, view, value)
    for length in others:
        first = builder.mul(first, length, flags=["nsw"])
    return first


@infer_global(operator.getitem)
class _GetItem(AbstractTemplate):
    """The type of `view[index]`."""

    metadata: ClassVar = {"target": "cpu"}  # type: ignore[misc]  # asked before the dozen of templates for every target: each takes its time

    def generic(self, arguments: Any, keywords: Any) -> Any:
        owner, index = arguments
        if isinstance(owner, View):
            return signature(owner.part(_count(index)), owner, index)
        return None


@infer_global(operator.setitem)
class _SetItem(AbstractTemplate):
    """The types of `view[index] = value`: the value is converted to what the entries are."""

    metadata: ClassVar = {"target": "cpu"}  # type: ignore[misc]

    def generic(self, arguments: Any, keywords: Any) -> Any:
        owner, index, _ = arguments
        if isinstance(owner, View) and _count(index) == owner.ndim:
            return signature(types.none, owner, index, owner.dtype)
        return None


@lower_builtin(operator.getitem, View, types.Any)
def _get(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    owner, index_type = signature.args
    address = address_of(context, builder, owner, arguments[0], index_type, arguments[1])
    if not isinstance(signature.return_type, View):
        return context.unpack_value(builder, owner.dtype, address)
    lengths = _lengths(builder, owner, arguments[0])[_count(index_type) :]
    return _assemble(context, builder, signature.return_type, address, lengths)


@lower_builtin(operator.setitem, View, types.Any, types.Any)
def _set(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    owner, index_type, value_type = signature.args
    address = address_of(context, builder, owner, arguments[0], index_type, arguments[1])
    value = context.cast(builder, arguments[2], value_type, owner.dtype)
    context.pack_value(builder, owner.dtype, value, address)
    return context.get_dummy_value()


def address_of(context: Any, builder: Any, owner: View, value: Any, index_type: Any, index: Any) -> Any:
    """Write the computation of the address of an entry, or of the first entry of a part."""
    indices = cgutils.unpack_tuple(builder, index) if isinstance(index_type, types.BaseTuple) else [index]
    kinds: Any = index_type.types if isinstance(index_type, types.BaseTuple) else [index_type]  # type: ignore[attr-defined]
    place = ir.Constant(ir.IntType(types.intp.bitwidth), 0)  # type: ignore[attr-defined]
    for axis, length in enumerate(_lengths(builder, owner, value)):
        place = builder.mul(place, length, flags=["nsw"]) if axis else place
        if axis < len(indices):
            number = context.cast(builder, indices[axis], kinds[axis], types.intp)
            place = builder.add(place, number, flags=["nsw"]) if axis else number
    return builder.gep(builder.extract_value(value, 0), [place], inbounds=True)


def _count(index: Any) -> int:
    """Return how many indices there are."""
    return len(index) if isinstance(index, types.BaseTuple) else 1


def _lengths(builder: Any, view: View, value: Any) -> list[Any]:
    """Return the lengths of the axes of a view."""
    return [builder.extract_value(value, 1 + axis) for axis in range(view.ndim)]


def _assemble(context: Any, builder: Any, view: View, address: Any, lengths: list[Any]) -> Any:
    """Put a view together."""
    value = ir.Constant(context.get_value_type(view), ir.Undefined)
    for position, part in enumerate([address, *lengths]):
        value = builder.insert_value(value, part, position)
    return value
