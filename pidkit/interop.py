"""Joints to and from other packages: the only module that permutes axes, and the only one that imports dit.

An order of axes is written as their names: dit's outcomes have the order "x1 x2 y", pidkit's arrays "y x1 x2".
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pidkit.errors import InputError
from pidkit.joint import as_real, check_joint
from pidkit.symbols import encode_labels
from pidkit.types import AnyArray, FloatArray

if TYPE_CHECKING:
    import dit

AXIS_ORDERS: Mapping[str, str] = MappingProxyType(
    {
        "pidkit": "y x1 x2",
        "dit": "x1 x2 y",
        "BROJA_2PID": "y x1 x2",
        "IDTxl": "x1 x2 y",
        "infotheory": "y x1 x2",
        "gpid": "y x1 x2",
    }
)
"""How other packages order a target y and two sources, to be passed as `axes`.

dit: outcomes; its decompositions take the last variable for the target unless told otherwise. BROJA_2PID: keys of the
dictionary that `pid` takes. IDTxl: arguments of the bivariate estimators, `estimate(s1, s2, t)`. infotheory: numbers 0,
1, 2 in `var_IDs`. gpid: blocks (M, X, Y) of the covariance matrix. The last three take samples or covariances and no
joints: their entry says which argument is which.
"""

MAX_CELLS = 10**8
"""Cells, 0.8 GB of them, above which outcomes are not laid out densely: their integers are then names, not codes."""

Variable = int | str
"""A random variable of a dit.Distribution: its position or its name."""


def joint_from_outcomes(
    masses: Mapping[Any, float], *, axes: str, shape: Sequence[int | None] | None = None
) -> FloatArray:
    """Lay a dictionary of outcomes out as a joint p[y, x1, x2], target first.

    Integer symbols are codes as they stand; other symbols (strings, tuples) are coded by their rank among those of
    their axis, as in `joint_from_samples`.

    Parameters
    ----------
    masses : mapping
        Probabilities of outcomes: strings of one character a variable ("011"), or tuples of symbols.
    axes : str
        The order of the variables in an outcome, such as "x1 x2 y": a y and x1, x2, ... up to any number.
    shape : sequence of int or None, optional
        (n_y, n_x1, n_x2), where an alphabet is larger than the outcomes show.

    Returns
    -------
    ndarray, shape (n_y, n_x1, n_x2)

    Raises
    ------
    InputError
        If `axes` is no such order, an outcome has another number of symbols, a symbol cannot be coded, or the masses
        are no probabilities that sum to one.

    Examples
    --------
    >>> joint_from_outcomes({"000": 0.25, "010": 0.25, "100": 0.25, "111": 0.25}, axes="x1 x2 y")[1]
    array([[0.  , 0.  ],
           [0.  , 0.25]])
    """
    positions = _positions(axes)
    if not isinstance(masses, Mapping):
        raise InputError(f"masses must be a mapping from outcomes to probabilities, not {type(masses).__name__}")
    for outcome in masses:
        if not isinstance(outcome, (str, tuple)) or len(outcome) != len(positions):
            raise InputError(
                f"the outcome {outcome!r} is no string or tuple of {len(positions)} symbols, one for each of {axes!r}"
            )
    columns = [[outcome[position] for outcome in masses] for position in positions]
    return _lay_out(columns, list(masses.values()), shape)


def outcomes_from_joint(p: npt.ArrayLike, *, axes: str) -> dict[tuple[int, ...], float]:
    """Return the outcomes of a joint that have mass, as tuples of integers in the order of `axes`.

    Raises
    ------
    InputError
        If `p` is not a joint or `axes` does not name its axes.

    Examples
    --------
    >>> from pidkit import gate
    >>> outcomes_from_joint(gate("ReducedOR").joint, axes="x1 x2 y")
    {(0, 0, 0): 0.5, (0, 1, 1): 0.25, (1, 0, 1): 0.25}
    """
    array = array_from_joint(p, axes=axes)
    return {tuple(outcome): float(array[tuple(outcome)]) for outcome in np.argwhere(array > 0.0).tolist()}


def joint_from_array(array: npt.ArrayLike, *, axes: str) -> FloatArray:
    """Reorder an array of probabilities with its axes in the order `axes` to p[y, x1, x2], target first.

    Raises
    ------
    InputError
        If `axes` does not name the axes of `array`, or it is not a joint.

    Examples
    --------
    >>> import numpy as np
    >>> joint_from_array(np.full((2, 3, 4), 1 / 24), axes="x1 x2 y").shape
    (4, 2, 3)
    """
    values = as_real(array, "array")
    return check_joint(values.transpose(_axes_of(values, axes, "array")), name="array", n_axes=None)


def array_from_joint(p: npt.ArrayLike, *, axes: str) -> FloatArray:
    """Return the probabilities of p[y, x1, x2] with the axes in the order `axes`.

    Raises
    ------
    InputError
        If `p` is not a joint or `axes` does not name its axes.

    Examples
    --------
    >>> import numpy as np
    >>> array_from_joint(np.full((4, 2, 3), 1 / 24), axes="x1 x2 y").shape
    (2, 3, 4)
    """
    joint = check_joint(p, n_axes=None)
    return joint.transpose(np.argsort(_axes_of(joint, axes, "p"))).copy()


def joint_from_dit(
    distribution: dit.Distribution,
    *,
    target: Variable | Sequence[Variable],
    sources: Sequence[Variable | Sequence[Variable]],
) -> FloatArray:
    """Return the joint p[y, x1, x2] of a dit.Distribution; its other variables are summed out.

    Parameters
    ----------
    distribution : dit.Distribution
        With linear or logarithmic probabilities.
    target : int, str, or a sequence of them
        The variable that is y, or several that together are: by position, or by name where they have names.
    sources : sequence of the same
        x1, x2, ...; `sources=[0, 1], target=2` and dit's own `[[0], [1]], [2]` say the same.

    Raises
    ------
    InputError
        If dit is not installed, `distribution` is none of its distributions, or it has no such variable.

    Examples
    --------
    >>> import dit
    >>> xor = dit.Distribution(["000", "011", "101", "110"], [0.25] * 4)
    >>> joint_from_dit(xor, target=2, sources=[0, 1])[0]
    array([[0.25, 0.  ],
           [0.  , 0.25]])
    """
    if not isinstance(distribution, _dit().Distribution):
        raise InputError(f"distribution must be a dit.Distribution, not {type(distribution).__name__}")
    n_variables = int(distribution.outcome_length())
    if n_variables < 2:
        raise InputError(f"distribution must have a target and at least one source; it has {n_variables} variable")
    names = list(distribution.get_rv_names() or ())
    groups = [_variables(group, n_variables, names) for group in (target, *sources)]
    linear = distribution.copy(base="linear")
    columns = [
        [outcome[group[0]] if len(group) == 1 else tuple(outcome[i] for i in group) for outcome in linear.outcomes]
        for group in groups
    ]
    return _lay_out(columns, [float(mass) for mass in linear.pmf], None)


def dit_from_joint(p: npt.ArrayLike) -> dit.Distribution:
    """Return a dit.Distribution with the outcomes (x1, x2, ..., y) of a joint that have mass.

    Its decompositions then find their sources and their target by themselves: `dit.pid.PID_WB(dit_from_joint(p))`.

    Raises
    ------
    InputError
        If dit is not installed or `p` is not a joint.

    Examples
    --------
    >>> from pidkit import gate
    >>> dit_from_joint(gate("ReducedOR").joint).outcomes
    ((0, 0, 0), (0, 1, 1), (1, 0, 1))
    """
    joint = check_joint(p, n_axes=None)
    last = " ".join([*(f"x{k}" for k in range(1, joint.ndim)), "y"])
    masses = outcomes_from_joint(joint, axes=last)
    return _dit().Distribution(list(masses), list(masses.values()))


def _dit() -> Any:
    """Import dit when it is first needed."""
    try:
        import dit
    except ImportError as error:
        raise InputError("this needs dit, which is not installed: pip install pidkit[dit]") from error
    return dit


def _positions(axes: str) -> list[int]:
    """Return where y, x1, x2, ... stand in an order of axes."""
    names = axes.split() if isinstance(axes, str) else []  # type: ignore[redundant-expr]
    ours = ["y", *(f"x{k}" for k in range(1, len(names)))]
    if len(names) < 2 or sorted(names) != sorted(ours):
        raise InputError(f"axes must name y, x1, x2, ... once each, such as 'x1 x2 y', not {axes!r}")
    return [names.index(name) for name in ours]


def _axes_of(array: AnyArray, axes: str, name: str) -> list[int]:
    """Return which axes of an array are y, x1, x2, ..., one for every axis it has."""
    positions = _positions(axes)
    if array.ndim != len(positions):
        raise InputError(f"{name} must have the {len(positions)} axes {axes!r}; it has shape {array.shape}")
    return positions


def _variables(group: Variable | Sequence[Variable], n_variables: int, names: list[str]) -> list[int]:
    """Return the positions of one variable of a distribution, or of several that are read as one."""
    members = [group] if isinstance(group, str) or not isinstance(group, Sequence) else group
    positions = []
    for variable in members:
        if isinstance(variable, str):
            position = names.index(variable) if variable in names else -1
        else:
            try:
                position = operator.index(variable)
            except TypeError:
                position = -1
        if not 0 <= position < n_variables:
            known = f" or {', '.join(map(repr, names))}" if names else ""
            raise InputError(f"distribution has no variable {variable!r}; there are 0 to {n_variables - 1}{known}")
        positions.append(position)
    if not positions:
        raise InputError("a target or source without variables; each needs at least one")
    return positions


def _lay_out(columns: list[list[Any]], masses: list[float], shape: Sequence[int | None] | None) -> FloatArray:
    """Code the columns y, x1, ... of symbols and add the masses up at their cells."""
    names = ["y", *(f"x{k}" for k in range(1, len(columns)))]
    sizes = [None] * len(columns) if shape is None else list(shape)
    if len(sizes) != len(columns):
        raise InputError(f"shape must have one entry for each of {', '.join(names)}, not {len(sizes)}")
    coded = [encode_labels(c, n=size, name=name) for c, size, name in zip(columns, sizes, names, strict=True)]
    dense = tuple(n for _, n in coded)
    n_cells = np.prod(dense, dtype=np.float64)
    if n_cells > MAX_CELLS:
        raise InputError(
            f"the outcomes span {n_cells:.1e} cells of shape {dense}; integer symbols are codes, so number them from 0"
        )
    p = np.zeros(dense)
    np.add.at(p, tuple(codes for codes, _ in coded), as_real(masses, "masses"))
    return check_joint(p, name="masses", n_axes=None)
