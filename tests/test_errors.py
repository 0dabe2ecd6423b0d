"""A caller can catch pidkit's errors by what they are, or by the built-in kind they belong to."""

from typing import Any

import pytest

import pidkit


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (pidkit.InputError, ValueError),
        (pidkit.SolverError, RuntimeError),
        (pidkit.DivergenceError, ArithmeticError),
        (pidkit.BiasWarning, UserWarning),
    ],
)
def test_every_error_has_a_built_in_parent_and_pidkits_own(error: Any, builtin: type[Any]) -> None:
    own = pidkit.PidkitWarning if builtin is UserWarning else pidkit.PidkitError
    assert issubclass(error, own)
    assert issubclass(error, builtin)
    assert str(error("one line")) == "one line"
