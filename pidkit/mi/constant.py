"""Constant samples: their information is zero, which every estimator says with a warning instead of estimating it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sized
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from pidkit.arguments import seed_name
from pidkit.errors import ConstantInput, nothing_told_by
from pidkit.mi.result import MIEstimate
from pidkit.mi.samples import check_pairs
from pidkit.units import check_unit

Owner = TypeVar("Owner")
Rest = ParamSpec("Rest")


def zero_where_constant(
    estimate: Callable[Concatenate[Owner, Rest], MIEstimate],
) -> Callable[Concatenate[Owner, Rest], MIEstimate]:
    """Let a method `estimate(self, a, b, ...)` return zero, of kind "exact" and with a warning, for a constant side.

    I(A; B) <= H(A) = 0, whatever the other side is, so that there is nothing to estimate: a sweep over layers goes on
    past one that has died. The two sides must be of one length all the same.

    Examples
    --------
    >>> import numpy as np
    >>> from pidkit.mi import KSG
    >>> found = KSG().estimate(np.ones(50), np.arange(50.0))
    >>> found.value, found.kind, found.warnings
    (0.0, 'exact', ('a is constant: its information about anything is 0',))
    """
    signature = inspect.signature(estimate)

    @functools.wraps(estimate)
    def guarded(self: Owner, /, *args: Rest.args, **kwargs: Rest.kwargs) -> MIEstimate:
        try:
            return estimate(self, *args, **kwargs)
        except ConstantInput as constant:
            given = signature.bind(self, *args, **kwargs)
            given.apply_defaults()
            return _zero(type(self).__name__, constant.name, given.arguments)

    return guarded


def _zero(estimator: str, constant: str, given: dict[str, Any]) -> MIEstimate:
    """Return the estimate of pairs with a constant side."""
    n_a, n_b = (len(cast(Sized, given[side])) for side in ("a", "b"))
    return MIEstimate(
        value=0.0,
        unit=check_unit(given["unit"]),
        kind="exact",
        estimator=estimator,
        n_samples=check_pairs(n_a, n_b, at_least=1, reason="a constant"),
        stderr=0.0,
        warnings=(nothing_told_by(constant),),
        seed=seed_name(given["rng"]) if "rng" in given else None,
    )
