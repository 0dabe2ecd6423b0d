"""Binned information: the value of its codes, saturation, components."""

from typing import Any

import numpy as np
import pytest

from pidkit.plane.binned import binned_input_information, binned_label_information, leading_components

RNG = np.random.default_rng(0)
LABELS = np.arange(400) % 4
CLUSTERS = np.eye(4)[LABELS] + 0.05 * RNG.normal(size=(400, 4))


def fresh() -> np.random.Generator:
    return np.random.default_rng(0)


def test_binned_values_are_those_of_the_codes() -> None:
    features = np.repeat([0.0, 1.0, 2.0, 3.0], 25)[:, None]
    target = np.repeat([0, 0, 1, 1], 25)
    input_side = binned_input_information(features, target, fresh(), n_bins=4)
    label_side = binned_label_information(features, target, fresh(), n_bins=4)
    assert input_side.value == pytest.approx(np.log(4.0))
    assert label_side.value == pytest.approx(np.log(2.0))
    assert (input_side.cap, label_side.cap) == pytest.approx((np.log(100.0), np.log(2.0)))
    assert input_side.stderr == pytest.approx(0.0)
    assert (input_side.kind, input_side.saturated, input_side.warnings) == ("plugin", False, ())


def test_independent_labels_have_no_binned_information() -> None:
    features, target = np.repeat([0.0, 1.0], 50)[:, None], np.tile([0, 1], 50)
    assert binned_label_information(features, target, fresh(), n_bins=2).value == pytest.approx(0.0)


def test_bins_that_tell_every_sample_apart_are_called_saturated() -> None:
    features = RNG.normal(size=(200, 30))
    unused: Any = None  # the input itself says nothing beyond its features
    wide = binned_input_information(features, unused, fresh(), n_bins=30, n_pca=None)
    assert wide.value == pytest.approx(np.log(200.0))
    assert wide.saturated
    assert "nearly every sample is its own symbol; use fewer bins" in wide.warnings[0]
    assert binned_label_information(features, LABELS[:200], fresh(), n_bins=30, n_pca=None).saturated
    assert not binned_input_information(features, unused, fresh(), n_bins=3, n_pca=2).saturated


def test_components_are_taken_where_rows_are_wider() -> None:
    assert leading_components(CLUSTERS, None) is CLUSTERS
    assert leading_components(CLUSTERS, 4) is CLUSTERS
    assert leading_components(CLUSTERS, 2).shape == (400, 2)
    assert leading_components(RNG.normal(size=(3, 9)), 5).shape == (3, 3)
