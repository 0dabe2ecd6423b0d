"""A table by the workers of a local dask cluster: the same bytes as in one process."""

from pathlib import Path

import joblib
import pytest

from pidkit import pid_table, save_arrays
from tests.representations.table.layers import QUICK, X1, Y, content_of, layer

distributed = pytest.importorskip("dask.distributed")

X2 = {"a": layer(1, 0.5), "b": layer(2, 0.7)}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of dask, tornado and their sockets
def test_a_cluster_makes_the_same_bytes(tmp_path: Path) -> None:
    files = {}
    for name, array in X2.items():
        save_arrays(tmp_path / f"{name}.npy", x=array)
        files[name] = tmp_path / f"{name}.npy"
    pid_table(labels=Y, x1={"late": X1["late"]}, x2=files, path=tmp_path / "one", **QUICK)
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with cluster, distributed.Client(cluster), joblib.parallel_config(backend="dask"):
        pid_table(labels=Y, x1={"late": X1["late"]}, x2=files, path=tmp_path / "dask", **QUICK)
    assert content_of(tmp_path / "dask") == content_of(tmp_path / "one")
    assert len(content_of(tmp_path / "one")) == 5
