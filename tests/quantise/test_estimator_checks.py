"""The checks of scikit-learn for estimators, and the tools that take transformers: pipelines, tables, named columns.

The checks that a transformer of pidkit fails, because it promises something else, are listed with the reason; a check
of the list that passes is an error.
"""

from __future__ import annotations

import unittest
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import sklearn.utils.estimator_checks
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from pidkit import coded_pid
from pidkit.quantise import (
    KMeansCodes,
    L2Normalise,
    PrincipalComponents,
    QuantileBins,
    RepresentationCodes,
    UniformBins,
)
from pidkit.quantise.clusterer import ClustererCodes
from tests.quantise.quantisers import CODERS, STEPS, blobs, coders, same_partition, steps

EXPECTED = {
    "check_complex_data": "refused, in other words than scikit-learn's",
    "check_estimators_empty_data_messages": "refused, in other words",
    "check_fit2d_predict1d": "refused, in other words: a vector is one feature",
    "check_fit1d": "a vector is accepted: one feature a row",
    "check_dtype_object": "refused: arrays of objects may hold None, which is no number",
}
"""The checks that every transformer fails, and why."""

EXPECTED_SINCE_1_6 = {"check_n_features_in_after_fitting": "refused, in other words"}
"""What all fail as well where scikit-learn asks for its own words."""

EXPECTED_OF_CLUSTERERS = {"check_parameters_default_constructible": "without a clusterer there is nothing to construct"}
"""What `ClustererCodes` fails as well, before scikit-learn 1.6."""

IS_OLD = not hasattr(sklearn.utils.estimator_checks, "estimator_checks_generator")
"""Whether scikit-learn is older than 1.6."""

EXPECTED_OF_CODES = {"check_fit2d_1sample": "refused, in other words: there are more codes than rows"}
"""What those fail that look for a number of codes as well."""

SLOW = pytest.mark.slow
ESTIMATORS = [
    UniformBins(3),
    KMeansCodes(2, n_init=1),
    PrincipalComponents(1),
    pytest.param(QuantileBins(3), marks=SLOW),
    pytest.param(RepresentationCodes(1, 2, n_init=1), marks=SLOW),
    pytest.param(L2Normalise(), marks=SLOW),
    pytest.param(ClustererCodes(KMeans(2, n_init=1, random_state=0)), marks=SLOW),
]


def checks_of(estimator: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the checks of scikit-learn, by the name that the generator has in 1.5 or later."""
    module = sklearn.utils.estimator_checks
    if IS_OLD:
        yield from module.check_estimator(estimator, generate_only=True)
    else:
        yield from module.estimator_checks_generator(estimator)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda one: type(one).__name__)
def test_the_checks_of_scikit_learn(estimator: Any) -> None:
    failed, n_passed = {}, 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the checks themselves
        for one, check in checks_of(estimator):
            try:
                check(one)
                n_passed += 1
            except unittest.SkipTest:
                pass
            except Exception as error:  # what a check raises is what it found
                failed[check.func.__name__] = str(error)
    expected = EXPECTED | (EXPECTED_OF_CODES if hasattr(estimator, "n_codes") else {})
    if not IS_OLD:
        expected |= EXPECTED_SINCE_1_6
    elif isinstance(estimator, ClustererCodes):
        expected |= EXPECTED_OF_CLUSTERERS
    assert set(failed) == set(expected), failed
    assert n_passed > 25


@coders
def test_codes_are_a_column_to_pipelines_and_column_transformers(make: Any) -> None:
    x = blobs(40, 4)
    scaled = StandardScaler().fit_transform(x)
    pipeline = make_pipeline(StandardScaler(), make(), OneHotEncoder(sparse_output=False))
    codes = make().fit(scaled).codes(scaled)
    np.testing.assert_array_equal(pipeline.fit_transform(x), np.unique(codes) == codes[:, None])
    both = ColumnTransformer([("left", make(), [0, 1]), ("right", make(), [2, 3])])
    found = both.fit_transform(x)
    np.testing.assert_array_equal(found[:, 0], make().fit(x[:, :2]).codes(x[:, :2]))
    np.testing.assert_array_equal(found[:, 1], make().fit(x[:, 2:]).codes(x[:, 2:]))
    name = type(make()).__name__.lower()
    assert both.get_feature_names_out().tolist() == [f"left__{name}0", f"right__{name}0"]


@steps
def test_tables_come_out_with_names_and_the_index_of_what_went_in(make: Any) -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(blobs(20, 3), columns=["a", "b", "c"], index=np.arange(20) + 100)
    step = make().set_output(transform="pandas")
    for found in (step.fit_transform(table), step.transform(table)):
        assert found.columns.tolist() == step.get_feature_names_out().tolist()
        assert found.index.tolist() == table.index.tolist()
        np.testing.assert_array_equal(found.to_numpy(), make().fit_transform(table))
    with pytest.raises(ValueError, match="x has columns in another order than fit saw"):
        step.transform(table[["b", "a", "c"]])


def test_names_of_the_columns_put_out() -> None:
    x = blobs(20, 3)
    for name in STEPS:
        with pytest.raises(sklearn.exceptions.NotFittedError):
            STEPS[name]().get_feature_names_out()
    length = L2Normalise().fit(x)
    assert length.get_feature_names_out().tolist() == ["x0", "x1", "x2"]
    assert length.get_feature_names_out(["u", "v", "w"]).tolist() == ["u", "v", "w"]
    with pytest.raises(ValueError, match="input_features should have length equal to number of features, 3"):
        length.get_feature_names_out(["u"])
    pandas = pytest.importorskip("pandas")
    length.fit(pandas.DataFrame(x, columns=["a", "b", "c"]))
    assert length.get_feature_names_out().tolist() == ["a", "b", "c"]
    with pytest.raises(ValueError, match="input_features is not equal to feature_names_in_"):
        length.get_feature_names_out(["u", "v", "w"])
    two = PrincipalComponents(2).fit(x)
    assert two.get_feature_names_out().tolist() == ["principalcomponents0", "principalcomponents1"]


def test_a_pipeline_that_ends_in_codes_is_a_quantiser() -> None:
    """Its codes, as a column, and those of the vector are one decomposition, and the alphabet is the last step's."""
    labels, x = np.arange(90) % 3, blobs(90, 4)
    pipeline = make_pipeline(StandardScaler(), KMeansCodes(3, n_init=2))
    found = coded_pid(labels=labels, x1=x, x2=x[:, :2], quantiser=pipeline)
    assert found.provenance["quantiser_1"]["n_codes"] == 3
    assert found.pid.redundancy == pytest.approx(np.log2(3.0), abs=1e-9)
    assert same_partition(clone(pipeline).fit(x).transform(x).ravel(), labels)
    assert all(callable(make().codes) for make in CODERS.values())
