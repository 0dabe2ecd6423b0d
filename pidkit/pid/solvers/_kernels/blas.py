"""BLAS on parts of row-major matrices, in place: calls out of compiled code, or numpy where numba is switched off."""

from pidkit.pid.solvers._kernels.compiling import DISABLE_JIT

if DISABLE_JIT:
    from pidkit.pid.solvers._kernels.blas_in_python import (
        divide_panel,
        divide_rows,
        subtract_gram_of_columns,
        subtract_gram_of_panel,
    )
else:
    from pidkit.pid.solvers._kernels.blas_compiled import (
        divide_panel,
        divide_rows,
        subtract_gram_of_columns,
        subtract_gram_of_panel,
    )

__all__ = ["divide_panel", "divide_rows", "subtract_gram_of_columns", "subtract_gram_of_panel"]
