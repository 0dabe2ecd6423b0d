"""`TopLogits`: the k likeliest classes of a teacher's answers, kept in place of all, in memory or in a file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from pidkit.arguments import check_count, items_of, keep_checked, real_number
from pidkit.arrays import load_array, save_arrays
from pidkit.distill.answers import as_answers
from pidkit.distill.divergences import log_probabilities_of_top
from pidkit.distill.labels import check_axes, check_class_axis
from pidkit.errors import InputError
from pidkit.types import AnyArray

MOST = 1.001
"""What the probabilities of the top classes may add up to: above 1 by no more than half precision rounds."""


@dataclass(frozen=True)
class TopLogits:
    """Answers of a teacher by their k likeliest classes: log-probabilities and class numbers, sample by sample.

    Of 128,000 words, 100 take 800 bytes a token in place of 512,000. `TopKD` learns from them without the teacher.

    Parameters
    ----------
    log_p : array_like, shape (n, ..., k)
        Logarithms (nats) of the probabilities among all classes, not among the k alone; a server of language models
        calls them logprobs.
    classes : array_like of int, shape (n, ..., k)
        Their numbers, from 0.
    n_classes : int
        How many there are in all.
    temperature : float
        By which the logits were divided: the probabilities are softmax(logits / temperature).

    Raises
    ------
    InputError
        If the shapes differ or a number is out of its range; from a batch, if log-probabilities or classes are.

    Examples
    --------
    >>> top = TopLogits.of(torch.tensor([[2.0, 0.0, 1.0]]), 2)
    >>> top.classes.tolist(), np.exp(top.log_p.astype(float)).round(3).tolist()
    ([[0, 2]], [[0.665, 0.245]])
    """

    log_p: AnyArray
    classes: AnyArray
    n_classes: int
    temperature: float = 1.0

    def __post_init__(self) -> None:
        """Check shapes and numbers; the entries are checked as they are read."""
        log_p, classes = np.asarray(self.log_p), np.asarray(self.classes)
        if log_p.shape != classes.shape or log_p.ndim < 2 or log_p.shape[-1] < 1:
            shapes = f"(n, ..., k), not {log_p.shape} and {classes.shape}"
            raise InputError(f"log_p and classes must both have shape {shapes}")
        if log_p.dtype.kind != "f" or classes.dtype.kind not in "iu":
            raise InputError(f"log_p must be floats and classes whole numbers, not {log_p.dtype} and {classes.dtype}")
        n_classes = check_count("n_classes", self.n_classes)
        if log_p.shape[-1] > n_classes:
            raise InputError(f"log_p holds {log_p.shape[-1]} classes an answer, of n_classes {n_classes}")
        temperature = real_number("temperature", self.temperature, above=0.0)
        keep_checked(self, log_p=log_p, classes=classes, n_classes=n_classes, temperature=temperature)

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.log_p)

    @property
    def k(self) -> int:
        """Return the number of classes kept of each answer."""
        return int(self.log_p.shape[-1])

    @classmethod
    def of(cls, logits: Tensor, top_k: int, *, temperature: float = 1.0, class_axis: int = 1, chunk: int = 64) -> Self:
        """Return the top k of logits.

        Parameters
        ----------
        logits : Tensor, shape (n, n_classes) or (n, n_classes, ...)
        top_k : int
        temperature : float
        class_axis : int
            Of the classes: 1, or -1 for the logits of tokens, (n, length, n_classes).
        chunk : int
            Answers whose softmax is computed at a time.

        Raises
        ------
        InputError
            If there are fewer classes, or a number is out of its range.
        """
        axis = check_class_axis(class_axis)
        logits = logits.detach() if logits.ndim < 3 else logits.detach().movedim(axis, 1)
        check_axes(logits)
        tau, answers = real_number("temperature", temperature, above=0.0), as_answers(logits)
        rows = torch.arange(len(answers), device=answers.device)
        k, chunk = check_count("top_k", top_k), check_count("chunk", chunk)
        if k > answers.shape[1]:
            raise InputError(f"top_k is {k}, more than the {answers.shape[1]} classes; make it smaller")
        log_p, classes = log_probabilities_of_top(answers, rows, k, temperature=tau, chunk=chunk)
        shape = (len(logits), *logits.shape[2:], k)
        kept = classes.reshape(shape).to(torch.int32).cpu().numpy()
        return cls(log_p.reshape(shape).cpu().numpy(), kept, answers.shape[1], tau)

    @classmethod
    def join(cls, parts: Sequence[Self]) -> Self:
        """Return the answers of several batches one after the other.

        Raises
        ------
        InputError
            If there are none, or they differ in their classes, temperature, k or places.
        """
        parts = list(items_of("parts", parts))
        if not parts:
            raise InputError("parts must hold at least one TopLogits")
        kinds = {(part.n_classes, part.temperature, part.log_p.shape[1:]) for part in parts}
        if len(kinds) > 1:
            raise InputError(f"parts differ in classes, temperature, places or k: {sorted(kinds)}")
        first = parts[0]
        log_p, classes = (np.concatenate(arrays) for arrays in zip(*((p.log_p, p.classes) for p in parts), strict=True))
        return cls(log_p, classes, first.n_classes, first.temperature)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a .npz or .safetensors file with the arrays of this class, whole or not at all."""
        numbers = {"n_classes": np.array([self.n_classes]), "temperature": np.array([self.temperature])}
        save_arrays(path, log_p=self.log_p, classes=self.classes, **numbers)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Return what `save` wrote; the answers stay in the file, which is mapped."""
        n_classes, temperature = (load_array(path, key=key) for key in ("n_classes", "temperature"))
        arrays = load_array(path, key="log_p"), load_array(path, key="classes")
        return cls(*arrays, int(n_classes[0]), float(temperature[0]))


def answers_of(top: TopLogits, numbers: Tensor, places: tuple[int, ...], device: torch.device) -> tuple[Tensor, Tensor]:
    """Return log-probabilities and classes of samples, (m, k) each, one row for each of their places.

    Sequences of a batch may be shorter than those that were kept.

    Raises
    ------
    InputError
        If a sample, a place or a class is not there, or probabilities add up to more than 1.
    """
    at = numbers.cpu().numpy()
    if at.size and (at.min() < 0 or at.max() >= len(top)):
        raise InputError(f"indices must lie in 0..{len(top) - 1}, they reach {at.min()}..{at.max()}")
    kept = top.log_p.shape[1:-1]
    if len(kept) != len(places) or any(few > many for few, many in zip(places, kept, strict=True)):
        raise InputError(f"logits have the places {places}, and the saved answers {kept}; save those of all tokens")
    where: Any = (at, *(slice(size) for size in places))
    log_p, classes = top.log_p[where].astype(np.float32), top.classes[where].astype(np.int64)
    if classes.size and (classes.min() < 0 or classes.max() >= top.n_classes):
        reached = f"they reach {classes.min()}..{classes.max()}"
        raise InputError(f"classes must be numbers from 0 to {top.n_classes - 1}, {reached}")
    if not np.all(np.exp(log_p).sum(-1) <= MOST):  # NaN too
        raise InputError("log_p must be logarithms of probabilities that add up to 1 at most, not logits")
    flat = (torch.from_numpy(array.reshape(-1, top.k)).to(device) for array in (log_p, classes))
    first, second = flat
    return first, second
