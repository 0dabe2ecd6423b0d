"""KD in chunks and over the top k: the values and gradients of KD at once, and the memory that they take."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from pidkit import InputError
from pidkit.distill import KD, Batch, Outputs, SalientMask
from pidkit.distill.divergences import chunked_divergence, softened_divergence


def batch_of(student: torch.Tensor, teacher: torch.Tensor) -> Batch:
    return Batch(Outputs(student, {}), {"teacher": Outputs(teacher, {})})


def logits(*shape: int, dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    student, teacher = (torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype) for _ in range(2))
    return student.requires_grad_(True), teacher


@pytest.mark.parametrize("chunk", [1, 3, 7, 100])
@pytest.mark.parametrize("masked", [False, True])
def test_chunks_have_value_and_gradient_of_the_whole(chunk: int, masked: bool) -> None:
    student, teacher = logits(2, 5, 7)
    labels = torch.tensor([[0, 1, -100, 2, -100, 0, 3], [-100] * 7]) if masked else torch.zeros(2, 7, dtype=torch.int64)
    found = []
    for objective in (KD(3.0), KD(3.0, chunk=chunk)):
        loss = objective(batch_of(student, teacher), labels)
        found.append((loss.detach(), *torch.autograd.grad(loss, student)))
    assert torch.allclose(found[0][0], found[1][0], atol=1e-14)
    assert torch.allclose(found[0][1], found[1][1], atol=1e-14)


def test_the_gradient_is_that_of_differences() -> None:
    student, teacher = logits(6, 5)
    teacher[0, 2] = -torch.inf
    rows = torch.tensor([0, 2, 3, 5])
    assert torch.autograd.gradcheck(lambda s: chunked_divergence(s, teacher, rows, 2.0, 3), student)


def test_half_precision_is_widened_a_chunk_at_a_time() -> None:
    student, teacher = logits(12, 9, dtype=torch.bfloat16)
    whole = softened_divergence(student, teacher, 2.0)
    chunked = chunked_divergence(student, teacher, torch.arange(12), 2.0, 5)
    assert chunked.dtype == torch.float32
    assert torch.allclose(whole, chunked, rtol=1e-6)
    first, second = (torch.autograd.grad(loss, student)[0] for loss in (whole, chunked))
    assert second.dtype == torch.bfloat16
    assert torch.allclose(first.float(), second.float(), atol=1e-2)


def test_a_batch_of_padding_has_a_loss_of_zero_and_a_graph() -> None:
    for objective in (KD(), KD(chunk=2)):
        student, teacher = logits(2, 5, 3)
        loss = objective(batch_of(student, teacher), torch.full((2, 3), -100))
        loss.backward()
        assert float(loss.detach()) == 0.0
        assert student.grad is not None
        assert float(student.grad.abs().max()) == 0.0


def test_the_top_k_are_those_of_a_mask_by_number() -> None:
    student, teacher = logits(8, 10)
    labels = torch.zeros(8, dtype=torch.int64)
    found = []
    for objective in (KD(2.0, top_k=4), SalientMask(KD(2.0), keep=0.4)):
        loss = objective(batch_of(student, teacher), labels)
        found.append((loss.detach(), *torch.autograd.grad(loss, student)))
    assert torch.allclose(found[0][0], found[1][0], atol=1e-12)
    assert torch.allclose(found[0][1], found[1][1], atol=1e-12)
    everything = KD(2.0, top_k=10)(batch_of(student, teacher), labels)
    assert torch.allclose(everything, KD(2.0)(batch_of(student, teacher), labels))


def test_options_that_do_not_fit() -> None:
    with pytest.raises(InputError, match="chunk and top_k cannot both be given"):
        KD(top_k=3, chunk=3)
    with pytest.raises(InputError, match="top_k is 11, more than the 10 classes; make it smaller"):
        KD(top_k=11)(batch_of(*logits(8, 10)), torch.zeros(8, dtype=torch.int64))
    assert repr(KD(2.0, chunk=3)) == "KD(temperature=2, chunk=3)"


@pytest.mark.slow
def test_chunks_take_the_gradient_and_no_further_copy_of_the_logits() -> None:
    """128 tokens over 128,000 words, 66 MB for one network: at once it takes five copies beyond both networks'."""
    script = Path(__file__).parents[2] / "benchmarks" / "bench_token_kd.py"
    copies = {}
    for way in ("all at once", "chunk=1"):
        command = [sys.executable, str(script), "--tokens", "128", "--words", "128000", "--way", way]
        loss, added, _ = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        copies[way] = float(added)
        assert float(loss) == pytest.approx(1.0, abs=0.05)
    assert copies["chunk=1"] < 1.5  # the gradient, and some chunks
    assert copies["all at once"] > 4.0
