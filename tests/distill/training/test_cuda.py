"""On a GPU: half precision with the scaled loss, data held there, resuming with CUDA's random state."""

from pathlib import Path
from typing import Any

import pytest
import torch

from pidkit import DivergenceError
from pidkit.distill import Phases, Trainer, TrainerOptions
from tests.distill.toys import blobs, composed, tapped

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def noisy(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    return x + 0.1 * torch.randn(x.shape, generator=generator, device=x.device)


def trainer(
    *, epochs: int = 6, path: Path | None = None, resume: bool = False, held: str = "cuda", **options: Any
) -> Trainer:
    networks = tapped(dropout=0.3)
    networks.student.cuda()
    train, validation = (tuple(part.to(held) for part in blobs(120, seed=seed)) for seed in (0, 1))
    given: dict[str, Any] = {"train": train, "validation": validation, "augment": noisy, "path": path, "resume": resume}
    phases = Phases(warm_up=1, cycle=3, teacher_share=1 / 3)
    chosen = TrainerOptions(epochs=epochs, batch_size=24, progress=False, **options)
    return Trainer(networks, composed(networks), phases, chosen, **given)


@pytest.mark.parametrize("held", ["cuda", "cpu"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_every_precision_learns(precision: str, held: str) -> None:
    run = trainer(epochs=20, precision=precision, held=held)
    run.fit()
    assert run.evaluate("validation").accuracy > 0.8


def test_a_resumed_run_ends_where_the_other_does(tmp_path: Path) -> None:
    torch.manual_seed(0)
    whole = trainer(precision="float16")
    whole.fit()
    torch.manual_seed(0)
    trainer(epochs=3, precision="float16", path=tmp_path).fit()
    torch.manual_seed(9)
    resumed = trainer(precision="float16", path=tmp_path, resume=True)
    resumed.fit()
    for ours, theirs in zip(whole.networks.student.parameters(), resumed.networks.student.parameters(), strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_divergence_is_noticed() -> None:
    with pytest.raises(DivergenceError, match="training diverged in epoch"):
        trainer(epochs=50, learning_rate=1e30, clip_norm=None).fit()
