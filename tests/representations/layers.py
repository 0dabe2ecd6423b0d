"""Representations with a known answer, and quantisers that show what is done with them."""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

import numpy as np
from sklearn.base import BaseEstimator

from pidkit import CodedPID, KMeansCodes

QUANTISERS = (KMeansCodes(n_codes=4), KMeansCodes(n_codes=2))
"""One code a class for a teacher that knows it, one a parity for a student that knows no more."""


def teacher_and_student(n: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return balanced labels of four classes, a teacher that tells them apart, and a student that tells their parity.

    In bits: redundancy 1, unique_1 1, unique_2 0, synergy 0.
    """
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % 4)
    teacher = np.eye(4)[labels] + 0.01 * rng.normal(size=(n, 4))
    student = (labels % 2)[:, None, None] + 0.01 * rng.normal(size=(n, 3, 2))
    return labels, teacher, student


class FirstFeature(BaseEstimator):  # type: ignore[misc]
    """Codes that are the first feature as it stands, below `n_codes`."""

    def __init__(self, n_codes: int | None = 2, scale: float | np.ndarray = 1) -> None:
        self.n_codes, self.scale = n_codes, scale

    def fit(self, x: Any) -> FirstFeature:
        self.n_codes_ = self.n_codes
        return self

    def transform(self, x: np.ndarray) -> np.ndarray:
        return self.scale * x[:, 0].astype(type(self.scale))


class Recorder(FirstFeature):
    """Codes that are the same for all, from a quantiser that notes the rows it sees."""

    seen: ClassVar[list[tuple[str, list[int]]]] = []

    def fit(self, x: Any) -> FirstFeature:
        self.seen.append(("fit", x[:, 0].astype(int).tolist()))
        return super().fit(x)

    def transform(self, x: np.ndarray) -> np.ndarray:
        self.seen.append(("transform", x[:, 0].astype(int).tolist()))
        return np.arange(len(x)) % 2


class Untouchable(FirstFeature):
    """A quantiser that must not be fitted."""

    def fit(self, x: Any) -> NoReturn:
        raise AssertionError("the quantiser was fitted before the options were checked")


def values(result: CodedPID) -> dict[str, Any]:
    """Return all that a result holds, but the seconds it took."""
    exported = result.to_dict()
    del exported["pid"]["report"]["seconds"]
    return exported
