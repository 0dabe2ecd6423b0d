"""The held-out sample (x, y) that trackers run their networks on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pidkit.array_likes import plain_array
from pidkit.errors import InputError
from pidkit.nn.inputs import Inputs, check_inputs, each_tensor, n_samples
from pidkit.symbols import encode_labels
from pidkit.types import IntArray


def check_named_sample(sample: object) -> tuple[Inputs, IntArray]:
    """Return the sample as inputs, one tensor or several by name, and an array of class codes."""
    if not isinstance(sample, tuple) or len(sample) != 2 or not isinstance(sample[0], Mapping):
        return check_sample(sample)
    x = check_inputs("sample x", sample[0])
    y = _class_codes(n_samples(x), sample[1], "inputs by name")
    return each_tensor(x, Tensor.detach), y


def check_sample(sample: object) -> tuple[Tensor, IntArray]:
    """Return the sample as a tensor of inputs and an array of class codes."""
    if not isinstance(sample, tuple) or len(sample) != 2:
        raise InputError("sample must be a tuple (x, y): inputs and their labels")
    x = sample[0] if isinstance(sample[0], Tensor) else torch.as_tensor(plain_array(sample[0], "sample x"))
    return x.detach(), _class_codes(len(x) if x.ndim else -1, sample[1], f"shape {tuple(x.shape)}")


def _class_codes(n: int, labels: Any, what: str) -> IntArray:
    """Return the classes of n samples, from 0 without gaps."""
    y, _ = encode_labels(labels, n=None, name="sample y")
    if n != len(y):
        raise InputError(f"sample must have one label a row: x has {what}, and there are {len(y)} labels")
    if np.unique(y).size < 2:
        raise InputError("sample y holds one class only: I(F;Y) is zero; use at least two")
    return np.unique(y, return_inverse=True)[1].astype(np.int64)


def fingerprint(*tensors: Tensor) -> str:
    """Return a hash of the values, shapes and dtypes of tensors, the same on every device.

    Trackers record it of their sample, so that a run is not continued on other data.

    Examples
    --------
    >>> fingerprint(torch.zeros(3)) == fingerprint(torch.zeros(3)), fingerprint(torch.zeros(3)) == fingerprint(torch.ones(3))
    (True, False)
    """  # noqa: E501  (one comparison, in one line)
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(f"{tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
