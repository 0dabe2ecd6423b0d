"""The cross-entropy of the labels: training without a teacher, or the first term beside a teacher's."""

from __future__ import annotations

from torch import Tensor, nn

from pidkit.distill.batch import Batch
from pidkit.distill.objective import Objective
from pidkit.errors import InputError


class CrossEntropy(Objective):
    """The cross-entropy of the labels, -mean log softmax(student logits)[label]: training without a teacher."""

    def __init__(self, *, label_smoothing: float = 0.0) -> None:
        """Set the label smoothing of torch's cross_entropy."""
        super().__init__()
        if not 0.0 <= label_smoothing < 1.0:
            raise InputError(f"label_smoothing must lie in [0, 1), not {label_smoothing!r}")
        self.label_smoothing = label_smoothing

    def student_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return the cross-entropy in nats."""
        return nn.functional.cross_entropy(batch.student.logits, labels, label_smoothing=self.label_smoothing)
