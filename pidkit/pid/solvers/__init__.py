"""How BROJA's problem is solved: `choice` names the solvers and picks one, `problem` is what all of them see.

`interior_point` (compiled, in `_kernels`) is for small and medium problems, `scaling` for large ones and for torch
tensors, `conic` is the independent check by cvxpy.
"""
