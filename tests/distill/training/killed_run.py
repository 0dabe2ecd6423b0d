"""Runs that are killed by SIGKILL again and again, each time resumed by a new process; prints hashes of their weights.

python killed_run.py FOLDER SEED...: a run for each seed, killed at random moments, which are counted in steps of the
optimisers and not in seconds, so that a fast machine is killed as often as a slow one. Seed -1 kills in a write of a
checkpoint: half way through the file, or when it is complete but not yet in place. Seed 0 kills never. One import of
torch serves all processes, which are forked.
"""

import hashlib
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

from pidkit.distill import CrossEntropy, Phases, WeightedSum
from pidkit.distill.objectives.rid import RID
from pidkit.distill.training import Trainer, TrainerOptions
from tests.distill.toys import blobs, tapped

KEPT = {"checkpoint.pt", "history.json"}
"""What a run leaves in its folder."""

KILLS = 6
"""How often a run is killed. Six times at most ten steps are half of the steps that it takes: none ends before."""


def train(folder: Path) -> str:
    torch.set_num_threads(1)
    torch.manual_seed(os.getpid())  # another one in every process: only the checkpoint can make the runs agree
    if not (folder / "checkpoint.pt").exists():
        torch.manual_seed(0)
    networks = tapped(dropout=0.3)
    with torch.random.fork_rng(devices=[]):
        objective = WeightedSum({"labels": CrossEntropy(), "rid": RID(networks.pairs, n_classes=3)})
    options = TrainerOptions(epochs=24, batch_size=12, progress=False, keep="best-validation")
    phases = Phases(warm_up=2, cycle=4, teacher_share=0.25)
    data: dict[str, Any] = {"train": blobs(60), "validation": blobs(60, seed=1)}
    trainer = Trainer(networks, objective, phases, options, **data, path=folder, resume=True)
    trainer.fit()
    digest = hashlib.sha256()
    for module in (networks.student, objective):
        for name, value in module.state_dict().items():
            digest.update(name.encode() + value.numpy().tobytes())
    return f"{digest.hexdigest()} {trainer.history.kept_epoch}"


def kill_in_a_write(attempt: int) -> None:
    """Make the write number 2 of this process fatal: before its end, or before the file is in place."""
    seen: list[int] = []
    fsync = os.fsync

    def deadly(descriptor: int) -> None:
        seen.append(descriptor)
        if len(seen) == 3:  # two of a checkpoint, one of the history between them
            if attempt % 2:
                os.ftruncate(descriptor, 1000)
            os.kill(os.getpid(), signal.SIGKILL)
        fsync(descriptor)

    os.fsync = deadly  # type: ignore[assignment]  # the module that pidkit.arrays.saving reads it from


def tell_step(count: int, write: int) -> None:
    """Write a byte to a pipe when this process has made so many steps of its optimisers."""
    seen: list[object] = []

    def step(optimiser: object, *_: object) -> None:
        seen.append(optimiser)
        if len(seen) == count:
            os.write(write, b"!")

    register_optimizer_step_post_hook(step)


def survive(folder: Path, seed: int) -> str:
    """Train to the end, whatever kills; return hash and epoch of the weights, the kills, and what is left over."""
    draw = random.Random(seed)
    for attempt in range(20):
        read, write = os.pipe()
        steps, moment = draw.randint(1, 10), draw.uniform(0.0, 0.002)
        child = os.fork()
        if child == 0:
            if seed == -1 and attempt < KILLS:
                kill_in_a_write(attempt)
            if seed > 0 and attempt < KILLS:
                tell_step(steps, write)
            os.write(write, train(folder).encode())
            os._exit(0)
        os.close(write)
        if seed > 0 and attempt < KILLS:
            os.read(read, 1)
            time.sleep(moment)
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        with os.fdopen(read) as result:
            found = result.read()
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0 and found:
            return " ".join([found, str(attempt), *sorted({file.name for file in folder.iterdir()} - KEPT)])
        assert os.WIFSIGNALED(status), "the run failed by itself"
    raise SystemExit("never came to an end")


if __name__ == "__main__":
    for given in sys.argv[2:]:
        folder = Path(sys.argv[1], given)
        folder.mkdir()
        print(survive(folder, int(given)), flush=True)
