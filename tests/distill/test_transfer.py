"""Transfer by a linear classifier: what a layer tells, what it does not, and against scikit-learn by hand."""

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from pidkit.distill import linear_transfer
from pidkit.errors import InputError
from tests.distill.toys import blobs, network, same, weights


def test_it_is_logistic_regression_on_the_standardised_layer() -> None:
    x, y = blobs(90)
    other, labels = blobs(60, seed=4)
    model = network(5)
    before = weights(model)
    with torch.no_grad():
        model.eval()
        train, test = model[:2](x), model[:2](other)
    scale = train.std(0, correction=0)
    rows = [((part - train.mean(0)) / scale).numpy() for part in (train, test)]
    by_hand = LogisticRegression(C=0.5, max_iter=2000).fit(rows[0], y).score(rows[1], labels)
    found = linear_transfer(model, "1", train=(x, y), test=(other, labels), penalty=2.0)
    assert found == pytest.approx(by_hand)
    assert same(before, weights(model))


def test_a_layer_tells_of_another_task_what_it_keeps() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(400, 2, generator=generator)
    labels = (x[:, 1] > 0).long() + 7
    keeps, forgets = nn.Sequential(nn.Linear(2, 1)), nn.Sequential(nn.Linear(2, 1))
    with torch.no_grad():
        keeps[0].weight.copy_(torch.tensor([[0.0, 1.0]]))
        forgets[0].weight.copy_(torch.tensor([[1.0, 0.0]]))
    train, test = (x[:200], labels[:200]), (x[200:], labels[200:])
    assert linear_transfer(keeps, "0", train=train, test=test) > 0.95
    assert linear_transfer(forgets, "0", train=train, test=test) < 0.6


def test_what_does_not_fit_is_refused() -> None:
    x, y = blobs(30)
    with pytest.raises(InputError, match="layer must be one layer, and '\\*' fits"):
        linear_transfer(network(5), "*", train=(x, y), test=(x, y))
    with pytest.raises(InputError, match="train has labels of one class"):
        linear_transfer(network(5), "1", train=(x, torch.zeros(30)), test=(x, y))
    with pytest.raises(InputError, match=r"test must have one label an input, \(30,\), not \(29,\)"):
        linear_transfer(network(5), "1", train=(x, y), test=(x, y[:29]))
    with pytest.raises(InputError, match=r"train must be a pair \(inputs, labels\) of tensors"):
        linear_transfer(network(5), "1", train=(x, y.numpy()), test=(x, y))  # type: ignore[arg-type]
