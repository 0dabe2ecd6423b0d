"""Column generation: limits, the climber of large posteriors, and agreement with the same run by climbing."""

import time

import numpy as np
import pytest

from pidkit.intersection import column_generation
from pidkit.intersection.blackwell import blackwell_cone
from pidkit.intersection.column_generation import generate_columns
from pidkit.intersection.coordinates import find_coordinates
from pidkit.intersection.griffith_ho import griffith_ho_cone
from tests.intersection.joints import dirichlet


def test_limits_keep_the_interval_valid() -> None:
    cone = griffith_ho_cone(dirichlet((2, 3, 3), 0)).cone
    coordinates = find_coordinates(cone)
    value = generate_columns(cone, coordinates, tol=1e-10).lower
    for max_iter in (1, 3, 10):
        split = generate_columns(cone, coordinates, tol=1e-10, max_iter=max_iter)
        assert split.status == "max_iter"
        assert split.lower - 1e-12 <= value <= split.upper
    split = generate_columns(cone, coordinates, tol=1e-10, deadline=time.perf_counter() - 1.0)
    assert split.status == "time_limit"
    assert split.lower == pytest.approx(0.0, abs=1e-12)
    assert split.upper >= value


def test_climbing_leads_to_the_same_value(monkeypatch: pytest.MonkeyPatch) -> None:
    cone = griffith_ho_cone(dirichlet((2, 3, 3), 1)).cone
    coordinates = find_coordinates(cone)
    value = generate_columns(cone, coordinates, tol=1e-10).lower
    monkeypatch.setattr(column_generation, "EASY", 1)
    assert generate_columns(cone, coordinates, tol=1e-10).lower == pytest.approx(value, abs=1e-9)


def test_a_tolerance_out_of_reach_ends_as_stalled_or_converged() -> None:
    p = dirichlet((3, 4, 4), 0)
    cone = blackwell_cone([p.sum(2), p.sum(1)])
    split = generate_columns(cone, find_coordinates(cone), tol=-1.0)
    assert split.status == "stalled"
    assert abs(split.upper - split.lower) <= 1e-9


def test_size_limit_keeps_the_interval_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    cone = griffith_ho_cone(dirichlet((3, 3, 3), 0)).cone
    coordinates = find_coordinates(cone)
    value = generate_columns(cone, coordinates, tol=1e-10).lower
    monkeypatch.setattr("pidkit.intersection.pricing.MAX_VERTICES", 4)
    split = generate_columns(cone, coordinates, tol=1e-10)
    assert split.status == "size_limit"
    assert split.lower - 1e-12 <= value <= split.upper
    assert np.isfinite(split.upper)
