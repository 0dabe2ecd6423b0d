"""The file formats: for each, a reader that lists the arrays of a file and how to load each of them."""

from __future__ import annotations

import functools
import json
import math
import re
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

import numpy as np

from pidkit.arrays.batches import AT_ONCE, in_file
from pidkit.arrays.checksums import check_archive, check_stored, damaged
from pidkit.errors import InputError
from pidkit.types import AnyArray

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class ArrayEntry:
    """One array of a file: its key (None where the file holds one unnamed array), shape, dtype and size in bytes."""

    key: str | None
    shape: tuple[int, ...]
    dtype: str
    n_bytes: int


@dataclass(frozen=True)
class Member:
    """An array of a file, and how to load it."""

    entry: ArrayEntry
    load: Callable[[], AnyArray]


@dataclass(frozen=True)
class _Header:
    """The header of the .npy format."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]
    size: int

    @classmethod
    def read(cls, file: IO[bytes]) -> _Header:
        version = np.lib.format.read_magic(file)
        if version == (1, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
        elif version == (2, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_2_0(file)
        else:
            raise InputError(f"path must name a file of npy format 1 or 2, not {version[0]}; save plain numeric arrays")
        return cls(tuple(shape), fortran, dtype, file.tell())

    def entry(self, key: str | None) -> ArrayEntry:
        return ArrayEntry(key, self.shape, str(self.dtype), math.prod(self.shape) * self.dtype.itemsize)

    def map(self, path: Path, start: int) -> AnyArray:
        """Map the array whose header starts at byte `start` of the file."""
        order: Literal["F", "C"] = "F" if self.fortran else "C"
        array: AnyArray = np.memmap(path, self.dtype, "r", start + self.size, self.shape, order)
        return array

    def refuse_objects(self, path: Path) -> None:
        if self.dtype.hasobject:
            raise InputError(
                f"path must name a file of numbers, but {path} holds pickled objects, which are never loaded; "
                "save the array in a numeric dtype"
            )


def read_npy(path: Path) -> list[Member]:
    """List the one array of a .npy file."""
    with path.open("rb") as file:
        header = _Header.read(file)

    def load() -> AnyArray:
        header.refuse_objects(path)
        return header.map(path, 0)

    return [Member(header.entry(None), load)]


def read_npz(path: Path) -> list[Member]:
    """List the arrays of a .npz file; members that are no .npy are passed over, as no array is in them."""
    members = []
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.filename.endswith(".npy"):
                with archive.open(info) as file:
                    header = _Header.read(file)
                key = info.filename.removesuffix(".npy")
                members.append(Member(header.entry(key), functools.partial(_load_zipped, path, info, header)))
    return members


def _load_zipped(path: Path, info: zipfile.ZipInfo, header: _Header) -> AnyArray:
    """Map a stored member in place, as numpy.load does not; read it if it is compressed or lies unaligned."""
    header.refuse_objects(path)
    with path.open("rb") as file:
        file.seek(info.header_offset + 26)  # the lengths of the name and of the extra field end the local zip header
        start = info.header_offset + 30 + sum(struct.unpack("<HH", file.read(4)))
    aligned = (start + header.size) % header.dtype.alignment == 0
    if info.compress_type == zipfile.ZIP_STORED and aligned:
        check_stored(path, start, info)
        return header.map(path, start)
    with zipfile.ZipFile(path) as archive, archive.open(info) as member:
        if info.file_size > AT_ONCE and not header.fortran:
            member.read(header.size)
            pieces = iter(functools.partial(member.read, AT_ONCE), b"")
            return in_file(pieces, header.shape, header.dtype)  # to its end, where the checksum is compared
        array: AnyArray = np.lib.format.read_array(member, allow_pickle=False)
        if member.read():  # zipfile compares the checksum at the end of the member, and only there
            raise InputError(damaged(path, f"{info.filename} is longer than its array"))
    return array


def read_torch(path: Path) -> list[Member]:
    """List the tensors of a .pt file: one tensor, or nested dicts and lists of them and of anything else."""
    try:
        import torch
    except ImportError as error:
        raise InputError(f"path {path} needs PyTorch to be read: pip install pidkit[torch]") from error

    def walk(content: object, key: str | None) -> Iterator[tuple[str | None, torch.Tensor]]:
        if isinstance(content, torch.Tensor):
            yield key, content
        elif isinstance(content, (Mapping, list, tuple)):
            for name, value in content.items() if isinstance(content, Mapping) else enumerate(content):
                yield from walk(value, f"{name}" if key is None else f"{key}.{name}")

    def load(tensor: torch.Tensor) -> AnyArray:
        check_archive(path)
        tensor = tensor.to_dense()
        if tensor.is_floating_point() and tensor.element_size() < 4 and tensor.dtype != torch.float16:
            return _widened(tensor)  # numpy has no bfloat16 and no float8
        array: AnyArray = tensor.numpy(force=True)
        return array

    if not zipfile.is_zipfile(path):
        raise InputError(
            f"path must name a file of the torch.save zip format, but {path} is cut short or a legacy pickle, which is "
            "never loaded; write it again with torch.save"
        )
    content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    members: dict[str | None, Member] = {}
    for key, tensor in walk(content, None):
        if key in members:
            raise InputError(f"path must name a file of distinct keys, but {path} holds {key!r} twice; rename one")
        dtype = str(tensor.dtype).removeprefix("torch.")
        entry = ArrayEntry(key, tuple(tensor.shape), dtype, tensor.numel() * tensor.element_size())
        members[key] = Member(entry, functools.partial(load, tensor))
    if not members:
        raise InputError(f"path must name a file of tensors, but {path} holds a {type(content).__name__} without any")
    return list(members.values())


def read_safetensors(path: Path) -> list[Member]:
    """List the tensors of a .safetensors file."""
    try:
        from safetensors import safe_open
    except ImportError as error:
        raise InputError(f"path {path} needs safetensors to be read: pip install pidkit[torch]") from error

    def load(key: str, *, in_numpy: bool) -> AnyArray:
        if not in_numpy:
            try:
                import torch  # noqa: F401  # safetensors takes it for these types
            except ImportError as error:
                raise InputError(
                    f"key {key!r} of {path} needs PyTorch to be read: pip install pidkit[torch]"
                ) from error
        if in_numpy and (mapped := _map_safetensors(path, key)) is not None:
            return mapped
        with safe_open(path, framework="numpy" if in_numpy else "pt") as file:
            tensor = file.get_tensor(key)
        array: AnyArray = tensor if in_numpy else _widened(tensor)
        return array

    members = []
    with safe_open(path, framework="numpy") as file:
        for key in file.keys():  # noqa: SIM118  # it is not a dict
            part = file.get_slice(key)
            dtype, n_bits = _safetensors_dtype(part.get_dtype())
            shape = tuple(part.get_shape())
            entry = ArrayEntry(key, shape, dtype, math.prod(shape) * n_bits // 8)
            in_numpy = not dtype.startswith(("bfloat", "float8"))
            members.append(Member(entry, functools.partial(load, key, in_numpy=in_numpy)))
    return members


def _widened(tensor: torch.Tensor) -> AnyArray:
    """Return a tensor of a type that numpy lacks as float32; a large one as a memory map, a piece at a time."""
    n_bytes = 4 * tensor.numel()
    if n_bytes <= AT_ONCE or tensor.ndim == 0:
        array: AnyArray = tensor.float().numpy(force=True)
        return array
    height = max(1, AT_ONCE * len(tensor) // n_bytes)
    parts = (tensor[begin : begin + height] for begin in range(0, len(tensor), height))
    pieces = (part.float().numpy(force=True) for part in parts)
    return in_file(pieces, tuple(tensor.shape), np.dtype(np.float32))


def _map_safetensors(path: Path, key: str) -> AnyArray | None:
    """Map a tensor of a .safetensors file that was opened before, and so has a sound header; None if it is empty.

    The file begins with the length of its header in eight bytes, and the header, JSON, says where the tensor's bytes
    lie after it.
    """
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        entry = json.loads(file.read(length))[key]
    begin, end = entry["data_offsets"]
    name, _ = _safetensors_dtype(entry["dtype"])
    dtype = np.dtype(name).newbyteorder("<")
    if begin == end or (8 + length + begin) % dtype.alignment:
        return None
    array: AnyArray = np.memmap(path, dtype, "r", 8 + length + begin, tuple(entry["shape"]))
    return array


def _safetensors_dtype(code: str) -> tuple[str, int]:
    """Return the numpy or torch name and the bits of a dtype code: "BF16" -> ("bfloat16", 16).

    Examples
    --------
    >>> _safetensors_dtype("F8_E4M3"), _safetensors_dtype("BOOL"), _safetensors_dtype("U8")
    (('float8_e4m3', 8), ('bool', 8), ('uint8', 8))
    """
    if code == "BOOL":
        return "bool", 8
    letters, bits, rest = re.split(r"(\d+)", code, maxsplit=1)
    kind = {"F": "float", "BF": "bfloat", "I": "int", "U": "uint", "C": "complex"}[letters]
    return f"{kind}{bits}{rest.lower()}", int(bits)
