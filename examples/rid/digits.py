"""The settings of rid_digits.py: small networks, digits on backgrounds, the RID paper's recipe for the atoms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from pidkit import RepresentationCodes
from rid.data import Data
from rid.digits_data import digits_on_backgrounds
from rid.methods import DIGITS_METHODS
from rid.networks import small_network
from rid.students import Settings


@dataclass(frozen=True, kw_only=True)
class DigitsSettings(Settings):
    """Students, 2 wide, of teachers 16 wide; the grid of lambda is the same for every method."""

    methods: tuple[str, ...] = DIGITS_METHODS
    weights: tuple[float, ...] = (0.01, 0.1, 1.0, 10.0)
    data_seed: int = 0
    n_train: int = 1000
    n_student: int = 1000  # of those, the first so many, that students learn from; teachers have all
    n_validation: int = 297
    contrast: float = 0.6  # of the backgrounds
    probed_weight: float | None = 10.0  # one for all, and so large that it shows what a method follows
    probe_codes: int = 6
    probe_pca: int = 10
    n_null: int = 5

    def data(self, data_dir: Path | None = None) -> Data:
        return digits_on_backgrounds(
            n_train=self.n_train,
            n_student=self.n_student,
            n_validation=self.n_validation,
            contrast=self.contrast,
            seed=self.data_seed,
        )

    def network(self, width: int) -> nn.Module:
        return small_network(width)

    def weights_of(self, method: str) -> Sequence[float]:
        return self.weights

    @property
    def probe_options(self) -> Mapping[str, Any]:
        # The RID paper's recipe, by which the committed figures were made; without a quantiser layers are decoded.
        return {"quantiser": RepresentationCodes(self.probe_pca, self.probe_codes, n_init=3), "n_null": self.n_null}
