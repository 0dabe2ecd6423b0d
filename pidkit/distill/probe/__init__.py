"""The atoms of teacher and student while a distillation runs, measured on a held-out sample.

`outputs` runs the networks without changing anything, `atoms` measures a pair of layers, `assumption` tests the
assumption that RID makes about its filters, and `atom_probe` does so every few epochs.
"""

from pidkit.distill.probe.assumption import measure_assumption
from pidkit.distill.probe.atom_probe import AtomProbe

__all__ = ["AtomProbe", "measure_assumption"]
