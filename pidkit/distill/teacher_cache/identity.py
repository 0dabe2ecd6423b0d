"""What a frozen teacher is by content: its weights, its modules and their code, and how and where it computes."""

from __future__ import annotations

import functools
import types
from typing import Any

import torch
from torch import Tensor, nn

from pidkit.arrays.checksums import digest_of
from pidkit.distill.teacher_cache.proof import Composition
from pidkit.errors import InputError
from pidkit.nn.inputs import Inputs, named_tensors
from pidkit.nn.sample import fingerprint
from pidkit.nn.taps import eager_model

INTEGERS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
"""Integers by size in bytes: tensors are viewed as these, so that a checksum sees every bit."""


class KnownTeacher:
    """A frozen teacher as it was when it was first seen.

    Parameters
    ----------
    name : str
        For messages.
    teacher : nn.Module
        As it was tapped.

    Attributes
    ----------
    kind : str
        The name of its class.
    digest : str
        The hash of `describe_teacher`.
    compositions : dict of str to Composition
        In which passes its rows are the same bits, by what was asked for and the size of the batch.

    Raises
    ------
    InputError
        If it is not frozen.
    """

    def __init__(self, name: str, teacher: nn.Module) -> None:
        """Hash the teacher."""
        check_frozen(name, teacher)
        self._sums, self._versions = weight_sums(teacher), weight_versions(teacher)
        self.kind, self.digest = type(_inner(teacher)).__qualname__, digest_of(describe_teacher(_inner(teacher)))
        self.compositions: dict[str, Composition] = {}

    def check_unchanged(self, name: str, teacher: nn.Module) -> None:
        """Raise InputError unless the teacher is frozen, and what it was."""
        check_frozen(name, teacher)
        sums, versions = weight_sums(teacher), weight_versions(teacher)
        # Written over by the same, as DistributedDataParallel does to buffers, a teacher is what it was.
        hidden = sums == self._sums and versions != self._versions
        if sums != self._sums or (hidden and digest_of(describe_teacher(_inner(teacher))) != self.digest):
            raise InputError(
                f"cache holds answers of frozen teachers, but the weights of teacher {name!r} have changed since the "
                "first batch; tap it again, or, if it learns, tap without cache="
            )
        self._versions = versions


def _inner(teacher: nn.Module) -> nn.Module:
    """Return the network that a FrozenTeacher holds."""
    inner = getattr(teacher, "model", teacher)
    return inner if isinstance(inner, nn.Module) else teacher


def device_of(teacher: nn.Module, x: Inputs) -> torch.device:
    """Return where a teacher computes."""
    return next(iter([*teacher.parameters(), *teacher.buffers(), *named_tensors(x).values()])).device


def check_frozen(name: str, teacher: nn.Module) -> None:
    """Raise InputError unless a teacher is in eval mode throughout and nothing of it learns."""
    training = next((part for part, module in teacher.named_modules() if module.training), None)
    learns = next((part for part, parameter in teacher.named_parameters() if parameter.requires_grad), None)
    if training is not None or learns is not None:
        what = f"{training or 'itself'!r} in train mode" if learns is None else f"{learns!r} requiring gradients"
        raise InputError(
            f"cache holds answers of frozen teachers, but teacher {name!r} has {what}; call eval() and "
            "requires_grad_(False) on it, or tap without cache="
        )


def weight_sums(teacher: nn.Module) -> list[int]:
    """Return for every parameter and buffer the sum of its bits, read as integers.

    Quick enough for every batch: one pass over the weights, where the teacher's own takes one for each sample.
    """
    sums = [_as_integers(tensor).sum().long() for tensor in (*teacher.parameters(), *teacher.buffers())]
    devices = {total.device for total in sums}
    if len(devices) == 1:
        return [int(value) for value in torch.stack(sums).tolist()]  # one wait for a GPU
    return [int(total) for total in sums]


def weight_versions(teacher: nn.Module) -> list[int]:
    """Return for every parameter and buffer how often torch saw it changed in place; `.data` hides it."""
    tensors = [*teacher.parameters(), *teacher.buffers()]
    return [0 if tensor.is_inference() else tensor._version for tensor in tensors]


def _as_integers(tensor: Tensor) -> Tensor:
    tensor = tensor.detach()
    if tensor.is_quantized:
        tensor = tensor.int_repr()
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor)
    return tensor if tensor.dtype is torch.bool else tensor.view(INTEGERS[tensor.element_size()])


def describe_teacher(teacher: nn.Module) -> dict[str, Any]:
    """Return what a teacher's answers depend on: a hash of its weights, and every module's class, options and code."""
    model = eager_model(teacher)
    tensors = dict([*model.named_parameters(), *model.named_buffers()])
    modules = {
        name: [
            type(module).__qualname__,
            module.extra_repr(),
            {key: plain(value) for key, value in vars(module).items() if not key.startswith("_")},
            code_of(type(module).forward),
        ]
        for name, module in model.named_modules()
    }
    return {
        "weights": fingerprint(*tensors.values()),
        "names": list(tensors),
        "modules": modules,
        "compiled": model is not teacher,
    }


def describe_computation(device: torch.device) -> dict[str, Any]:
    """Return what the last bits of a pass depend on, beside the network and its inputs."""
    kind = device.type
    there: dict[str, Any] = {"threads": torch.get_num_threads(), "cpu": torch.backends.cpu.get_cpu_capability()}
    if kind == "cuda":
        cudnn = torch.backends.cudnn
        flags = [cudnn.enabled, cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32]
        there = {"gpu": torch.cuda.get_device_name(device), "cudnn": flags}
    return {
        "torch": torch.__version__,
        "device": kind,
        **there,
        "autocast": str(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else None,
        "matmul": torch.get_float32_matmul_precision(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
    }


def plain(value: object, depth: int = 6) -> Any:
    """Return numbers, strings and containers of these as they are, and functions as their code; else the type's name.

    Objects are followed `depth` levels down: some hold themselves.

    Examples
    --------
    >>> plain({"scale": 2.0, "of": nn.ReLU()})
    {'scale': 2.0, 'of': 'ReLU'}
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if depth == 0:
        return type(value).__qualname__
    below = functools.partial(plain, depth=depth - 1)
    if isinstance(value, tuple | list):
        return [below(part) for part in value]
    if isinstance(value, dict):
        return {str(key): below(part) for key, part in value.items()}
    if isinstance(value, functools.partial):
        return [below(value.func), below(value.args), below(value.keywords)]
    if isinstance(value, torch.Tensor):
        return fingerprint(value)
    if callable(value) and hasattr(value, "__code__"):
        return code_of(value, depth - 1)
    own = {} if isinstance(value, nn.Module | type) else getattr(value, "__dict__", {})
    return [type(value).__qualname__, below(own)] if own else type(value).__qualname__


def code_of(function: Any, depth: int = 6) -> list[Any]:
    """Return a function's name, byte code, constants, defaults and what it closes over.

    Examples
    --------
    >>> code_of(lambda out: out[0]) == code_of(lambda out: out[1])
    False
    """
    code, name = getattr(function, "__code__", None), getattr(function, "__qualname__", type(function).__qualname__)
    if code is None:
        return [name]
    cells = [plain(cell.cell_contents, depth) for cell in getattr(function, "__closure__", None) or ()]
    defaults = [plain(getattr(function, key, None), depth) for key in ("__defaults__", "__kwdefaults__")]
    return [name, _instructions(code), cells, defaults]


def _instructions(code: types.CodeType) -> list[Any]:
    constants = [_instructions(part) if isinstance(part, types.CodeType) else plain(part) for part in code.co_consts]
    return [code.co_code.hex(), list(code.co_names), constants]
