"""What is recorded while networks train, on disk and in memory; read and drawn without torch.

`trajectory` and `plane_point` belong to information planes, `atom_history` and `atom_record` to the atoms of a
distillation; `resume` continues either from its file.
"""

from pidkit.records.atom_history import AtomRecords
from pidkit.records.atom_record import Assumption, AtomRecord
from pidkit.records.plane_point import PlanePoint
from pidkit.records.trajectory import PlaneTrajectory

__all__ = ["Assumption", "AtomRecord", "AtomRecords", "PlanePoint", "PlaneTrajectory"]
