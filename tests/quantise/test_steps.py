"""Unit rows and principal components: laws, an oracle, streaming."""

import math
from typing import Any

import numpy as np
from hypothesis import given, settings

from pidkit.quantise import (
    L2Normalise,
    PrincipalComponents,
)
from tests.quantise.quantisers import ROWS


@given(x=ROWS)
@settings(max_examples=25, deadline=None)
def test_unit_rows_have_norm_one_or_zero_and_keep_their_direction(x: Any) -> None:
    unit = L2Normalise().fit_transform(x)
    norm = np.array([math.hypot(*row) for row in x])  # exact where squares underflow
    np.testing.assert_allclose(np.linalg.norm(unit, axis=1), norm > 0, atol=1e-12)
    np.testing.assert_allclose(unit * norm[:, None], x, rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(L2Normalise().fit_transform(unit), unit, atol=1e-15)


def test_unit_rows_survive_tiny_and_huge_values() -> None:
    x = np.array([[3e-200, 4e-200], [3e130, 4e130], [0.0, 0.0], [5e-324, 0.0]])
    np.testing.assert_allclose(L2Normalise().fit_transform(x), [[0.6, 0.8], [0.6, 0.8], [0.0, 0.0], [1.0, 0.0]])


def test_principal_components_match_an_eigendecomposition() -> None:
    x = np.random.default_rng(1).normal(size=(40, 4)) * [5.0, 3.0, 1.0, 0.2]
    pca = PrincipalComponents(n_components=2)
    projected = pca.fit_transform(x)
    values = np.linalg.eigvalsh(np.cov(x.T))[::-1][:2]
    np.testing.assert_allclose(np.cov(projected.T), np.diag(values), atol=1e-10)
    np.testing.assert_allclose(projected, (x - x.mean(axis=0)) @ pca.components_.T, atol=1e-12)


def test_streaming_components_span_those_of_the_whole() -> None:
    x = np.random.default_rng(1).normal(size=(60, 4)) * [5.0, 3.0, 0.01, 0.01] + 1e6
    pca = PrincipalComponents(n_components=2)
    for batch in np.split(x, 4):
        pca.partial_fit(batch)
    whole = PrincipalComponents(n_components=2).fit(x)
    np.testing.assert_allclose(np.abs(pca.components_ @ whole.components_.T), np.eye(2), atol=1e-3)
