"""A decoder of layers in torch: the posteriors of its numpy twins, what it reads, and what is refused."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from pidkit import InputError
from pidkit.distill import LayerDecoder, Outputs
from pidkit.mi.decoder import LabelDecoder
from pidkit.nn import collect_features
from pidkit.representations.calibration import fit_calibration
from pidkit.representations.folds import cross_fitting_splits
from tests.distill.toys import blobs, network

X, Y = blobs(240)


def outputs(model: nn.Module, x: torch.Tensor, *layers: str) -> Outputs:
    features = collect_features(model, layers, x)
    return Outputs(x, features)


def test_it_is_the_mean_of_the_calibrated_decoders_of_numpy() -> None:
    model = network(6)
    found = LayerDecoder.fit(model, "1", X, Y, rng=3)(outputs(model, X, "1")).exp().numpy()
    rows, y = collect_features(model, "1", X)["1"].double().numpy(), Y.numpy()
    rng = np.random.default_rng(3)
    splits = cross_fitting_splits(y, 5, None, rng)
    expected = np.zeros((240, 3))
    for split, decoder in zip(splits, LabelDecoder().cross_fit(rows, y, splits=splits, rng=rng), strict=True):
        calibration = fit_calibration(decoder.posteriors(rows[split.stop]), y[split.stop])
        expected += calibration.apply(decoder.posteriors(rows)) / 5
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_rows_of_the_fit_have_posteriors_by_decoders_that_had_not_seen_their_labels() -> None:
    rng = torch.Generator().manual_seed(1)
    x, labels = torch.randn(300, 60, generator=rng), torch.randint(2, (300,), generator=rng)
    fitted = LayerDecoder.fit(nn.Sequential(nn.Identity()), "0", x, labels)
    assert fitted.cross_fitted is not None
    # Sixty columns of noise tell some labels of the rows that were fitted to, and none of those that were not.
    hits = fitted.cross_fitted[np.arange(300), labels.numpy()]
    assert np.log(hits).mean() < np.log(0.5) + 0.02


def test_several_layers_tell_more_than_one() -> None:
    first, second = (torch.arange(400) // k % 2 for k in (1, 2))
    rng = torch.Generator().manual_seed(0)
    x = torch.stack([first, second], 1) + 0.1 * torch.randn(400, 2, generator=rng)

    class Halves(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.left, self.right = nn.Identity(), nn.Identity()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.left(x[:, :1]) + self.right(x[:, 1:])

    labels, model = 2 * first + second, Halves()
    right = {}
    for layers in (["left"], ["left", "right"]):
        decoder = LayerDecoder.fit(model, layers, x, labels)
        right[len(layers)] = float((decoder(outputs(model, x, *layers)).argmax(1) == labels).double().mean())
    assert right[1] < 0.6
    assert right[2] > 0.99


def test_calibrating_on_other_inputs_makes_a_teacher_that_has_seen_the_labels_less_sure() -> None:
    rng = torch.Generator().manual_seed(0)
    labels, others = torch.arange(200) % 2, torch.arange(1, 201) % 2
    # The layer is the label itself on the inputs that the teacher was trained on, and hardly so on others.
    x = 2.0 * labels[:, None] - 1.0 + 0.1 * torch.randn(200, 1, generator=rng)
    unseen = 0.3 * (2.0 * others[:, None] - 1.0) + torch.randn(200, 1, generator=rng)
    model = nn.Sequential(nn.Identity())
    sure = LayerDecoder.fit(model, "0", x, labels)
    honest = LayerDecoder.fit(model, "0", x, labels, calibrate_on=(unseen, others))
    own = torch.arange(200), others
    losses = [-float(one(Outputs(unseen, {"0": unseen}))[own].mean()) for one in (sure, honest)]
    assert losses[0] > 1.0
    assert losses[1] < np.log(2.0)


def test_channels_are_averaged_over_the_places_or_flattened() -> None:
    maps = torch.randn(120, 2, 3, 3, generator=torch.Generator().manual_seed(0))
    labels = (maps[:, 0, 0, 0] > 0).long()
    model = nn.Sequential(nn.Identity())
    pooled, flat = (LayerDecoder.fit(model, "0", maps, labels, pool=pool) for pool in (True, False))
    assert pooled.weights.shape == (5, 2, 2)
    assert flat.weights.shape == (5, 18, 2)
    right = [(one(Outputs(maps, {"0": maps})).argmax(1) == labels).double().mean() for one in (pooled, flat)]
    assert right[0] < right[1]


def test_the_network_is_left_as_it_was_and_the_state_comes_back() -> None:
    model = network(5).train()
    before = copy.deepcopy(model.state_dict())
    decoder = LayerDecoder.fit(model, "1", X, Y)
    assert model.training
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)
    other = LayerDecoder.fit(model, "1", X, Y.flip(0))
    other.load_state_dict(decoder.state_dict())
    told = outputs(model, X, "1")
    torch.testing.assert_close(other(told), decoder(told), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (Y[:-1], "labels must hold one class an input; there are 239 for 240 inputs"),
        (torch.zeros(240, dtype=torch.int64), "labels must hold every class from 0 to 0, two at least"),
        (2 * Y, "labels must hold every class from 0 to 4"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels: torch.Tensor, message: str) -> None:
    with pytest.raises(InputError, match=message):
        LayerDecoder.fit(network(5), "1", X, labels)


def test_other_features_than_in_the_fit_are_refused() -> None:
    decoder = LayerDecoder.fit(network(5), "1", X, Y)
    with pytest.raises(InputError, match="1 have 4 features a sample, but the decoder was fitted to 5"):
        decoder(Outputs(X, {"1": X}))
