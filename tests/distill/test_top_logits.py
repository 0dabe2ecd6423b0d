"""Saved answers of a teacher: of its k likeliest classes, from logits, in files, and by sample."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pidkit import InputError
from pidkit.distill import TopLogits
from pidkit.distill.top_logits import answers_of

P = np.log(np.array([[0.5, 0.25], [0.6, 0.1]]))
CLASSES = np.array([[2, 0], [1, 3]])


def test_they_are_log_probabilities_among_all_classes_at_a_temperature() -> None:
    # softmax of (log 4, 0, log 2, 0) is (4, 1, 2, 1) / 8; at temperature 2 the odds are 2, 1, sqrt 2, 1.
    logits = torch.tensor([[4.0, 1.0, 2.0, 1.0]]).log()
    top = TopLogits.of(logits, 2)
    assert top.classes.tolist() == [[0, 2]]
    np.testing.assert_allclose(np.exp(top.log_p), [[0.5, 0.25]], rtol=1e-6)
    assert (top.n_classes, top.k, len(top), top.temperature) == (4, 2, 1, 1.0)
    softer = TopLogits.of(logits, 2, temperature=2.0)
    np.testing.assert_allclose(np.exp(softer.log_p), np.array([[2.0, 2**0.5]]) / (4.0 + 2**0.5), rtol=1e-6)


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_tokens_go_into_a_file_and_come_back_by_sample(tmp_path: Path, suffix: str) -> None:
    logits = torch.randn(6, 4, 9, generator=torch.Generator().manual_seed(0))  # samples, tokens, words
    parts = [TopLogits.of(some, 3, class_axis=-1, chunk=5) for some in logits.split(2)]
    joined = TopLogits.join(parts)
    joined.save(tmp_path / f"told.{suffix}")
    loaded = TopLogits.load(tmp_path / f"told.{suffix}")
    assert (loaded.n_classes, loaded.temperature, loaded.k) == (9, 1.0, 3)
    log_p, classes = answers_of(loaded, torch.tensor([4, 1]), (2,), torch.device("cpu"))  # shorter sequences
    wanted = logits.log_softmax(-1)[[4, 1], :2].reshape(4, 9).topk(3)
    torch.testing.assert_close(log_p, wanted.values)
    assert torch.equal(classes, wanted.indices)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: TopLogits(P, CLASSES[:1], 4), r"log_p and classes must both have shape \(n, ..., k\)"),
        (lambda: TopLogits(P[0], CLASSES[0], 4), "must both have shape"),
        (lambda: TopLogits(P, P, 4), "log_p must be floats and classes whole numbers"),
        (lambda: TopLogits(P, CLASSES, 1), "log_p holds 2 classes an answer, of n_classes 1"),
        (lambda: TopLogits(P, CLASSES, 4, temperature=0.0), "temperature must be"),
        (lambda: TopLogits.of(torch.zeros(2, 3), 4), "top_k is 4, more than the 3 classes"),
        (lambda: TopLogits.join([]), "parts must hold at least one"),
        (lambda: TopLogits.join([TopLogits(P, CLASSES, 4), TopLogits(P, CLASSES, 5)]), "parts differ in classes"),
    ],
)
def test_what_cannot_be_kept_is_refused(call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()


@pytest.mark.parametrize(
    ("top", "numbers", "places", "message"),
    [
        (TopLogits(P, CLASSES, 4), [2], (), r"indices must lie in 0..1, they reach 2..2"),
        (TopLogits(P, CLASSES, 4), [0], (5,), r"logits have the places \(5,\), and the saved answers \(\)"),
        (TopLogits(P, CLASSES, 3), [1], (), r"classes must be numbers from 0 to 2, they reach 1..3"),
        (TopLogits(np.ones((1, 2)), CLASSES[:1], 4), [0], (), "log_p must be logarithms of probabilities"),
        (TopLogits(P * np.nan, CLASSES, 4), [0], (), "log_p must be logarithms of probabilities"),
    ],
)
def test_rows_that_are_not_there_or_no_answers_are_refused(
    top: TopLogits, numbers: list[int], places: tuple[int, ...], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        answers_of(top, torch.tensor(numbers), places, torch.device("cpu"))
