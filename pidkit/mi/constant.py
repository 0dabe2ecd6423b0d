"""Constant samples: their information is zero, which every estimator says with a warning instead of estimating it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sized
from typing import Any, cast

from pidkit.arguments import seed_name
from pidkit.errors import InputError
from pidkit.mi.result import MIEstimate
from pidkit.mi.samples import ConstantSide
from pidkit.units import check_unit

Estimate = Callable[..., MIEstimate]
"""The `estimate` method of an estimator, bound or not."""


def zero_where_constant(estimate: Estimate) -> Estimate:
    """Let an `estimate(a, b)` return zero, of kind "exact" and with a warning, where a side is constant.

    I(A; B) <= H(A) = 0, whatever the other side is, so that there is nothing to estimate: a sweep over layers goes on
    past one that has died. The two sides must be of one length all the same.

    Examples
    --------
    >>> import numpy as np
    >>> from pidkit.mi import KSG
    >>> found = KSG().estimate(np.ones(50), np.arange(50.0))
    >>> found.value, found.kind, found.warnings[0][:13]
    (0.0, 'exact', 'a is constant')
    """
    signature = inspect.signature(estimate)

    @functools.wraps(estimate)
    def guarded(*args: Any, **kwargs: Any) -> MIEstimate:
        try:
            return estimate(*args, **kwargs)
        except ConstantSide as constant:
            given = signature.bind(*args, **kwargs)
            given.apply_defaults()
            one = given.arguments.get("self", getattr(estimate, "__self__", None))
            return _zero(type(one).__name__, constant, **{k: v for k, v in given.arguments.items() if k != "self"})

    return guarded


def _zero(estimator: str, constant: ConstantSide, a: object, b: object, unit: object, rng: object) -> MIEstimate:
    """Return the estimate of pairs with a constant side."""
    n_a, n_b = len(cast(Sized, a)), len(cast(Sized, b))
    if n_a != n_b:
        raise InputError(
            f"a and b must have one row a sample, in the same order; they have {n_a} and {n_b}"
        ) from constant
    said = str(constant).split(":")[0]
    return MIEstimate(
        value=0.0,
        unit=check_unit(unit),
        kind="exact",
        estimator=estimator,
        n_samples=n_a,
        stderr=0.0,
        warnings=(f"{said}: its information about anything is 0, and nothing was estimated",),
        seed=seed_name(rng),
    )
