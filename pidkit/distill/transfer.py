"""How far a frozen network's layer serves other data: the accuracy of a linear classifier on top of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor, nn

from pidkit.arguments import items_of, real_number
from pidkit.errors import InputError
from pidkit.nn.features import collect_features


def linear_transfer(
    model: nn.Module, layer: str, *, train: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor], penalty: float = 1.0
) -> float:
    """Return the test accuracy of a logistic regression on a layer of a frozen network, fitted to other training data.

    The layer is flattened and each of its entries standardised by the training data; the weights are shrunk by
    ``penalty / 2 ||w||^2`` beside the sum of the cross-entropies. The network is left as it was found.

    Parameters
    ----------
    model : nn.Module
        Such as a distilled student.
    layer : str
        Name of the layer.
    train, test : (x, labels) tensors
        Of the data to transfer to, of whatever classes.
    penalty : float
        Above 0; choose it on a part of `train`, never on `test`.

    Raises
    ------
    InputError
        If the name fits several layers, a part is no pair of inputs and labels, or the labels have one class.

    Source: Shrivastava et al., 2021, table 3; Tian et al., ICLR 2020, who transfer to STL-10 and TinyImageNet so.

    Examples
    --------
    >>> import torch
    >>> x, labels = torch.eye(3).repeat(20, 1), torch.arange(60) % 3
    >>> linear_transfer(nn.Sequential(nn.Identity()), "0", train=(x, labels), test=(x, labels))
    1.0
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    penalty = real_number("penalty", penalty, above=0.0)
    rows = {name: _rows(model, layer, name, part) for name, part in (("train", train), ("test", test))}
    if len(np.unique(rows["train"][1])) < 2:
        raise InputError("train has labels of one class; there is nothing to tell apart")
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=1.0 / penalty, max_iter=2000))
    classifier.fit(*rows["train"])
    return float(classifier.score(*rows["test"]))


def _rows(model: nn.Module, layer: str, name: str, part: object) -> tuple[Any, Any]:
    """Return the features and the labels of a part of the data."""
    pair = items_of(name, part)
    if len(pair) != 2 or not all(isinstance(one, Tensor) for one in pair):
        raise InputError(f"{name} must be a pair (inputs, labels) of tensors")
    labels = pair[1].cpu().numpy()
    if labels.shape != (len(pair[0]),):
        raise InputError(f"{name} must have one label an input, ({len(pair[0])},), not {labels.shape}")
    features = collect_features(model, layer, pair[0])
    if len(features) != 1:
        raise InputError(f"layer must be one layer, and {layer!r} fits {', '.join(features)}")
    return next(iter(features.values())).numpy(), labels
