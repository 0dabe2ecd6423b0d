"""One process of a distributed run: python distributed_run.py FOLDER KIND RANK SIZE. Saves losses and weights.

KIND "loop" wraps Distillation in DistributedDataParallel in a loop of one's own; "trainer" leaves it to Trainer;
"resume" does the same in two halves.
"""

import sys
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import nn

from pidkit.distill import (
    Distillation,
    Linear,
    Networks,
    Phases,
    TopAccuracy,
    Trainer,
    TrainerOptions,
    WeightedSum,
)
from tests.distill.toys import blobs, composed, tapped

N_EPOCHS, BATCH = 6, 12

Trained = tuple[Networks, WeightedSum, list[list[Any]]]
"""The networks and the objective after training, and loss and accuracies of each epoch."""


def phases() -> Phases:
    return Phases(warm_up=1, cycle=3, teacher_share=1 / 3)


def build(rank: int) -> tuple[Networks, WeightedSum]:
    """The student differs by process before wrapping, which sends the first one's to all."""
    networks = tapped(norm=False, dtype=torch.float64, seed=1 + rank)
    return networks, composed(networks, dtype=torch.float64, heeds=0.0)


def own_loop(rank: int, size: int) -> Trained:
    networks, objective = build(rank)
    step: nn.Module = Distillation(networks, objective)
    if size > 1:
        step = nn.parallel.DistributedDataParallel(step, find_unused_parameters=True)
    learn = [*networks.student.parameters(), *objective.parameters()]
    optimiser, schedule = torch.optim.SGD(learn, lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-3), phases()
    x, y = blobs(3 * BATCH, dtype=torch.float64)
    for _ in range(N_EPOCHS):
        for rows in torch.arange(len(y)).split(BATCH):
            mine = rows[rank::size]
            optimiser.zero_grad()
            step(x[mine], y[mine], schedule.current).backward()
            optimiser.step()
        schedule.advance()
    return networks, objective, []


def softened(x: torch.Tensor, labels: torch.Tensor, draws: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """A mix that draws nothing, so that it is the same for any number of processes."""
    return x, 0.7 * nn.functional.one_hot(labels, 3).double() + 0.1


def trained(rank: int, *, epochs: int, path: Path | None = None, accumulate: int = 1, resume: bool = False) -> Trained:
    networks, objective = build(rank)
    batch_size = BATCH // accumulate
    options = TrainerOptions(
        epochs=epochs,
        batch_size=batch_size,
        accumulate=accumulate,
        schedule=Linear(length=2 * N_EPOCHS, per="step", warm_up=0.5),
        metrics=[TopAccuracy(2)],
        progress=False,
    )
    splits: dict[str, Any] = {
        name: blobs(n, seed=k, dtype=torch.float64)
        for k, (name, n) in enumerate({"train": 39, "validation": 31}.items())
    }
    trainer = Trainer(networks, objective, phases(), options, **splits, mix=softened, path=path, resume=resume)
    history = trainer.fit()
    values = [
        [r.loss, r.train_accuracy, r.validation_accuracy, r.terms["followed"], r.validation_metrics["top_2"]]
        for r in history.epochs
    ]
    return networks, objective, values


def main(folder: Path, kind: str, rank: int, size: int) -> None:
    torch.set_num_threads(1)
    if size > 1:
        dist.init_process_group("gloo", init_method=f"file://{folder}/meet-{kind}", rank=rank, world_size=size)
    if kind == "loop":
        networks, objective, values = own_loop(rank, size)
    elif kind == "trainer":
        networks, objective, values = trained(rank, epochs=N_EPOCHS, path=folder / f"run {size}")
    elif kind == "accumulate":
        networks, objective, values = trained(rank, epochs=N_EPOCHS, accumulate=2)
    else:
        path = folder / f"resumed {size}"
        trained(rank, epochs=3, path=path)
        networks, objective, values = trained(rank, epochs=N_EPOCHS, path=path, resume=True)
    learnt = {**networks.student.state_dict(), **{f"o.{k}": v for k, v in objective.state_dict().items()}}
    torch.save({"weights": learnt, "values": values}, folder / f"{kind}-{rank}-{size}.pt")
    if size > 1:
        dist.destroy_process_group()


if __name__ == "__main__":
    kinds = sys.argv[2].split(",")
    for kind in kinds:
        main(Path(sys.argv[1]), kind, int(sys.argv[3]), int(sys.argv[4]))
