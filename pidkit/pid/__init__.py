"""Bivariate partial information decomposition after Bertschinger et al. (BROJA), with a certificate.

`decomposition`, `broja` and `batch` are the doors; `result`, `solution` and `batch_result` are what comes out;
`gradients` reads the derivative of the atoms off a solution, `certificate` proves its bounds, and `solvers` holds the
methods. Names are loaded on first use: numba is imported when something is solved.
"""

from typing import TYPE_CHECKING

from pidkit._lazy import attach

if TYPE_CHECKING:
    from pidkit.pid.batch import bivariate_pid_batch as bivariate_pid_batch
    from pidkit.pid.batch import solve_broja_batch as solve_broja_batch
    from pidkit.pid.batch_result import BROJABatch as BROJABatch
    from pidkit.pid.batch_result import PIDBatch as PIDBatch
    from pidkit.pid.broja import solve_broja as solve_broja
    from pidkit.pid.decomposition import bivariate_pid as bivariate_pid
    from pidkit.pid.decomposition import pid_from_samples as pid_from_samples
    from pidkit.pid.gradients import AtomGradients as AtomGradients
    from pidkit.pid.gradients import atom_gradients as atom_gradients
    from pidkit.pid.result import ATOMS as ATOMS
    from pidkit.pid.result import INFORMATION as INFORMATION
    from pidkit.pid.result import PIDResult as PIDResult
    from pidkit.pid.result import SolverReport as SolverReport
    from pidkit.pid.solution import BROJASolution as BROJASolution

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "bivariate_pid": "pidkit.pid.decomposition",
        "pid_from_samples": "pidkit.pid.decomposition",
        "solve_broja": "pidkit.pid.broja",
        "bivariate_pid_batch": "pidkit.pid.batch",
        "solve_broja_batch": "pidkit.pid.batch",
        "atom_gradients": "pidkit.pid.gradients",
        "AtomGradients": "pidkit.pid.gradients",
        "PIDResult": "pidkit.pid.result",
        "SolverReport": "pidkit.pid.result",
        "ATOMS": "pidkit.pid.result",
        "INFORMATION": "pidkit.pid.result",
        "BROJASolution": "pidkit.pid.solution",
        "PIDBatch": "pidkit.pid.batch_result",
        "BROJABatch": "pidkit.pid.batch_result",
    },
)
