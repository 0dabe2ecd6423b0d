"""The main job: what two saved representations tell about a label, alone and together, and how far to believe it.

`decomposition` is the door, `coding` turns rows into codes, `finite_samples` says what the sample does to the atoms,
`result` is what comes out.
"""

from typing import TYPE_CHECKING

from pidkit._lazy import attach

if TYPE_CHECKING:
    from pidkit.representations.coding import Quantiser as Quantiser
    from pidkit.representations.decomposition import representation_pid as representation_pid
    from pidkit.representations.finite_samples import Spread as Spread
    from pidkit.representations.result import RepresentationPID as RepresentationPID

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "representation_pid": "pidkit.representations.decomposition",
        "RepresentationPID": "pidkit.representations.result",
        "Spread": "pidkit.representations.finite_samples",
        "Quantiser": "pidkit.representations.coding",
    },
)
