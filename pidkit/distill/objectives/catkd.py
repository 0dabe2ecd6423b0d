"""CAT-KD: the student's class activation maps follow the teacher's."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from pidkit.arguments import check_count, flag
from pidkit.distill.batch import Batch
from pidkit.distill.objective import Objective
from pidkit.distill.pairing import checked_pairs, mean_square
from pidkit.distill.places import LayerPair, widened
from pidkit.errors import InputError


class ClassMaps(nn.Module):
    """A classifier that shows where: a 1x1 convolution to one map a class, and its mean over the places as logits.

    The linear layer after global average pooling, moved before it: the logits are the same, and `maps`, which can be
    tapped, puts out the class activation maps (n, n_classes, height, width).

    Parameters
    ----------
    channels, n_classes : int

    Raises
    ------
    InputError
        If a size is not a whole number from 1 on.

    Source: Guo et al., "Class attention transfer based knowledge distillation", CVPR 2023, section 3.1.

    Examples
    --------
    >>> import torch
    >>> linear, x = nn.Linear(4, 3), torch.randn(2, 4, 5, 5)
    >>> torch.allclose(ClassMaps.of(linear)(x), linear(x.mean((2, 3))), atol=1e-6)
    True
    """

    def __init__(self, channels: int, n_classes: int) -> None:
        """Build the convolution."""
        super().__init__()
        self.maps = nn.Conv2d(check_count("channels", channels), check_count("n_classes", n_classes), 1)

    @classmethod
    def of(cls, layer: nn.Linear) -> ClassMaps:
        """Return the classifier of a trained linear layer, with a copy of its weights."""
        made = cls(layer.in_features, layer.out_features).to(layer.weight)
        bias: Tensor | None = layer.bias
        state = {"weight": layer.weight[:, :, None, None], "bias": layer.weight[:, 0] * 0.0 if bias is None else bias}
        made.maps.load_state_dict(state)
        return made

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, channels, height, width) to logits (n, n_classes)."""
        logits: Tensor = self.maps(x).mean((2, 3))
        return logits


class CATKD(Objective):
    """Class attention transfer: sum_pairs mean (A_T - A_S)^2 of class activation maps, averaged to size x size places.

    Parameters
    ----------
    pairs : sequence of LayerPair
        Class activation maps (n_classes, height, width), such as of `ClassMaps`; the resolutions may differ.
    size : int
        Places along each side after adaptive average pooling.
    normalise : bool
        Divide every map by its length first: the paper's CAT, without labels. Its CAT-KD, beside the cross-entropy,
        does not, with weights of 1 to 400 (15 for ResNet-32x4 to ResNet-8x4).

    Raises
    ------
    InputError
        If there are no pairs, or the layers of one are no maps of the same classes.

    Source: Guo et al., "Class attention transfer based knowledge distillation", CVPR 2023, eq. 4 and 5.

    Examples
    --------
    >>> catkd = CATKD([LayerPair("maps", "maps", (10, 8, 8), (10, 4, 4))])
    >>> list(catkd.parameters())
    []
    """

    def __init__(self, pairs: Sequence[LayerPair], *, size: int = 2, normalise: bool = False) -> None:
        """Check the pairs."""
        super().__init__()
        self.pairs, self.size = checked_pairs(pairs), check_count("size", size)
        self.normalise = flag("normalise", normalise)
        for pair in self.pairs:
            maps = len(pair.teacher_shape) == len(pair.student_shape) == 3
            if not maps or pair.teacher_channels != pair.student_channels:
                advice = 'end both networks in ClassMaps and tap its "maps"'
                raise InputError(f"pairs holds {pair}, which are not maps of the same classes; {advice}")

    def student_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return the squared differences of the maps."""
        total = batch.zero()
        for pair in self.pairs:
            teacher = self._pooled(batch.teacher.layer(pair.teacher_layer).detach())
            total = total + mean_square(teacher, self._pooled(batch.student.layer(pair.student_layer)))
        return total

    def _pooled(self, maps: Tensor) -> Tensor:
        """Return maps of size x size places, flattened, perhaps of length one."""
        pooled = functional.adaptive_avg_pool2d(widened(maps), self.size).flatten(2)
        return functional.normalize(pooled, dim=2) if self.normalise else pooled

    def extra_repr(self) -> str:
        """Show the options."""
        return f"size={self.size}, normalise={self.normalise}"
