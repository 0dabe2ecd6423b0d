"""Permutations: p-values are uniform where there is nothing, small where there is, and groups move as wholes."""

from typing import Any

import numpy as np
import pytest

from pidkit import InputError, estimate_mi
from pidkit.mi import ESTIMATORS
from pidkit.mi.blocks import Blocks

pytestmark = pytest.mark.filterwarnings("ignore::pidkit.PidkitWarning")
LIGHT = [name for name, (module, _, _) in ESTIMATORS.items() if not module.endswith("neural")]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name == "reconstruction-decoder")) for name in LIGHT]
)
def test_every_estimator_tells_something_from_nothing(name: str) -> None:
    rng = np.random.default_rng(0)
    y = np.arange(80) % 2
    a: Any
    a, nothing = y[:, None] + 0.3 * rng.normal(size=(80, 1)), rng.normal(size=(80, 1))
    b: Any = y if name in ("ross", "label-decoder") else a + 0.3 * rng.normal(size=(80, 1))
    if name in ("plugin", "miller-madow"):
        a, b, nothing = y, y, rng.permutation(y)
    something = estimate_mi(a, b, estimator=name, n_null=9, unit="nats")  # type: ignore[arg-type]
    assert something.p_value == 0.1
    assert len(something.null) == 9
    assert max(something.null) < something.value
    assert something.to("bits").null[0] == pytest.approx(something.null[0] / np.log(2.0))
    assert "p = 0.1 by 9 permutations" in repr(something)
    assert estimate_mi(nothing, b, estimator=name, n_null=9).p_value > 0.1  # type: ignore[arg-type, operator]


def test_p_values_are_uniform_where_there_is_nothing() -> None:
    p_values = []
    for seed in range(60):
        a, b = np.random.default_rng(seed).normal(size=(2, 60, 1))
        p_values.append(estimate_mi(a, b, estimator="gaussian", n_null=19, rng=seed).p_value)
    assert 0.35 < np.mean(p_values) < 0.7  # type: ignore[arg-type]
    assert np.mean(np.array(p_values) <= 0.1) <= 0.2


def test_copies_call_nothing_real_unless_they_move_as_wholes() -> None:
    groups = np.repeat(np.arange(20), 10)
    rng = np.random.default_rng(1)
    false = {"rows": 0, "groups": 0}
    for _ in range(20):
        a, b = np.repeat(rng.normal(size=(2, 20, 1)), 10, axis=1)
        false["rows"] += estimate_mi(a, b, estimator="gaussian", n_null=19).p_value <= 0.05  # type: ignore[operator]
        moved = estimate_mi(a, b, estimator="gaussian", n_null=19, groups=groups).p_value
        false["groups"] += moved <= 0.05  # type: ignore[operator]
    assert false["rows"] > 8
    assert false["groups"] <= 3


def test_groups_trade_places_with_those_of_their_size() -> None:
    groups = np.array([3, 0, 0, 1, 1, 3, 2, 2, 2])
    seen = set()
    for seed in range(30):
        taken = Blocks(9, groups).exchange(np.random.default_rng(seed))
        assert sorted(taken) == list(range(9))
        assert taken[[6, 7, 8]].tolist() == [6, 7, 8]
        for group in (0, 1, 3):
            assert np.unique(groups[taken[groups == group]]).size == 1
        seen.add(tuple(taken))
    assert len(seen) == 6
    with pytest.raises(InputError, match=r"^groups are all of different sizes"):
        Blocks(3, np.array([0, 1, 1])).exchange(np.random.default_rng(0))
    with pytest.raises(
        InputError, match=r"^groups: 'plugin' has no folds to keep them in, and without permutations nothing trades"
    ):
        estimate_mi([0, 1] * 20, [1, 0] * 20, estimator="plugin", groups=[0] * 40)
