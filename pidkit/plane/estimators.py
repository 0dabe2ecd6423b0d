"""The estimators of an information plane: pairs for I(X;F) and I(F;Y), by name or given by the caller."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import numpy as np

from pidkit.arguments import flag, items_of, keep_checked, mapping_of, one_of
from pidkit.errors import InputError
from pidkit.mi.estimate import EstimatorName, estimate_mi
from pidkit.mi.result import MIEstimate
from pidkit.plane.binned import binned_input_information, binned_label_information, leading_components
from pidkit.types import AnyArray, FloatArray

ESTIMATOR_PAIRS: dict[str, tuple[EstimatorName, EstimatorName]] = {
    "decoder": ("reconstruction-decoder", "label-decoder"),
    "ksg": ("ksg", "ross"),
    "jsd": ("jsd", "jsd"),
    "infonce": ("infonce", "infonce"),
}
"""The pairs known by name: the names that `estimate_mi` takes, for I(X;F) and for I(F;Y)."""

TAKES_LABELS = ("label-decoder", "ross", "gao")
"""Names of estimators that take class codes as they are; the others are given one-hot rows."""

PLANE_ESTIMATORS = (*ESTIMATOR_PAIRS, "binned")
"""All names that `InformationPlane` takes as `estimators`."""


class Estimate(Protocol):
    """What an estimator returns: an MIEstimate or anything alike; `kind` and `saturated` are read where there."""

    @property
    def value(self) -> float:
        """The estimate, in `unit`."""

    @property
    def unit(self) -> str:
        """The unit, "bits" or "nats"."""

    @property
    def stderr(self) -> float | None:
        """The standard error, where the estimator knows one."""

    @property
    def cap(self) -> float | None:
        """What the estimator cannot exceed."""

    @property
    def warnings(self) -> Sequence[str]:
        """What to know before believing the value."""


AxisEstimator = Callable[[FloatArray, AnyArray, np.random.Generator], Estimate]
"""A function of features (n, d), a target and a Generator. The target is inputs (n, ...) for I(X;F), class codes (n,)
for I(F;Y)."""


@dataclass(frozen=True)
class PlaneEstimator:
    """A pair of estimators that makes one point of the plane.

    Attributes
    ----------
    name : str
        How the points are called.
    mi_input, mi_label : callable or None
        Estimators of I(X;F) and I(F;Y); None leaves that axis out.
    seeded : bool
        Whether the value depends on the generator: if not, one run is enough, and there is no spread over seeds.
    options : dict
        For the provenance, and to refuse to resume with others.

    Examples
    --------
    >>> PlaneEstimator("labels only", mi_label=binned_label_information).name
    'labels only'
    """

    name: str
    mi_input: AxisEstimator | None = None
    mi_label: AxisEstimator | None = None
    seeded: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the flag and the options."""
        keep_checked(self, seeded=flag("seeded", self.seeded), options=mapping_of("options", self.options))


def plane_estimators(
    chosen: str | PlaneEstimator | Iterable[str | PlaneEstimator],
) -> tuple[PlaneEstimator, ...]:
    """Return the pairs of estimators that names and pairs stand for, each name once.

    Raises
    ------
    InputError
        If there is none, a name is unknown, or two share one.
    """
    items = (chosen,) if isinstance(chosen, (str, PlaneEstimator)) else items_of("estimators", chosen)
    pairs = [one if isinstance(one, PlaneEstimator) else plane_estimator(one) for one in items]
    names = [one.name for one in pairs]
    if not pairs or len(set(names)) != len(names):
        raise InputError(f"estimators must be at least one, each with a name of its own, not {names}")
    return tuple(pairs)


def plane_estimator(
    name: str,
    *,
    mi_input: Mapping[str, Any] | None = None,
    mi_label: Mapping[str, Any] | None = None,
    called: str | None = None,
) -> PlaneEstimator:
    """Return a pair of estimators by name, with options for each axis.

    Parameters
    ----------
    name : str
        "decoder": reconstruction for I(X;F) (v-information) and a label decoder for I(F;Y) (a lower bound), as in
        SFKD's appendix A. "binned": plug-in values of binned features. "ksg": nearest neighbours (Ross's for labels),
        on `n_pca` principal components of both sides (default 5), because they fail in high dimension. "jsd",
        "infonce": trained critics.
    mi_input, mi_label : dict, optional
        Options of the estimator of either axis: those of `pidkit.estimate_mi`, or `n_bins` and `n_pca` for "binned".
        Trained ones have folds=1: every seed draws a split of its own; and n_surrogates=0, so that no more is trained
        for every layer and epoch than the estimate: try the estimator on one layer by `pidkit.estimate_mi`.
    called : str, optional
        What the points are called, where not `name`: to track one estimator with several options.

    Raises
    ------
    InputError
        If `name` is unknown.

    Examples
    --------
    >>> plane_estimator("binned", mi_input={"n_bins": 30, "n_pca": None}, called="30 bins").name
    '30 bins'
    """
    one_of("estimators", name, PLANE_ESTIMATORS)
    first = {} if mi_input is None else mapping_of("mi_input", mi_input)
    second = {} if mi_label is None else mapping_of("mi_label", mi_label)
    options = {"pair": name, "mi_input": _plain(first), "mi_label": _plain(second)}
    if name == "binned":
        return PlaneEstimator(
            called or name,
            partial(binned_input_information, **first),
            partial(binned_label_information, **second),
            seeded=False,
            options=options,
        )
    input_estimator, label_estimator = ESTIMATOR_PAIRS[name]
    return PlaneEstimator(
        called or name,
        partial(estimated_information, estimator=input_estimator, **{**_defaults(input_estimator), **first}),
        partial(estimated_information, estimator=label_estimator, **{**_defaults(label_estimator), **second}),
        seeded=name != "ksg",
        options=options,
    )


def estimated_information(
    features: FloatArray,
    target: AnyArray,
    rng: np.random.Generator,
    *,
    estimator: EstimatorName,
    n_pca: int | None = None,
    **options: Any,
) -> MIEstimate:
    """Estimate the information of features about a target by `pidkit.estimate_mi`.

    Parameters
    ----------
    features : ndarray, shape (n, d)
    target : ndarray
        Shape (n, ...), or class codes (n,).
    rng : numpy.random.Generator
    estimator : str
        As `estimate_mi` knows it.
    n_pca : int, optional
        Principal components to take first, of the features and of a target that is no label.
    **options
        Further arguments of `estimate_mi`.
    """
    rows = leading_components(features, n_pca)
    other = target if target.ndim == 1 else leading_components(target, n_pca)
    if estimator == "reconstruction-decoder":
        rows, other = other, rows  # it is told the target first, then the representation that it decodes
    elif target.ndim == 1 and estimator not in TAKES_LABELS:
        other = np.eye(int(target.max()) + 1)[target]
    return estimate_mi(rows, other, estimator=estimator, unit="nats", rng=rng, **options)


def _defaults(estimator: EstimatorName) -> dict[str, Any]:
    """Return the options of an estimator that a plane has unless it is told others."""
    if estimator in ("ksg", "ross"):
        return {"n_pca": 5}
    return {"folds": 1} if estimator == "reconstruction-decoder" else {"folds": 1, "n_surrogates": 0}


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as JSON can hold them."""
    return {k: v if isinstance(v, (str, int, float, bool, type(None))) else repr(v) for k, v in options.items()}
