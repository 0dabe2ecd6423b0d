"""Codes of posteriors in torch: those of numpy, what they keep, and what is refused."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from pidkit import InputError, bivariate_pid
from pidkit.distill import Batch, ExactRedundancy, LayerDecoder, NearestCentres, Outputs, PosteriorCodes
from pidkit.representations.posterior_codes import posterior_codes
from tests.distill.toys import blobs, network

CENTROIDS = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6], [0.34, 0.33, 0.33]])


def test_hard_codes_are_the_nearest_centroids_and_soft_ones_fall_with_the_divergence() -> None:
    logits = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    q = torch.softmax(logits.double(), 1).numpy()
    divergence = (q[:, None] * (np.log(q)[:, None] - np.log(CENTROIDS))).sum(2)
    told = Outputs(logits, {})
    np.testing.assert_array_equal(PosteriorCodes(CENTROIDS)(told).argmax(1).numpy(), divergence.argmin(1))
    soft = PosteriorCodes(CENTROIDS, temperature=0.3)(told).numpy()
    expected = np.exp(-divergence / 0.3)
    np.testing.assert_allclose(soft, expected / expected.sum(1, keepdims=True), atol=1e-12)


def test_fitted_centroids_are_those_of_the_held_out_posteriors() -> None:
    x, y = blobs(240)
    model = network(6)
    codes = PosteriorCodes.fit(model, "1", x, y, n_codes=5, rng=2)
    rng = np.random.default_rng(2)
    decoder = LayerDecoder.fit(model, "1", x, y, rng=rng)
    assert decoder.cross_fitted is not None
    _, centroids = posterior_codes(decoder.cross_fitted, 5, rng)
    np.testing.assert_allclose(codes.log_centroids.exp().numpy(), centroids, atol=1e-12)
    torch.testing.assert_close(codes.of_student().log_centroids, codes.log_centroids)


def test_they_follow_the_label_where_codes_without_labels_follow_what_is_loud() -> None:
    """The layer holds the label and, ten times as loud, something else: Red of a perfect student is H(Y) or nothing."""
    rng = torch.Generator().manual_seed(0)
    labels = torch.arange(600) % 2
    x = torch.cat(
        [labels[:, None] + 0.1 * torch.randn(600, 1, generator=rng), 10 * torch.randn(600, 4, generator=rng)], 1
    )
    model = nn.Sequential(nn.Identity())
    answers = Outputs(30.0 * nn.functional.one_hot(labels, 2).double(), {})
    batch = Batch(answers, {"teacher": Outputs(x, {"0": x})})
    decoded = PosteriorCodes.fit(model, "0", x, labels, n_codes=4)
    found = {}
    for name, theirs in (("decoded", decoded), ("centres", NearestCentres.fit(model, "0", x, n_codes=4))):
        objective = ExactRedundancy(theirs, decoded.of_student(temperature=0.01), n_classes=2, momentum=None)
        found[name] = -float(objective(batch, labels)) / np.log(2)
    assert found["decoded"] > 0.98
    assert found["centres"] < 0.1


def test_the_loss_on_them_is_the_redundancy_of_their_joint_and_reaches_the_student() -> None:
    x, y = blobs(120)
    model = network(6)
    theirs = PosteriorCodes.fit(model, "1", x, y, n_codes=4)
    ours = theirs.of_student(temperature=0.2)
    with torch.no_grad():
        told = Outputs(x, {"1": model[1](model[0](x))})
    logits = (x[:, :3] / 4.0).double().requires_grad_()
    loss = ExactRedundancy(theirs, ours, n_classes=3, momentum=None, tol=1e-9)(
        Batch(Outputs(logits, {}), {"teacher": told}), y
    )
    loss.backward()
    t, s = (codes.detach().numpy() for codes in (theirs(told), ours(Outputs(logits, {}))))
    joint = np.einsum("ny,nt,ns->yts", np.eye(3)[y.numpy()], t, s) / 120
    assert float(loss.detach()) == pytest.approx(-bivariate_pid(joint, unit="nats").redundancy, abs=1e-6)
    assert logits.grad is not None
    assert bool((logits.grad.abs().sum(1) > 0).all())


@pytest.mark.parametrize(
    ("centroids", "message"),
    [
        ([0.5, 0.5], "centroids must be rows of probabilities"),
        ([[0.5, 0.4]], "centroids must be rows of probabilities"),
        ([[1.5, -0.5]], "centroids must be rows of probabilities"),
    ],
)
def test_centroids_that_are_no_probabilities_are_refused(centroids: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        PosteriorCodes(centroids)


def test_other_classes_are_refused() -> None:
    x, y = blobs(60)
    decoder = LayerDecoder.fit(network(5), "1", x, y)
    with pytest.raises(InputError, match="centroids have 2 classes, but the decoder has 3"):
        PosteriorCodes([[0.5, 0.5]], decoder)
    with pytest.raises(InputError, match=r"logits must have shape \(n, 3\), as the centroids, not \(5, 2\)"):
        PosteriorCodes(CENTROIDS)(Outputs(torch.zeros(5, 2), {}))
