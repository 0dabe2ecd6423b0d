"""Recordings of what is measured while networks train, in memory and on disk; they are read and drawn without torch.

`trajectory` and `plane_point` belong to information planes, `atom_history` and `atom_record` to the atoms of a
distillation; `resume` continues either from its file.
"""

from pidkit.records.atom_history import AtomRecords
from pidkit.records.atom_record import Assumption, AtomRecord, DecodedAtoms
from pidkit.records.plane_point import PlanePoint
from pidkit.records.trajectory import PlaneTrajectory

__all__ = ["Assumption", "AtomRecord", "AtomRecords", "DecodedAtoms", "PlanePoint", "PlaneTrajectory"]
