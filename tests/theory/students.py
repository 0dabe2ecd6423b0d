"""What the theory tests share: joints p[y, t, s] of a teacher and a student, and all deterministic students."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pidkit.info import entropy, mutual_information

LN2 = np.log(2.0)


def joint_of(p_yt: np.ndarray, channel: np.ndarray) -> np.ndarray:
    """Return p[y, t, s] of a student S that sees the teacher through channel[t, s]."""
    return p_yt[:, :, None] * channel


def information(p_yt: np.ndarray, channel: np.ndarray) -> float:
    """Return I(T; S) in bits."""
    return mutual_information(p_yt.sum(0)[:, None] * channel) / LN2


def student_entropy(p_yt: np.ndarray, channel: np.ndarray) -> float:
    """Return H(S) in bits."""
    return entropy(p_yt.sum(0) @ channel) / LN2


def deterministic(codes: list[int]) -> np.ndarray:
    """Return the channel of a student that is the function t -> codes[t]."""
    return np.eye(max(codes) + 1)[codes]


def all_functions(n: int) -> Iterator[list[int]]:
    """Yield every function of n teacher symbols up to the names of its values: the partitions of n symbols."""

    def grow(codes: list[int]) -> Iterator[list[int]]:
        if len(codes) == n:
            yield codes
            return
        for code in range(max(codes, default=-1) + 2):
            yield from grow([*codes, code])

    return grow([])
