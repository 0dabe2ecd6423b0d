"""Tensors as rows of bytes, one a sample, and back: the same bits, in the same order of axes in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Bytes = npt.NDArray[np.uint8]
"""Rows of bytes, shape (n, length)."""

KEY_BYTES = 16
"""Bytes of a key."""


class RowLayout(NamedTuple):
    """What a row of bytes needs to become part of a tensor again.

    Attributes
    ----------
    dtype : str
        torch's name of it, such as "float32".
    shape : tuple of int
        Of one sample.
    order : tuple of int
        The axes of the whole tensor, from the one whose steps in memory are longest: channels-last maps and transposed
        views are not laid out as they are counted, and sums over them run in another order.
    """

    dtype: str
    shape: tuple[int, ...]
    order: tuple[int, ...]


def layout_of(tensor: Tensor) -> RowLayout:
    """Return the layout of the rows of a tensor (n, ...).

    Examples
    --------
    >>> layout_of(torch.ones(2, 3, 4, 5).to(memory_format=torch.channels_last)).order
    (0, 2, 3, 1)
    """
    # Axes of one entry have steps that say nothing.
    long = [axis for axis in range(tensor.ndim) if tensor.shape[axis] > 1]
    steps: tuple[int, ...] = tensor.stride()
    by_step = sorted(long, key=lambda axis: -steps[axis])
    order = range(tensor.ndim) if by_step == long else [a for a in range(tensor.ndim) if a not in long] + by_step
    return RowLayout(str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape[1:]), tuple(order))


def as_rows(tensor: Tensor) -> Bytes:
    """Return a tensor (n, ...) as the bytes of its rows, on the CPU."""
    rows = tensor.detach().cpu().reshape(len(tensor), -1).contiguous()
    found: Bytes = rows.view(torch.uint8).numpy() if rows.numel() else np.empty((len(rows), 0), np.uint8)
    return found


def from_rows(rows: Bytes, layout: RowLayout, device: torch.device) -> Tensor:
    """Return the tensor of rows of bytes.

    Examples
    --------
    >>> maps = torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last)
    >>> again = from_rows(as_rows(maps), layout_of(maps), maps.device)
    >>> torch.equal(again, maps), again.stride() == maps.stride()
    (True, True)
    """
    dtype: torch.dtype = getattr(torch, layout.dtype)
    flat = torch.from_numpy(rows).view(dtype) if rows.size else torch.empty(rows.shape, dtype=dtype)
    tensor = flat.reshape(len(rows), *layout.shape).to(device)
    if layout.order == tuple(range(tensor.ndim)):
        return tensor
    back = [layout.order.index(axis) for axis in range(tensor.ndim)]
    return tensor.permute(layout.order).contiguous().permute(back)


def row_keys(tensors: Sequence[Tensor]) -> list[bytes]:
    """Return a key for each sample: a hash of the bytes of its row in every tensor.

    Examples
    --------
    >>> a, b, c = row_keys([torch.tensor([[1.0, 2.0], [1.0, 2.0], [1.0, -2.0]])])
    >>> a == b, a == c
    (True, False)
    """
    parts = [as_rows(tensor) for tensor in tensors]
    return [
        hashlib.sha256(b"".join(part[at].data for part in parts)).digest()[:KEY_BYTES] for at in range(len(parts[0]))
    ]
