"""The errors and warnings of pidkit, each a class of its own so that a caller can catch it."""


class PidkitError(Exception):
    """Base class of every error that pidkit raises on purpose."""


class InputError(PidkitError, ValueError):
    """An argument that cannot be used; the message names the argument and says what to do."""


class SolverError(PidkitError, RuntimeError):
    """A solver did not reach the tolerance asked for; the message says how far it got and what to do."""


class DivergenceError(PidkitError, ArithmeticError):
    """Training reached a loss or a gradient that is not finite; the message says where and what to do."""


class PidkitWarning(UserWarning):
    """Base class of every warning that pidkit issues."""


class BiasWarning(PidkitWarning):
    """The predicted finite-sample bias is a sizeable part of the information reported."""
