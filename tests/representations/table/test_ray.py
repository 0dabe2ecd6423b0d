"""A table by the workers of a local ray cluster: the same bytes as in one process."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import joblib
import pytest

from tests.representations.table.layers import written_by

ray = pytest.importorskip("ray")


@contextlib.contextmanager
def workers() -> Iterator[None]:
    from ray.util.joblib import register_ray

    register_ray()
    ray.init(num_cpus=2, include_dashboard=False)
    try:
        with joblib.parallel_config(backend="ray"):
            yield
    finally:
        ray.shutdown()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of ray and its sockets
def test_a_cluster_makes_the_same_bytes(tmp_path: Path) -> None:
    one, many = written_by(tmp_path, workers())
    assert many == one
    assert len(one) == 5
