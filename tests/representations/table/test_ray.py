"""A table by the workers of a local ray cluster: the same bytes as in one process."""

from pathlib import Path

import joblib
import pytest

from pidkit import pid_table, save_arrays
from tests.representations.table.layers import QUICK, X1, Y, content_of, layer

ray = pytest.importorskip("ray")

X2 = {"a": layer(1, 0.5), "b": layer(2, 0.7)}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of ray and its sockets
def test_a_cluster_makes_the_same_bytes(tmp_path: Path) -> None:
    from ray.util.joblib import register_ray

    files = {}
    for name, array in X2.items():
        save_arrays(tmp_path / f"{name}.npy", x=array)
        files[name] = tmp_path / f"{name}.npy"
    pid_table(labels=Y, x1={"late": X1["late"]}, x2=files, path=tmp_path / "one", **QUICK)
    register_ray()
    ray.init(num_cpus=2, include_dashboard=False)
    try:
        with joblib.parallel_config(backend="ray"):
            pid_table(labels=Y, x1={"late": X1["late"]}, x2=files, path=tmp_path / "ray", **QUICK)
    finally:
        ray.shutdown()
    assert content_of(tmp_path / "ray") == content_of(tmp_path / "one")
    assert len(content_of(tmp_path / "one")) == 5
