"""The augmentation that papers on small images share: a random crop of the padded image, and a flip."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from pidkit.arguments import flag, keep_checked, whole_number
from pidkit.errors import InputError


@dataclass(frozen=True, kw_only=True)
class CropAndFlip:
    """A window of the image's own size out of the image padded by zeros, and left for right in one half of cases.

    To hand to `Trainer(augment=)`: every image of a batch is moved and flipped by itself, from the run's generator.

    Attributes
    ----------
    padding : int
        Pixels on each side; 4 for images of 32x32, as in the papers. 0 does not crop.
    flip : bool

    Raises
    ------
    InputError
        If `padding` is negative; from a batch, if it holds no images (n, channels, height, width).

    Examples
    --------
    >>> images = torch.ones(5, 3, 8, 8)
    >>> CropAndFlip(padding=1)(images, torch.Generator().manual_seed(0)).shape
    torch.Size([5, 3, 8, 8])
    """

    padding: int = 4
    flip: bool = True

    def __post_init__(self) -> None:
        """Check the values."""
        keep_checked(self, padding=whole_number("padding", self.padding), flip=flag("flip", self.flip))

    def __call__(self, images: Tensor, draws: torch.Generator) -> Tensor:
        """Return the changed images."""
        given: object = images
        if not isinstance(given, Tensor) or given.ndim != 4:
            what = f"shape {tuple(given.shape)}" if isinstance(given, Tensor) else type(given).__name__
            raise InputError(
                f"images must have shape (n, channels, height, width) to be cropped and flipped, not {what}"
            )
        n, _, height, width = images.shape
        device = images.device
        if self.padding:
            corners = torch.randint(2 * self.padding + 1, (2, n, 1), generator=draws, device=device)
            rows = corners[0] + torch.arange(height, device=device)
            columns = corners[1] + torch.arange(width, device=device)
            padded = functional.pad(images, [self.padding] * 4)
            samples = torch.arange(n, device=device)[:, None, None, None]
            channels = torch.arange(images.shape[1], device=device)[None, :, None, None]
            images = padded[samples, channels, rows[:, None, :, None], columns[:, None, None, :]]
        if self.flip:
            turned = torch.rand(n, generator=draws, device=device) < 0.5
            images = torch.where(turned[:, None, None, None], images.flip(3), images)
        return images
