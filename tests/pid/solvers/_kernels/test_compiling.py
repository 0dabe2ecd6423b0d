"""What a kernel does on its way from Python to compiled code."""

from typing import Any

import numpy as np
import pytest

from pidkit.pid.solvers._kernels.arrays import Step, Tables
from pidkit.pid.solvers._kernels.compiling import DISABLE_JIT
from pidkit.pid.solvers._kernels.pairs import copy, hessian_times

if DISABLE_JIT:
    pytest.skip("nothing is compiled here", allow_module_level=True)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(np.zeros((2, 3), np.float32), id="type"),
        pytest.param(np.zeros((2, 3), np.int64), id="type-of-the-same-size"),
        pytest.param(np.zeros((2, 3), ">f8"), id="byte-order"),
        pytest.param(np.zeros(6), id="axes"),
        pytest.param(np.zeros((3, 2)).T, id="order"),
        pytest.param(np.zeros((2, 6))[:, ::2], id="gaps"),
    ],
)
def test_arrays_that_compiled_code_would_misread_are_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="copy takes arrays of"):
        copy(wrong, np.zeros((2, 3)))


def test_arrays_in_tuples_are_looked_at_too() -> None:
    table, right, pairs = np.zeros((2, 3)), np.zeros((2, 4)), np.zeros((2, 2))
    step = Step(table, right, table, pairs, pairs, pairs)
    with pytest.raises(TypeError, match="hessian_times takes arrays of"):
        hessian_times(
            np.zeros((2, 2, 3)), pairs, pairs, np.zeros(2, np.intp), step, Tables(table, np.zeros((2, 3), np.float32))
        )
