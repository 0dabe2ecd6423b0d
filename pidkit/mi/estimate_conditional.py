"""`estimate_conditional_mi`: choose an estimator of I(A; B | C) by name."""

from __future__ import annotations

from collections.abc import Sized
from typing import Any, Literal, cast

import numpy as np

from pidkit.arguments import Rng, generator, whole_number
from pidkit.array_likes import plain_array
from pidkit.errors import ConstantInput, nothing_told_by, warn
from pidkit.mi.by_name import estimator_of
from pidkit.mi.conditional_nulls import permutations_given
from pidkit.mi.nulls import chosen, kept_in_folds, with_null, without_doubts
from pidkit.mi.result import MIEstimate
from pidkit.mi.row_groups import Groups, read_groups
from pidkit.mi.samples import Samples
from pidkit.types import Unit
from pidkit.units import check_unit

ConditionalEstimatorName = Literal[
    "calibrated", "ksg", "mixed", "plugin", "miller-madow", "gaussian", "gaussian-copula", "label-decoder"
]
"""The estimators of conditional information by name."""

CONDITIONAL_ESTIMATORS: dict[ConditionalEstimatorName, tuple[str, str, dict[str, Any]]] = {
    "calibrated": ("pidkit.mi.conditional", "ConditionalCalibrated", {}),
    "ksg": ("pidkit.mi.conditional", "ConditionalKSG", {}),
    "mixed": ("pidkit.mi.conditional", "ConditionalMixed", {}),
    "plugin": ("pidkit.mi.conditional_models", "ConditionalPlugIn", {}),
    "miller-madow": ("pidkit.mi.conditional_models", "ConditionalPlugIn", {"correction": "miller-madow"}),
    "gaussian": ("pidkit.mi.conditional_models", "ConditionalGaussian", {}),
    "gaussian-copula": ("pidkit.mi.conditional_models", "ConditionalGaussian", {"copula": True}),
    "label-decoder": ("pidkit.mi.conditional_models", "ConditionalLabelDecoder", {}),
}
"""Every name that `estimate_conditional_mi` takes: the module, the class, and the options that the name stands for."""


def estimate_conditional_mi(
    a: Samples,
    b: Samples,
    c: Samples,
    *,
    estimator: ConditionalEstimatorName = "calibrated",
    unit: Unit = "bits",
    rng: Rng = 0,
    n_null: int = 0,
    groups: Groups | None = None,
    **options: Any,
) -> MIEstimate:
    """Estimate the conditional mutual information I(A; B | C) = I(A; B, C) - I(A; C) of samples of three variables.

    Parameters
    ----------
    a, b, c : array_like or torch.Tensor, shape (n, ...); symbols (n,)
        One row a sample, in the same order; c is what is conditioned on. For "label-decoder" b holds the labels.
    estimator : str
        "calibrated" and "ksg" (continuous), "mixed" (continuous values and repeated ones), "plugin" and "miller-madow"
        (symbols), "gaussian", "gaussian-copula", "label-decoder".
    unit : str
        "bits" or "nats".
    rng : int or numpy.random.Generator
        Seeds noise, surrogates, splits and permutations.
    n_null : int
        Permutations for `p_value` and `null` of the result: b moves among samples whose c is near, or equal for
        symbols, so that what c says of a and b is kept.
    groups : array_like of labels, shape (n,), optional
        What belongs together, such as the tokens of one sentence or copies of one image. "label-decoder" keeps it in
        one fold, and its standard error allows for it; in the permutations whole groups trade places, with groups of
        their size whose c is near in every row, or holds the same symbols as often.
    **options
        Of the estimator's class, such as k=5 for "ksg".

    Returns
    -------
    MIEstimate

    Warns
    -----
    PidkitWarning
        For every entry of the result's `warnings`.

    Raises
    ------
    InputError
        If the samples cannot be used (the message names the side and the remedy), or an option is unknown.

    References
    ----------
    Frenzel & Pompe, 2007; Mesner & Shalizi, 2021; Runge, AISTATS 2018 (the permutations); the classes of `pidkit.mi`
    name the others.

    Examples
    --------
    >>> import numpy as np
    >>> from pidkit import estimate_conditional_mi
    >>> rng = np.random.default_rng(0)
    >>> c = rng.normal(size=(1000, 1))
    >>> a, b = c + rng.normal(size=(1000, 1)), c + rng.normal(size=(1000, 1))  # nothing in common but c
    >>> bool(abs(estimate_conditional_mi(a, b, c).value) < 0.1)
    True
    """
    check_unit(unit)
    built = estimator_of(estimator, CONDITIONAL_ESTIMATORS, options)
    n_null, draws = whole_number("n_null", n_null), generator(rng)
    a, b, c = (
        plain_array(side, name) if hasattr(side, "__array__") else side for side, name in ((a, "a"), (b, "b"), (c, "c"))
    )
    in_folds = kept_in_folds(built, repr(estimator), groups, n_null=n_null)
    groups = in_folds.get("groups", groups)  # an iterator is read once
    try:
        result: MIEstimate = built.estimate(a, b, c, unit=unit, rng=rng, **in_folds)
    except ConstantInput as constant:
        result = MIEstimate(
            0.0,
            unit,
            "exact",
            f"conditional {estimator}",
            len(cast(Sized, c)),
            0.0,
            warnings=(nothing_told_by(constant.name),),
        )
    if n_null and result.kind != "exact":
        plain = without_doubts(built)
        shuffle = permutations_given(c, None if groups is None else read_groups(groups, result.n_samples))

        def replicate(draws: np.random.Generator) -> MIEstimate:
            broken = chosen(b, shuffle(draws))
            return plain(a, broken, c, unit=unit, rng=int(draws.integers(2**32)), **in_folds)

        result = with_null(result, replicate, n_null, draws)
    for text in result.warnings:
        warn(f"{result.estimator}: {text}")
    return result
