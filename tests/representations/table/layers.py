"""Small layers of one sample, and tables of them, for the tests of tables."""

from __future__ import annotations

import functools
import sys
import warnings
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np

from pidkit import PidkitWarning, PIDTable, pid_table, save_arrays

N = 120
Y = np.random.default_rng(1).permutation(np.arange(N) % 3)


def layer(seed: int, noise: float, width: int = 3) -> Any:
    """Return a noisy look at the labels."""
    rng = np.random.default_rng(seed)
    return (np.eye(3)[Y] @ np.eye(3, width) + noise * rng.normal(size=(N, width))).astype(np.float32)


X1: dict[Any, Any] = {"early": layer(0, 0.9), "late": layer(1, 0.4)}
X2: dict[Any, Any] = {
    ("fc", student, epoch): layer(10 * epoch + which, noise / np.sqrt(epoch))
    for which, (student, noise) in enumerate((("alone", 1.2), ("distilled", 0.6)))
    for epoch in (1, 4)
}
INDEX = ("student", "epoch")
QUICK: dict[str, Any] = {"decoder": "knn", "n_codes": 4, "folds": 2}
"""How these layers are read: what costs little."""


def table(path: Path | None = None, **options: Any) -> PIDTable:
    """Return the table of these layers."""
    return pid_table(**{"labels": Y, "x1": X1, "x2": X2, "index": INDEX, "path": path, **QUICK, **options})


@functools.cache
def compared() -> PIDTable:
    """Return that table with the students compared."""
    with warnings.catch_warnings(category=PidkitWarning, action="ignore"):
        return table(compare="student", n_null=2, n_bootstrap=2)


def written_by(folder: Path, cluster: AbstractContextManager[object]) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Return the files of a table that one process writes, and those that joblib's workers write within `cluster`."""
    files = {}
    for name, array in {"a": layer(1, 0.5), "b": layer(2, 0.7)}.items():
        save_arrays(folder / f"{name}.npy", x=array)
        files[name] = folder / f"{name}.npy"
    layers: dict[str, Any] = {"labels": Y, "x1": {"late": X1["late"]}, "x2": files}
    pid_table(**layers, path=folder / "one", **QUICK)
    with cluster:
        pid_table(**layers, path=folder / "many", **QUICK)
    return content_of(folder / "one"), content_of(folder / "many")


def content_of(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file of a folder, by its path."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


if __name__ == "__main__":
    table(Path(sys.argv[1]), n_null=2)
