"""scikit-learn's digits over distracting backgrounds: two labels an image, of which only one is asked for."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from rid.data import Data, Split

N_CLASSES = 10
N_BACKGROUNDS = 10


def digits_on_backgrounds(*, n_train: int, n_student: int, n_validation: int, contrast: float, seed: int) -> Data:
    """Paste fixed random binary backgrounds behind the 1797 digits and split them; the rest is the test part.

    The parts to judge by show each of their digits over each background.
    """
    pixels, digits = load_digits(return_X_y=True)
    rng = np.random.default_rng(seed)
    backgrounds = contrast * rng.integers(2, size=(N_BACKGROUNDS, 8, 8))
    rows, test = train_test_split(
        np.arange(len(digits)), train_size=n_train + n_validation, stratify=digits, random_state=seed
    )
    train, validation = train_test_split(rows, train_size=n_train, stratify=digits[rows], random_state=seed)

    def over(rows: np.ndarray, behind: np.ndarray) -> Split:
        images = np.maximum(pixels[rows].reshape(-1, 8, 8) / 16.0, backgrounds[behind])
        return Split(
            torch.from_numpy(images).float().unsqueeze(1), torch.from_numpy(digits[rows]), torch.from_numpy(behind)
        )

    def over_all(rows: np.ndarray) -> Split:
        return over(np.repeat(rows, N_BACKGROUNDS), np.tile(np.arange(N_BACKGROUNDS), len(rows)))

    learnt = over(train, rng.integers(N_BACKGROUNDS, size=n_train))
    return Data(
        teacher=learnt,
        train=learnt.first(n_student),
        validation=over_all(validation),
        test=over_all(test),
    )
