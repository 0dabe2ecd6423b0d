"""The main job: what two saved representations tell about a label, alone and together, and how far to believe it.

`decomposition` is the door, `coding` turns rows into codes, `finite_samples` says what the sample does to the atoms,
`result` is what comes out.
"""

from pidkit.representations.decomposition import representation_pid
from pidkit.representations.result import RepresentationPID

__all__ = ["RepresentationPID", "representation_pid"]
