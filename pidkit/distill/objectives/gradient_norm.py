"""A regulariser of the student: how steep its loss is in one of its layers."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge

from pidkit.distill.answers import masked_labels
from pidkit.distill.batch import Batch
from pidkit.distill.labels import cross_entropy
from pidkit.distill.objective import Objective
from pidkit.distill.places import widened
from pidkit.errors import InputError


class GradientNorm(Objective):
    """How steep the student's loss is in one of its layers: mean_i || d l_i / d S_i ||^2, l_i = -log q(y_i).

    A small value means that small changes of the layer hardly change the answer (double backpropagation). Only the
    student's own graph knows the slope, so that gradients must be on; the step costs a second backward pass.

    Parameters
    ----------
    layer : str
        Qualified name of a tapped layer of the student that learns or lies behind one that does. For the slope in the
        inputs, tap the first layer.

    Raises
    ------
    InputError
        From a batch: if the layer is not tapped, gradients are off, or the logits do not depend on it.

    Source: Drucker and LeCun, "Improving generalization performance using double backpropagation", IEEE Transactions on
    Neural Networks 3, 1992; Goswami, "Notes on distillation", 2025 (R_grad).

    Examples
    --------
    >>> GradientNorm("layer1").layer
    'layer1'
    """

    def __init__(self, layer: str) -> None:
        """Keep the name."""
        super().__init__()
        self.layer = layer

    def student_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return the mean squared slope."""
        at = batch.student.layer(self.layer)
        if not (torch.is_grad_enabled() and at.requires_grad):
            advice = "call it with gradients on, and name a layer that learns or comes after one that does"
            raise InputError(f"layer {self.layer!r} has no graph, in which GradientNorm finds its slope; {advice}")
        loss = cross_entropy(batch.student.logits, masked_labels(batch, labels), reduction="sum")
        (slope,) = torch.autograd.grad(loss, _behind_copy(at), create_graph=True, allow_unused=True)
        if slope is None:
            advice = "name one that has, and tap it whole, with no reduce="
            raise InputError(f"layer {self.layer!r} has no part in the student's logits; {advice}")
        return widened(slope).square().sum() / len(at)


def _behind_copy(layer: Tensor) -> Tensor | GradientEdge:
    """Return the place in the graph whose copy a tap keeps: the copy itself leads nowhere."""
    node = layer.grad_fn
    if node is None or node.name() != "CloneBackward0":
        return layer
    before, number = node.next_functions[0]
    return layer if before is None else GradientEdge(before, number)
