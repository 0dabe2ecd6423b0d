"""From two saved representations and labels to atoms: quantise, count, decompose, and say what it is worth."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterable
from importlib.metadata import version
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from sklearn.base import clone

from pidkit.errors import BiasWarning, InputError
from pidkit.info import entropy
from pidkit.joint import IntArray, encode_labels
from pidkit.pid.decomposition import pid_from_samples
from pidkit.pid.inference import CodedSamples, bootstrap, corrected_atoms, predicted_bias, shuffled_null, spreads
from pidkit.pid.representation_result import RepresentationPID
from pidkit.quantise import RepresentationCodes
from pidkit.units import check_unit, from_nats

LARGEST_BIAS_SHARE = 0.1
"""Share of I(Y;X1,X2) from which its predicted bias calls for a warning."""

RECORDED_PACKAGES = ("pidkit", "numpy", "scipy", "scikit-learn", "numba")


class Quantiser(Protocol):
    """What turns representations (n, ...) into codes (n,): a scikit-learn transformer with `n_codes_` after `fit`."""

    n_codes_: int

    def fit(self, x: npt.ArrayLike) -> Any:
        """Learn the codes."""
        ...

    def transform(self, x: npt.ArrayLike) -> IntArray:
        """Return the code of every row."""
        ...

    def get_params(self) -> dict[str, Any]:
        """Return the parameters, for the provenance."""
        ...


def representation_pid(
    *,
    labels: npt.ArrayLike | Iterable[Hashable],
    x1: npt.ArrayLike,
    x2: npt.ArrayLike,
    quantiser: Quantiser | tuple[Quantiser, Quantiser] | None = None,
    fit_fraction: float | None = None,
    bias: str = "none",
    n_bootstrap: int = 0,
    n_null: int = 0,
    solver: str = "auto",
    tol: float | None = None,
    unit: str = "bits",
    rng: int | np.random.Generator = 0,
) -> RepresentationPID:
    """Decompose what two representations say about labels into redundant, unique and synergistic information.

    Each representation is turned into codes (by default flattened, reduced to 10 principal components and numbered by
    10 k-means centres: the RID paper, appendix D.3), and the empirical joint of (label, code, code) is decomposed.

    Parameters
    ----------
    labels : array_like or iterable of hashables, length n
        The target Y, at least two classes.
    x1, x2 : array_like or torch.Tensor, shape (n, ...)
        The representations, rows in the order of the labels; for distillation x1 is the teacher, x2 the student.
    quantiser : transformer or pair of transformers, optional
        Cloned before use. One for both sources, or one for each.
    fit_fraction : float, optional
        Fit the quantisers on this random share of the rows and measure on the others. None: fit and measure on all.
    bias : str
        "none", "miller-madow", "extrapolation" or "shuffle": what fills `corrected`; the raw atoms are always there.
    n_bootstrap, n_null : int
        Resamples for the spread, and permutations of the labels for the null.
    solver, tol, unit
        As in `bivariate_pid`.
    rng : int or numpy.random.Generator
        Seeds the split, the resamples and the permutations. The quantisers have a random_state of their own.

    Returns
    -------
    RepresentationPID

    Warns
    -----
    BiasWarning
        If the predicted bias of I(Y;X1,X2) passes a tenth of it.

    Raises
    ------
    InputError
        If lengths differ, there are fewer than two classes, the representations hold NaN, or an option is unknown.
    SolverError
        If the certified gap stays above `tol`.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> labels = rng.integers(2, size=2000)
    >>> teacher = labels[:, None] + 0.1 * rng.normal(size=(2000, 3))
    >>> student = rng.normal(size=(2000, 3))
    >>> result = representation_pid(
    ...     labels=labels, x1=teacher, x2=student, quantiser=RepresentationCodes(n_pca=2, n_codes=2)
    ... )
    >>> round(result.unique_1, 2), round(abs(result.redundancy), 2)
    (1.0, 0.0)
    """
    check_unit(unit)
    y, n_y = _check_labels(labels)
    _check_rows(y, x1, x2)
    _check_count("n_bootstrap", n_bootstrap)
    _check_count("n_null", n_null)
    generator = np.random.default_rng(rng)
    fit_rows, rows = _split(y.size, fit_fraction, generator)
    first, second = quantiser if isinstance(quantiser, tuple) else (quantiser, quantiser)
    codes_1, fitted_1 = _codes(x1, first, fit_rows, rows, "x1")
    codes_2, fitted_2 = _codes(x2, second, fit_rows, rows, "x2")
    samples = CodedSamples(y[rows], codes_1, codes_2)

    raw = pid_from_samples(y=samples.y, x1=codes_1, x2=codes_2, solver=solver, tol=tol, unit="nats")
    null = shuffled_null(samples, n_null, generator) if n_null else None
    resampled = bootstrap(samples, n_bootstrap, generator) if n_bootstrap else None
    n_1, n_2 = fitted_1.n_codes_, fitted_2.n_codes_
    biases = {
        "mi_1": predicted_bias(n_y, n_1, samples.n),
        "mi_2": predicted_bias(n_y, n_2, samples.n),
        "mi_joint": predicted_bias(n_y, n_1 * n_2, samples.n),
    }
    result = RepresentationPID(
        pid=raw,
        entropy_y=entropy(np.bincount(samples.y) / samples.n),
        cap_1=float(np.log(n_1)),
        cap_2=float(np.log(n_2)),
        n_samples=samples.n,
        bias=biases,
        corrected=corrected_atoms(bias, samples, raw, null, generator),
        null=None if null is None else spreads(null),
        bootstrap=None if resampled is None else spreads(resampled),
        unit="nats",
        provenance={
            "quantiser_1": _describe(fitted_1),
            "quantiser_2": _describe(fitted_2),
            "fit_fraction": fit_fraction,
            "bias": bias,
            "rng": rng if isinstance(rng, int) else "generator",
            "versions": {package: version(package) for package in RECORDED_PACKAGES},
        },
    )
    _warn_of_bias(result, unit)
    return result.to(unit)


def _check_labels(labels: npt.ArrayLike | Iterable[Hashable]) -> tuple[IntArray, int]:
    """Return integer labels and how many classes occur; fewer than two say nothing."""
    y, _ = encode_labels(labels, n=None, name="labels")
    n_classes = int(np.unique(y).size)
    if n_classes < 2:
        raise InputError("labels hold one class only: there is nothing to be informed about; use at least two")
    return y, n_classes


def _check_rows(y: IntArray, x1: npt.ArrayLike, x2: npt.ArrayLike) -> None:
    """Raise unless both representations have one row a label."""
    for name, x in (("x1", x1), ("x2", x2)):
        shape = np.shape(x)
        if not shape or shape[0] != y.size:
            raise InputError(
                f"{name} must have one row a label: it has shape {tuple(shape)}, and there are {y.size} labels"
            )


def _check_count(name: str, count: object) -> None:
    """Raise unless `count` is a whole number that is not negative."""
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 0:
        raise InputError(f"{name} must be a whole number >= 0, not {count!r}")


def _split(n: int, fit_fraction: float | None, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Return the rows to fit on and the rows to measure, in file order."""
    everything = np.arange(n)
    if fit_fraction is None:
        return everything, everything
    if not 0.0 < fit_fraction < 1.0:
        raise InputError(
            f"fit_fraction must lie between 0 and 1, not {fit_fraction!r}; None fits and measures on all rows"
        )
    order = rng.permutation(n)
    cut = round(fit_fraction * n)
    if not 0 < cut < n:
        raise InputError(f"fit_fraction = {fit_fraction} of {n} rows leaves no row to fit on, or none to measure")
    return np.sort(order[:cut]), np.sort(order[cut:])


def _codes(
    x: npt.ArrayLike, quantiser: Quantiser | None, fit_rows: IntArray, rows: IntArray, name: str
) -> tuple[IntArray, Quantiser]:
    """Fit a copy of the quantiser and return the codes of the measured rows, and the copy."""
    fitted: Quantiser = RepresentationCodes() if quantiser is None else clone(quantiser)
    array = x if hasattr(x, "__getitem__") and hasattr(x, "shape") else np.asarray(x)
    whole = fit_rows.size == rows.size == np.shape(array)[0]
    try:
        fitted.fit(array if whole else array[fit_rows])  # type: ignore[index]
        codes = fitted.transform(array if whole else array[rows])  # type: ignore[index]
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    return codes, fitted


def _describe(quantiser: Quantiser) -> dict[str, Any]:
    """Return the name, the parameters and the alphabet of a fitted quantiser."""
    return {"name": type(quantiser).__name__, "n_codes": quantiser.n_codes_, **quantiser.get_params()}


def _warn_of_bias(result: RepresentationPID, unit: str) -> None:
    """Warn where the predicted bias is a sizeable part of what is reported."""
    bias, information = result.bias["mi_joint"], result.pid.mi_joint
    if bias > LARGEST_BIAS_SHARE * information:
        share = f"{100.0 * bias / information:.0f} %" if information > 0.0 else "all"
        warnings.warn(
            f"the predicted plug-in bias of I(Y;X1,X2) is {from_nats(bias, unit):.3f} {unit}, {share} of the "
            f"{from_nats(information, unit):.3f} reported: use more samples than {result.n_samples} or fewer codes, "
            "and read the atoms beside n_null and bias='extrapolation'",
            BiasWarning,
            stacklevel=3,
        )
