"""Clusterers of scikit-learn as quantisers: their clusters are the codes, classifiers are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline

from pidkit import InputError, KMeansCodes, coded_pid
from pidkit.quantise.clusterer import ClustererCodes, is_clusterer

RNG = np.random.default_rng(0)
Y = np.arange(200) % 2
LAYER = 5.0 * Y[:, None] + 0.1 * RNG.normal(size=(200, 3))
NOISE = RNG.normal(size=(200, 3))
CLUSTERERS = [
    KMeans(2, n_init=1, random_state=0),
    GaussianMixture(2, random_state=0),
    make_pipeline(PCA(2), KMeans(2, n_init=1, random_state=0)),
]


@pytest.mark.parametrize("clusterer", CLUSTERERS)
def test_two_clusters_that_are_the_classes_tell_the_bit(clusterer: Any) -> None:
    found = coded_pid(labels=Y, x1=LAYER, x2=NOISE, quantiser=(clusterer, KMeansCodes(2, random_state=0)))
    assert found.pid.mi_1 == pytest.approx(1.0, abs=1e-9)
    assert found.provenance["quantiser_1"]["n_codes"] == 2
    assert not hasattr(clusterer, "n_features_in_")  # a copy was fitted


def test_the_alphabet_is_what_was_asked_for() -> None:
    """Later rows may fall in a component that no row of the fit fell in."""
    assert ClustererCodes(GaussianMixture(7, random_state=0)).fit(LAYER).n_codes_ == 7


def test_what_is_no_clusterer_is_refused() -> None:
    assert not is_clusterer(KMeans)
    with pytest.raises(InputError, match=r"^quantiser must have fit, transform and get_params; LogisticRegression"):
        coded_pid(labels=Y, x1=LAYER, x2=NOISE, quantiser=LogisticRegression())
