"""The cross-entropy of the labels: training without a teacher, or the first term beside a teacher's."""

from __future__ import annotations

from torch import Tensor

from pidkit.arguments import real_number
from pidkit.distill.answers import masked_labels
from pidkit.distill.batch import Batch
from pidkit.distill.labels import cross_entropy
from pidkit.distill.objective import Objective


class CrossEntropy(Objective):
    """The cross-entropy of the labels, -mean log softmax(student logits)[label]: training without a teacher.

    The mean is over samples and, where logits have places such as tokens or pixels, over places; as in torch, those
    labelled -100 are left out, and so is what the batch's mask leaves out; without any label the loss is zero. Labels
    may be probabilities with the shape of the logits, -mean sum_c q_c log softmax(student logits)_c.
    """

    def __init__(self, *, label_smoothing: float = 0.0) -> None:
        """Set the label smoothing of torch's cross_entropy."""
        super().__init__()
        self.label_smoothing = real_number("label_smoothing", label_smoothing, least=0.0, below=1.0)

    def student_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return the cross-entropy in nats."""
        labels = masked_labels(batch, labels)
        return cross_entropy(batch.student.logits, labels, label_smoothing=self.label_smoothing)
