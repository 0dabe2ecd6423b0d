"""What each of two processes does in the test of DistributedDataParallel; importable by both."""

import contextlib
from pathlib import Path

import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

from pidkit.distill import Distillation
from tests.distill.objectives.cases import CASES, N_CLASSES


def train_steps(rank: int, folder: str) -> None:
    """Two steps a phase of every objective, on batches of this process's own; save what was learnt."""
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=2)
    learnt = {}
    with contextlib.ExitStack() as stack:
        stack.callback(distributed.destroy_process_group)
        for name, case in CASES.items():
            torch.manual_seed(0)
            networks = case.networks()
            module = Distillation(networks, case.make(networks))
            parallel = DistributedDataParallel(module, find_unused_parameters=True)
            optimiser = torch.optim.SGD([p for p in module.parameters() if p.requires_grad], lr=0.01)
            torch.manual_seed(1 + rank)
            for phase in case.phases:
                for _ in range(2):
                    optimiser.zero_grad()
                    x, labels = case.inputs(networks, 4), torch.randint(N_CLASSES, (4,))
                    parallel(x, labels, phase, torch.arange(4)).backward()
                    optimiser.step()
            learnt[name] = [parameter.detach().clone() for parameter in module.parameters()]
    torch.save(learnt, Path(folder) / f"{rank}.pt")
