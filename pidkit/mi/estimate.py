"""`estimate_mi`: choose an estimator by name, and warn where its result should not be trusted."""

from __future__ import annotations

from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np

from pidkit.arguments import Rng, generator, whole_number
from pidkit.array_likes import plain_array
from pidkit.errors import InputError, warn
from pidkit.mi.blocks import Blocks
from pidkit.mi.by_name import estimator_of
from pidkit.mi.nulls import chosen, kept_in_folds, with_null, without_doubts
from pidkit.mi.result import MIEstimate
from pidkit.mi.row_groups import Groups, read_groups
from pidkit.mi.samples import Samples
from pidkit.types import Unit
from pidkit.units import check_unit


@runtime_checkable
class Estimator(Protocol):
    """The interface of estimators of mutual information, such as KSG, Ross, PlugIn, GaussianMI, NeuralMI, decoders."""

    def estimate(self, a: Samples, b: Samples, *, unit: Unit = "bits", rng: Rng = 0) -> MIEstimate:
        """Estimate I(A; B)."""
        ...


EstimatorName = Literal[
    "ksg",
    "calibrated",
    "ross",
    "gao",
    "plugin",
    "miller-madow",
    "gaussian",
    "gaussian-copula",
    "label-decoder",
    "reconstruction-decoder",
    "infonce",
    "jsd",
    "smile",
    "mine",
    "nwj",
]
"""The estimators by name."""

ESTIMATORS: dict[EstimatorName, tuple[str, str, dict[str, Any]]] = {
    "ksg": ("pidkit.mi.knn", "KSG", {}),
    "calibrated": ("pidkit.mi.calibrated", "Calibrated", {}),
    "ross": ("pidkit.mi.mixed", "Ross", {}),
    "gao": ("pidkit.mi.mixed", "Gao", {}),
    "plugin": ("pidkit.mi.plugin", "PlugIn", {}),
    "miller-madow": ("pidkit.mi.plugin", "PlugIn", {"correction": "miller-madow"}),
    "gaussian": ("pidkit.mi.gaussian", "GaussianMI", {}),
    "gaussian-copula": ("pidkit.mi.gaussian", "GaussianCopulaMI", {}),
    "label-decoder": ("pidkit.mi.decoder", "LabelDecoder", {}),
    "reconstruction-decoder": ("pidkit.mi.decoder", "ReconstructionDecoder", {}),
    "infonce": ("pidkit.mi.neural", "NeuralMI", {"objective": "infonce"}),
    "jsd": ("pidkit.mi.neural", "NeuralMI", {"objective": "jsd"}),
    "smile": ("pidkit.mi.neural", "NeuralMI", {"objective": "jsd", "readout": "smile"}),
    "mine": ("pidkit.mi.neural", "NeuralMI", {"objective": "dv"}),
    "nwj": ("pidkit.mi.neural", "NeuralMI", {"objective": "nwj"}),
}
"""Every name that `estimate_mi` takes: the module, the class, and the options that the name stands for."""


def estimate_mi(
    a: Samples,
    b: Samples,
    *,
    estimator: EstimatorName | Estimator = "calibrated",
    unit: Unit = "bits",
    rng: Rng = 0,
    n_null: int = 0,
    groups: Groups | None = None,
    **options: Any,
) -> MIEstimate:
    """Estimate the mutual information I(A; B) = E log p(a, b) / (p(a) p(b)) of paired samples.

    Parameters
    ----------
    a, b : array_like or torch.Tensor, shape (n, ...); labels (n,)
        One row a sample, in the same order. For "label-decoder", a is the representation and b the label; for
        "reconstruction-decoder", a is what is reconstructed and b the representation. The others are symmetric in what
        they estimate.
    estimator : str or object with an `estimate` method
        "calibrated" (continuous), "ksg" (continuous, few columns), "ross" (labels on one side), "gao" (mixtures),
        "plugin" and "miller-madow" (symbols), "gaussian", "gaussian-copula", "infonce", "jsd", "smile", "mine", "nwj"
        (trained critics; need torch), "label-decoder", "reconstruction-decoder". Which to take when:
        docs/howto/choosing-an-estimator.md.
    unit : str
        "bits" or "nats".
    rng : int or numpy.random.Generator
        Seeds jitter, splits, batches, initial weights and permutations; the same seed gives the same answer.
    n_null : int
        Permutations of b among the samples, in which there is nothing to find, for `p_value` and `null` of the result.
    groups : array_like of labels, shape (n,), optional
        What belongs together, such as the tokens of one sentence or copies of one image. Critics and decoders keep it
        in one part of every split, and their standard errors allow for it; in the permutations whole groups trade
        places, with groups of their size.
    **options
        Of the estimator's class, such as k=5 for "ksg"; none with an estimator object.

    Returns
    -------
    MIEstimate
        Its `kind` says whether the value is an estimate, a lower bound, or a V-information; it is "exact" for a
        constant side, whose information is zero.

    Warns
    -----
    PidkitWarning
        For every entry of the result's `warnings`. `check_samples(a, b)` says more about the samples.

    Raises
    ------
    InputError
        If the samples cannot be used (the message names the side and the remedy), or an option is unknown.
    SolverError
        If a critic or a decoder diverges.

    References
    ----------
    The classes of `pidkit.mi` and `pidkit.mi.neural` name their papers.

    Examples
    --------
    >>> import numpy as np
    >>> from pidkit import estimate_mi
    >>> a = np.random.default_rng(0).normal(size=(2000, 1))
    >>> b = a + np.random.default_rng(1).normal(size=(2000, 1))  # the truth is half a bit
    >>> estimate = estimate_mi(a, b)
    >>> round(estimate.value, 1), estimate.kind
    (0.5, 'estimate')
    """
    check_unit(unit)
    built = _build(estimator, options)
    a, b = (plain_array(side, name) if hasattr(side, "__array__") else side for side, name in ((a, "a"), (b, "b")))
    n_null = whole_number("n_null", n_null)
    draws = generator(rng)
    in_folds = kept_in_folds(built, _called(estimator), groups, n_null=n_null)
    groups = in_folds.get("groups", groups)  # an iterator is read once
    result = built.estimate(a, b, unit=unit, rng=rng, **in_folds)
    if n_null and result.kind != "exact":
        plain, n = without_doubts(built), result.n_samples
        blocks = Blocks(n, None if groups is None else read_groups(groups, n))

        def replicate(draws: np.random.Generator) -> MIEstimate:
            broken = chosen(b, blocks.exchange(draws))
            return plain(a, broken, unit=unit, rng=int(draws.integers(2**32)), **in_folds)

        result = with_null(result, replicate, n_null, draws)
    for text in result.warnings:
        warn(f"{result.estimator}: {text}")
    return result


def _called(estimator: object) -> str:
    """Return what to call an estimator in a message."""
    return repr(estimator) if isinstance(estimator, str) else type(estimator).__name__


def _build(estimator: EstimatorName | Estimator, options: dict[str, Any]) -> Estimator:
    """Return the estimator of a name and its options, or the object given."""
    if not isinstance(estimator, str):
        if not isinstance(estimator, Estimator):
            raise InputError(f"estimator must be a name or have an estimate method, not {type(estimator).__name__}")
        if options:
            raise InputError(f"{', '.join(options)}: an estimator object has its options already; pass a name instead")
        return estimator
    built: Estimator = estimator_of(estimator, ESTIMATORS, options)
    return built
