"""Two gloo processes with half of every batch each: the weights of one process with the whole batch, in all phases."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.distill.training.distributed_run import build

ROOT = Path(__file__).parents[3]
KINDS = ("loop", "trainer", "accumulate", "resume")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int, int], dict[str, Any]]:
    """What one process and two made of every kind of run."""
    folder = tmp_path_factory.mktemp("distributed")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    script = [
        sys.executable,
        "-W",
        "error",
        "-m",
        "tests.distill.training.distributed_run",
        str(folder),
        ",".join(KINDS),
    ]
    started = [
        subprocess.Popen([*script, rank, size], cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
        for rank, size in (("0", "2"), ("1", "2"), ("0", "1"))
    ]
    for process in started:
        _, errors = process.communicate(timeout=240)
        assert process.returncode == 0, errors
    return {
        (kind, rank, size): torch.load(folder / f"{kind}-{rank}-{size}.pt", weights_only=True)
        for kind in KINDS
        for rank, size in ((0, 2), (1, 2), (0, 1))
    }


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_two_processes_do_what_one_does(runs: Any, kind: str) -> None:
    first, second, alone = runs[kind, 0, 2], runs[kind, 1, 2], runs[kind, 0, 1]
    for name, weight in alone["weights"].items():
        if name != "o.terms.followed.mean_v":  # a running mean of each process's own share
            assert torch.equal(first["weights"][name], second["weights"][name]), name
            assert torch.allclose(first["weights"][name], weight, rtol=0.0, atol=1e-6), name
    assert first["values"] == second["values"]
    assert torch.allclose(torch.tensor(first["values"]), torch.tensor(alone["values"]), rtol=0.0, atol=1e-6)


@pytest.mark.slow
def test_resumed_processes_end_where_uninterrupted_ones_do(runs: Any) -> None:
    for rank in range(2):
        whole, resumed = runs["trainer", rank, 2], runs["resume", rank, 2]
        assert resumed["values"] == whole["values"]
        assert all(torch.equal(resumed["weights"][name], weight) for name, weight in whole["weights"].items())


@pytest.mark.slow
def test_every_part_learns(runs: Any) -> None:
    """Otherwise equality would be cheap: the weights are not those of the start."""
    networks, objective = build(0)
    start = {**networks.student.state_dict(), **{f"o.{k}": v for k, v in objective.state_dict().items()}}
    assert not any(torch.equal(runs["loop", 0, 2]["weights"][name], weight) for name, weight in start.items())
