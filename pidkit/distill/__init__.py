"""Information in training: the atoms of soft codes as differentiable functions. Needs the torch extra."""

from pidkit.distill.soft_pid import SoftPID, soft_pair_atoms, soft_pid

__all__ = ["SoftPID", "soft_pair_atoms", "soft_pid"]
