"""A table by the workers of a local dask cluster: the same bytes as in one process."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import joblib
import pytest

from tests.representations.table.layers import written_by

distributed = pytest.importorskip("dask.distributed")


@contextlib.contextmanager
def workers() -> Iterator[None]:
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with cluster, distributed.Client(cluster), joblib.parallel_config(backend="dask"):
        yield


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of dask, tornado and their sockets
def test_a_cluster_makes_the_same_bytes(tmp_path: Path) -> None:
    one, many = written_by(tmp_path, workers())
    assert many == one
    assert len(one) == 5
