"""A first-in-first-out bank of a frozen network's features, which gives InfoNCE more negatives than one batch has."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pidkit.arguments import check_count, whole_number
from pidkit.errors import InputError


class FeatureBank(nn.Module):
    """Hold the last `size` rows that were pushed, in buffers that are part of the module's state.

    The features of a frozen network never go stale: a critic that learns from them projects them afresh each step.

    Parameters
    ----------
    size : int
        Rows at most; 0 keeps none.
    channels : int

    Raises
    ------
    InputError
        If `size` is no whole number from 0 on, or `channels` none from 1 on.

    Notes
    -----
    DistributedDataParallel sends the first process's buffers to all before each forward pass: every process then has
    the first one's bank. With broadcast_buffers=False each keeps its own.

    Examples
    --------
    >>> bank = FeatureBank(3, 1)
    >>> bank.push(torch.tensor([[1.0], [2.0]]))
    >>> bank.push(torch.tensor([[3.0], [4.0]]))
    >>> len(bank), sorted(bank.filled().flatten().tolist())
    (3, [2.0, 3.0, 4.0])
    """

    rows: Tensor
    pointer: Tensor
    n_filled: Tensor

    def __init__(self, size: int, channels: int) -> None:
        """Start empty."""
        super().__init__()
        self.size = whole_number("size", size, remedy="0 keeps no rows")
        self.register_buffer("rows", torch.zeros(self.size, check_count("channels", channels)))
        self.register_buffer("pointer", torch.zeros((), dtype=torch.int64))
        self.register_buffer("n_filled", torch.zeros((), dtype=torch.int64))

    def __len__(self) -> int:
        """Return the number of rows held."""
        return int(self.n_filled)

    def filled(self) -> Tensor:
        """Return the rows held, shape (len, channels), in no particular order; a view, which the next push changes."""
        return self.rows[: len(self)]

    @torch.no_grad()
    def push(self, features: Tensor) -> None:
        """Put rows (n, channels) in, the oldest out; of more than `size` rows the last are kept.

        Raises
        ------
        InputError
            If the rows have another number of channels.
        """
        if features.ndim != 2 or features.shape[1] != self.rows.shape[1]:
            shape = tuple(features.shape)
            raise InputError(f"features must be rows of {self.rows.shape[1]} channels, not of shape {shape}")
        newest = features[max(0, len(features) - self.size) :].to(self.rows)
        if len(newest) == 0:
            return
        places = (self.pointer + torch.arange(len(newest), device=self.rows.device)) % self.size
        self.rows[places] = newest
        self.pointer.copy_((self.pointer + len(newest)) % self.size)
        self.n_filled.copy_((self.n_filled + len(newest)).clamp_max(self.size))

    def extra_repr(self) -> str:
        """Show the size."""
        return f"size={self.size}, channels={self.rows.shape[1]}"
