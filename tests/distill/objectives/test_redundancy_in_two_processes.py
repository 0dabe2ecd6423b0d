"""Exact redundancy in two processes is that of both batches together."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.multiprocessing.spawn import spawn

from pidkit.distill import Distillation, Networks, tap
from pidkit.distill.codes import LogitCodes
from pidkit.distill.objectives.redundancy import ExactRedundancy
from tests.distill.objectives.informed_logits import draw


def _student() -> nn.Linear:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Linear(4, 3)


def _trained(
    networks: Networks, objective: ExactRedundancy, shares: list[tuple[Tensor, Tensor]]
) -> tuple[Tensor, float]:
    """Two steps, the second with a moving average to go on from; return the weights and the loss."""
    module: nn.Module = Distillation(networks, objective)
    if torch.distributed.is_initialized():
        module = nn.parallel.DistributedDataParallel(module, find_unused_parameters=True)
    optimiser = torch.optim.SGD(networks.student.parameters(), lr=0.5)
    for x, labels in shares:
        optimiser.zero_grad()
        loss = module(x, labels)
        loss.backward()
        optimiser.step()
    return networks.student.weight.detach().clone(), float(loss.detach())


def _parts() -> tuple[Tensor, Tensor, Networks, ExactRedundancy]:
    labels, x, _ = draw(n=60, dtype=torch.float32)
    networks = tap(teacher=nn.Identity(), student=_student(), layers=(), example=x[:2])
    codes = LogitCodes(4, temperature=1.0), LogitCodes(3, temperature=1.0)
    return x, labels, networks, ExactRedundancy(*codes, n_classes=3, momentum=0.5)


def _work(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    x, labels, networks, objective = _parts()
    share = slice(0, 20) if rank == 0 else slice(20, 60)  # of unequal size
    weight, loss = _trained(networks, objective, [(x[share], labels[share])] * 2)
    np.savez(f"{folder}/{rank}.npz", weight=weight.numpy(), loss=loss, p_ys=objective.p_ys.numpy())
    torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_two_processes_train_on_the_joint_of_both_batches(tmp_path: Path) -> None:
    spawn(_work, (str(tmp_path),), nprocs=2)
    x, labels, networks, objective = _parts()
    weight, loss = _trained(networks, objective, [(x, labels)] * 2)
    for rank in range(2):
        found = np.load(tmp_path / f"{rank}.npz")
        np.testing.assert_allclose(found["weight"], weight.numpy(), atol=1e-6)
        assert float(found["loss"]) == pytest.approx(loss, abs=1e-6)
        np.testing.assert_allclose(found["p_ys"], objective.p_ys.numpy(), atol=1e-7)
