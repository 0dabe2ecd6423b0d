"""Named estimators of the plane: pairs, kinds, options and what is refused."""

from typing import Any

import numpy as np
import pytest

from pidkit.errors import InputError
from pidkit.nn import TrainingBudget
from pidkit.plane.estimators import PLANE_ESTIMATORS, PlaneEstimator, plane_estimator, plane_estimators

RNG = np.random.default_rng(0)
LABELS = np.arange(400) % 4
CLUSTERS = np.eye(4)[LABELS] + 0.05 * RNG.normal(size=(400, 4))


def fresh() -> np.random.Generator:
    return np.random.default_rng(0)


def quick(name: str) -> dict[str, Any]:
    """Return options that keep the test short."""
    if name == "decoder":
        return {"mi_input": {"budget": TrainingBudget(max_steps=400)}}
    if name in ("jsd", "infonce"):
        pytest.importorskip("torch")
        options = {"budget": TrainingBudget(max_steps=200, batch_size=64)}
        return {"mi_input": options, "mi_label": options}
    return {}


@pytest.mark.parametrize("name", PLANE_ESTIMATORS)
@pytest.mark.filterwarnings("ignore::pidkit.errors.PidkitWarning")
def test_named_pairs_tell_informed_features_from_noise(name: str) -> None:
    pair = plane_estimator(name, **quick(name))
    assert pair.name == name
    assert pair.mi_input is not None
    assert pair.mi_label is not None
    noise = RNG.normal(size=CLUSTERS.shape)
    informed, empty = (pair.mi_label(rows, LABELS, fresh()) for rows in (CLUSTERS, noise))
    assert informed.unit == "nats"
    assert np.log(4.0) - 0.45 < informed.value < np.log(4.0) + 0.1
    assert empty.value < 0.5 * informed.value
    inputs = np.repeat(CLUSTERS, 2, axis=1)
    informed = pair.mi_input(CLUSTERS, inputs, fresh())
    assert informed.value > 1.0
    if name != "binned":  # which counts how features differ, whatever they say
        assert pair.mi_input(noise, inputs, fresh()).value < 0.5 * informed.value


def test_kinds_are_named_for_what_they_are() -> None:
    pair = plane_estimator("decoder", **quick("decoder"))
    assert pair.mi_input is not None
    assert pair.mi_label is not None
    kinds = [
        getattr(pair.mi_input(CLUSTERS, CLUSTERS, fresh()), "kind", ""),
        getattr(pair.mi_label(CLUSTERS, LABELS, fresh()), "kind", ""),
    ]
    assert kinds == ["v_information", "lower_bound"]


def test_options_reach_the_estimators_and_the_provenance() -> None:
    pair = plane_estimator("binned", mi_input={"n_bins": 2}, called="two bins")
    assert pair.mi_input is not None
    assert pair.mi_input(CLUSTERS[:, :1], CLUSTERS, fresh()).value < np.log(2.0) + 1e-9
    assert pair.name == "two bins"
    assert pair.options == {"pair": "binned", "mi_input": {"n_bins": 2}, "mi_label": {}}
    assert plane_estimator("decoder", mi_input={"hidden": (8,)}).options["mi_input"] == {"hidden": "(8,)"}
    wrong = plane_estimator("ksg", mi_input={"neighbours": 3})
    assert wrong.mi_input is not None
    with pytest.raises(InputError, match="estimator 'ksg' has no option 'neighbours'"):
        wrong.mi_input(CLUSTERS, CLUSTERS, fresh())


def test_names_and_pairs_are_collected_and_checked() -> None:
    own = PlaneEstimator("own")
    assert [pair.name for pair in plane_estimators(["ksg", own])] == ["ksg", "own"]
    assert plane_estimators(own) == (own,)
    with pytest.raises(InputError, match=r"estimators must be one of 'decoder', .*, not 'mine'"):
        plane_estimators("mine")
    with pytest.raises(InputError, match=r"estimators must be at least one, each with a name of its own, not \[\]"):
        plane_estimators([])
