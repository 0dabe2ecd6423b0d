"""Records of atoms over a training run with phases and a null."""

from pidkit.records.atom_history import AtomRecords
from pidkit.records.atom_record import QUANTITIES, AtomRecord
from pidkit.representations.finite_samples import Spread

NULL = dict.fromkeys(QUANTITIES, Spread(0.02, 0.01, 0.0, 0.04))

PHASES = ((0.0, 2.0, "warm-up"), (2.0, 3.0, "teacher-filter"), (3.0, 6.0, "student"))


def record(
    epoch: float, teacher: str = "teacher", layer: str = "conv", null: dict[str, Spread] | None = NULL
) -> AtomRecord:
    return AtomRecord(epoch, teacher, layer, layer, 0.1 * epoch, 0.8, 0.1, 0.2, 0.9, 0.3, 1.2, 1e-9, 4, 4, 0.01, null)


def run(*rows: AtomRecord, phases: tuple[tuple[float, float, str], ...] = PHASES) -> AtomRecords:
    return AtomRecords(tuple(rows), 1.5, 100, phases, {})
