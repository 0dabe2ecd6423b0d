"""Sequences (n, length, d) read token by token: every token a row, with the label and the fold of its sequence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt

from pidkit.errors import InputError
from pidkit.representations.wide_layers import read_array
from pidkit.types import IntArray

Sequences = Literal["mean", "tokens"]
"""What becomes of sequences: their mean over the length, or a row for each token."""


def read_tokens(
    layers: Mapping[str, npt.ArrayLike], labels: IntArray, groups: IntArray | None
) -> tuple[dict[str, npt.ArrayLike], IntArray, IntArray]:
    """Return the tokens of each layer as rows (n * length, d), their labels, and the groups that they form.

    The tokens of one sequence share its label, and they lie in one fold: a decoder that has seen one of them knows
    more of the others than of a new sequence.

    Parameters
    ----------
    layers : mapping of str to array_like or torch.Tensor, shape (n, length, d)
        By name, all of one length; leave padding out beforehand. Numbers of features may differ.
    labels : ndarray of int, shape (n,)
    groups : ndarray of int, shape (n,), optional
        Of sequences that belong together; None: each is a group of its own.

    Raises
    ------
    InputError
        If a layer has not three axes, or not one sequence a label, or lengths differ.

    Examples
    --------
    >>> tokens, labels, groups = read_tokens({"x1": np.zeros((2, 3, 5))}, np.array([1, 0]), None)
    >>> tokens["x1"].shape, labels, groups
    ((6, 5), array([1, 1, 1, 0, 0, 0]), array([0, 0, 0, 1, 1, 1]))
    """
    arrays = {name: read_array(x, name) for name, x in layers.items()}
    for name, array in arrays.items():
        if array.ndim != 3:
            raise InputError(f"{name} must have shape (n, length, d) to be read token by token, not {array.shape}")
        if len(array) != labels.size:
            raise InputError(f"{name} must have one sequence a label; it has {len(array)} for {labels.size} labels")
    lengths = {name: array.shape[1] for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(
            f"the tokens of {' and '.join(arrays)} are paired, so that their sequences must be of one length, not of "
            f"{' and '.join(map(str, lengths.values()))}; take sequences='mean' where tokens do not correspond"
        )
    (length,) = set(lengths.values())
    rows: dict[str, npt.ArrayLike] = {name: array.reshape(-1, array.shape[2]) for name, array in arrays.items()}
    return rows, *labels_of_tokens(labels, groups, length)


def labels_of_tokens(labels: IntArray, groups: IntArray | None, length: int) -> tuple[IntArray, IntArray]:
    """Return the label and the group of every token of sequences of one length, as `read_tokens` does."""
    own = np.arange(labels.size) if groups is None else groups
    return np.repeat(labels, length), np.repeat(own, length)
