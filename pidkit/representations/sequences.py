"""Sequences (n, length, d) read token by token: every token a row, with the label and the fold of its sequence."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pidkit.errors import InputError
from pidkit.representations.wide_layers import read_array
from pidkit.types import IntArray


def read_tokens(
    x: npt.ArrayLike, labels: IntArray, groups: IntArray | None, name: str
) -> tuple[npt.NDArray[Any], IntArray, IntArray]:
    """Return the tokens as rows (n * length, d), their labels, and their groups for `cross_fitting_splits`.

    The tokens of one sequence share its label, and they lie in one fold: a decoder that has seen one of them knows
    more of the others than of a new sequence.

    Parameters
    ----------
    x : array_like or torch.Tensor, shape (n, length, d)
        Of equal lengths; leave padding out beforehand.
    labels : ndarray of int, shape (n,)
    groups : ndarray of int, shape (n,), optional
        Of sequences that belong together; None: each is a group of its own.
    name : str
        Of the layer, for messages.

    Raises
    ------
    InputError
        If `x` has not three axes, or not one sequence a label.

    Examples
    --------
    >>> tokens, labels, groups = read_tokens(np.zeros((2, 3, 5)), np.array([1, 0]), None, "x1")
    >>> tokens.shape, labels, groups
    ((6, 5), array([1, 1, 1, 0, 0, 0]), array([0, 0, 0, 1, 1, 1]))
    """
    array = read_array(x, name)
    if array.ndim != 3:
        raise InputError(f"{name} must have shape (n, length, d) to be read token by token, not {array.shape}")
    if len(array) != labels.size:
        raise InputError(f"{name} must have one sequence a label; it has {len(array)} for {labels.size} labels")
    length = array.shape[1]
    own = np.arange(labels.size) if groups is None else groups
    return array.reshape(-1, array.shape[2]), np.repeat(labels, length), np.repeat(own, length)
