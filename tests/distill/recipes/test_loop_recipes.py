"""Distillation in the loops of Accelerate and Lightning: the step is one module, and the teacher stays frozen."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from pidkit.distill import KD, CrossEntropy, Distillation, WeightedSum
from tests.distill.toys import blobs, same, tapped, weights

pytestmark = pytest.mark.slow


def step_module() -> Distillation:
    networks = tapped()
    return Distillation(networks, WeightedSum({"labels": CrossEntropy(), "kd": KD()}))


def loader() -> DataLoader[Any]:
    return DataLoader(TensorDataset(*blobs(36)), batch_size=12)


def by_hand() -> list[torch.Tensor]:
    """Three steps of a loop of one's own."""
    distillation = step_module()
    optimiser = torch.optim.SGD(distillation.networks.student.parameters(), lr=0.05)
    for x, y in loader():
        optimiser.zero_grad()
        distillation(x, y).backward()
        optimiser.step()
    return weights(distillation.networks.student)


def test_accelerate() -> None:
    accelerate = pytest.importorskip("accelerate")
    accelerator, distillation = accelerate.Accelerator(cpu=True), step_module()
    teacher = weights(distillation.networks.teachers)
    optimiser = torch.optim.SGD(distillation.networks.student.parameters(), lr=0.05)
    prepared, optimiser, batches = accelerator.prepare(distillation, optimiser, loader())
    prepared.train()
    for x, y in batches:
        optimiser.zero_grad()
        accelerator.backward(prepared(x, y))
        optimiser.step()
    assert same(weights(distillation.networks.student), by_hand())
    assert same(weights(distillation.networks.teachers), teacher)


@pytest.mark.filterwarnings("ignore")  # Lightning's advice about loaders, and what it still calls of torch
def test_lightning(tmp_path: Path) -> None:
    lightning = pytest.importorskip("lightning")

    class Module(lightning.LightningModule):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.distillation = step_module()

        def training_step(self, batch: Any, number: int) -> torch.Tensor:
            assert not self.distillation.networks.teachers["teacher"].training
            return self.distillation(*batch)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.distillation.networks.student.parameters(), lr=0.05)

    module = Module()
    teacher = weights(module.distillation.networks.teachers)
    trainer = lightning.Trainer(
        max_epochs=1,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )
    trainer.fit(module, loader())
    assert same(weights(module.distillation.networks.student), by_hand())
    assert same(weights(module.distillation.networks.teachers), teacher)
