"""Whether a teacher's rows are the same bits in any batch: found out on the first one, before any row is reused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import torch
from torch import Tensor

from pidkit.errors import InputError
from pidkit.nn.inputs import Inputs, each_tensor, n_samples

SMALL_PASS = 8
"""Samples of a small pass, for those of a batch that are not known."""

N_COMPARED = 2 * SMALL_PASS
"""Samples of a batch whose rows are compared between passes."""

Pass = Callable[[Inputs], dict[str, Tensor]]
"""A pass of the teacher: from inputs to the outputs by name."""

Composition = Literal["chunks", "whole"]
"""A row has the same bits in passes of `SMALL_PASS` samples as in the whole batch; or only in batches of one size."""


def check_rows(name: str, outputs: Mapping[str, Tensor], n: int) -> None:
    """Raise InputError unless every output has one row a sample."""
    for output, tensor in outputs.items():
        if tensor.ndim == 0 or len(tensor) != n:
            raise InputError(
                f"cache keeps a row for each sample, but {output!r} of teacher {name!r} has shape "
                f"{tuple(tensor.shape)} for {n} samples; pass reduce= to tap, a callable that puts samples first"
            )


def composition_of(name: str, run: Pass, x: Inputs, whole: Mapping[str, Tensor]) -> Composition:
    """Return in which passes the rows of a teacher are those of the whole batch, bit by bit.

    Some are computed again in small passes and another order, and where they differ the whole batch is. Kernels sum in
    an order that depends on the number of samples of a pass, not on which samples these are, so that at one size rows
    are the same wherever they stand. At another size the last bit may differ.

    Parameters
    ----------
    name : str
        Of the teacher.
    run : callable
    x : Tensor, or mapping of str to Tensor
    whole : mapping of str to Tensor
        The outputs of a pass over all of `x`.

    Raises
    ------
    InputError
        If the rows are others at the same size: then they depend on the other samples of the batch, or on chance.
    """
    n = n_samples(x)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(0))
    some = order[:N_COMPARED]
    if same_bits(in_chunks(run, x, some.tolist()), whole, some):
        return "chunks"
    if same_bits(run(_taken(x, order)), whole, order):
        return "whole"
    raise InputError(
        f"cache cannot hold teacher {name!r}: in another order of the batch its answers for the same samples are "
        "others, so that they depend on the other samples, or on chance; tap without cache="
    )


def in_chunks(run: Pass, x: Inputs, rows: list[int]) -> dict[str, Tensor]:
    """Return the outputs for some rows of a batch, from passes of `SMALL_PASS` samples, the last one filled up."""
    parts: list[dict[str, Tensor]] = []
    for at in range(0, len(rows), SMALL_PASS):
        taken = rows[at : at + SMALL_PASS]
        filled = taken + [rows[0]] * (SMALL_PASS - len(taken))
        parts.append({name: out[: len(taken)] for name, out in run(_taken(x, torch.tensor(filled))).items()})
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def same_bits(outputs: Mapping[str, Tensor], whole: Mapping[str, Tensor], rows: Tensor) -> bool:
    """Return whether outputs are those rows of others, bit by bit: a NaN is like itself, and -0 unlike 0."""
    return all(_bits(outputs[name]).equal(_bits(whole[name][rows.to(whole[name].device)])) for name in whole)


def _bits(tensor: Tensor) -> Tensor:
    return tensor.contiguous().reshape(-1).view(torch.uint8)


def _taken(x: Inputs, rows: Tensor) -> Inputs:
    return each_tensor(x, lambda part: part[rows.to(part.device)])
