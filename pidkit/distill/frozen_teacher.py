"""A teacher that no training loop around it wakes up."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import nn


class FrozenTeacher(nn.Module):
    """A teacher that stays in eval mode and without gradients, even when `train()` is called on a module around it.

    Parameters
    ----------
    model : nn.Module
        Its parameters stop requiring gradients.
    """

    def __init__(self, model: nn.Module) -> None:
        """Freeze the model."""
        super().__init__()
        self.model = model.requires_grad_(False)
        self.train(False)

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001  (the signature of nn.Module)
        """Stay in eval mode, whatever is asked."""
        return super().train(False)

    def forward(self, *args: Any, **named: Any) -> Any:
        """Return what the teacher puts out, without a graph."""
        with torch.no_grad():
            return self.model(*args, **named)
