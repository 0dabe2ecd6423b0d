"""From discrete samples to atoms with intervals: `estimate_pid`, the door, and the arithmetic of its estimate."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from pidkit.arguments import Rng, generator, seed_name, whole_number
from pidkit.errors import InputError
from pidkit.info import entropy
from pidkit.pid.decomposition import pid_from_samples
from pidkit.pid.result import ATOMS, PIDResult
from pidkit.representations.estimate_result import SIGNIFICANT, PIDEstimate
from pidkit.representations.finite_samples import CodedSamples, bootstrap, spreads
from pidkit.representations.held_out import INFORMATIONS, OF_ATOMS, Scores, cross_validate
from pidkit.representations.nulls import null_tests
from pidkit.symbols import encode_labels
from pidkit.types import FloatArray, IntArray, Unit
from pidkit.units import check_unit

TWO_SIDED_95 = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""

LARGEST_TABLE = 1e7
"""Cells n_y n_x1 n_x2 up to which samples are estimated; a fold's problem is dense, since no cell is ruled out."""

FEWEST_FOLDS = 3
"""With two folds, half of the others would be all of them, and nothing could be extrapolated."""


def estimate_pid(
    *,
    y: npt.ArrayLike | Iterable[Hashable],
    x1: npt.ArrayLike | Iterable[Hashable],
    x2: npt.ArrayLike | Iterable[Hashable],
    folds: int = 10,
    n_bootstrap: int = 0,
    n_null: int = 0,
    unit: Unit = "bits",
    rng: Rng = 0,
) -> PIDEstimate:
    """Estimate the atoms of the distribution that discrete samples come from, with intervals.

    `pid_from_samples` decomposes the sample itself, and its synergy can be a bit too large. Here the four informations
    I1 = I(Y;X1), I2 = I(Y;X2), U = I1 + I2 - redundancy and I12 = I(Y;X1,X2) are scored by cross-validation, and

        redundancy = I1 + I2 - U,  unique_1 = U - I2,  unique_2 = U - I1,  synergy = I12 - U.

    Each information is H(Y) plus the highest mean log score of a predictor (of its own family). Shrunken predictors
    fitted to some folds score too low on the others and too high on their own, to first order by the same amount: I1,
    I2 and I12 are the middle. U is the smaller of the middle and of the limit of its learning curve from half to all
    folds, h + (h - h_half) s_half / (s - s_half) with s the shares of the rows fitted to, but at least I1 and I2: where
    the sources are equally informative U is a maximum of two, and its own middle is too high.

    Parameters
    ----------
    y, x1, x2 : array_like or iterable of hashables, length n
        One symbol a sample.
    folds : int
        Parts of the sample, 3 or more, each of which is scored by predictors fitted to the others.
    n_bootstrap : int
        Resamples for the spread of the plug-in atoms.
    n_null : int
        Replicates of every null of `pidkit.representations.nulls`. With 0 the p-values are those of the held-out rows.
    unit : str
        "bits" or "nats".
    rng : int or numpy.random.Generator
        Seeds the folds, the resamples and the nulls.

    Returns
    -------
    PIDEstimate

    Warns
    -----
    PidkitWarning
        If the target or a source is constant: its information about anything is 0, exactly.

    Raises
    ------
    InputError
        If the lengths differ, there are fewer than two samples a fold, an option is out of range, or the alphabets
        have more than 1e7 cells together.

    Notes
    -----
    docs/meaning/what-to-believe.md has bias, spread and coverage on systems with known atoms, and
    benchmarks/bench_estimates.py repeats them. The interval of an atom is the hull of its held-out, in-sample and
    estimated values, widened by 1.96 standard errors of its row scores. Where the held-out rows tell neither unique
    atom from zero (p > .05 for both), the sources may be equally good, which a maximum of two never shows: there the
    intervals of redundancy and synergy also reach to their values at U = (I1 + I2) / 2.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x1, x2 = rng.integers(2, size=(2, 1000))
    >>> estimate = estimate_pid(y=x1 ^ x2, x1=x1, x2=x2)
    >>> round(estimate.synergy, 2), round(abs(estimate.redundancy), 2)
    (1.0, 0.0)
    """
    check_unit(unit)
    folds = whole_number("folds", folds, least=FEWEST_FOLDS)
    n_bootstrap, n_null = whole_number("n_bootstrap", n_bootstrap), whole_number("n_null", n_null)
    draws = generator(rng)
    samples = _read(y, x1, x2)
    if samples.n < 2 * folds:
        raise InputError(f"y holds {samples.n} samples, fewer than two a fold; pass folds={max(3, samples.n // 2)}")
    plug_in = pid_from_samples(y=samples.y, x1=samples.x1, x2=samples.x2, unit="nats")
    scores = cross_validate(samples, deal_folds(samples.n, folds, draws))
    informations = estimate_informations(scores)
    held_out, in_sample = scores.held_out.mean(0), scores.in_sample
    errors = standard_errors(scores)
    estimate = {**by_name(informations), **atoms_from(informations)}
    ends = [estimate, *({**by_name(values), **atoms_from(values)} for values in (held_out, in_sample))]
    p_values: dict[str, float] = {name: one_sided(ends[1][name], errors[name]) for name in ATOMS}
    spanned = [*ends, at_corner(informations, p_values)]
    null = None
    if n_null:
        observed = np.array([getattr(plug_in, name) for name in ATOMS])
        by_nulls, null = null_tests(samples, observed, n_null, draws)
        p_values = {name: max(p_values[name], by_nulls[name]) for name in ATOMS}
    result = PIDEstimate(
        **estimate,
        interval={name: hull([end[name] for end in spanned if name in end], errors[name]) for name in estimate},
        standard_error=errors,
        held_out=ends[1],
        in_sample=ends[2],
        plug_in=all_of(plug_in),
        p_value=p_values,
        null=null,
        bootstrap=spreads(bootstrap(samples, n_bootstrap, draws)) if n_bootstrap else None,
        entropy_y=entropy(np.bincount(samples.y) / samples.n),
        n_samples=samples.n,
        n_symbols=tuple(int(codes.max()) + 1 for codes in (samples.y, samples.x1, samples.x2)),
        unit="nats",
        report=plug_in.report,
        provenance={
            "folds": folds,
            "n_bootstrap": n_bootstrap,
            "n_null": n_null,
            "rng": seed_name(rng),
        },
    )
    return result.to(unit)


def estimate_informations(scores: Scores) -> FloatArray:
    """Return the estimates of I1, I2, U and I12, in nats, from cross-validated scores; see `estimate_pid`."""
    held_out, half = scores.held_out.mean(0), scores.from_half.mean(0)
    middle = 0.5 * (held_out + scores.in_sample)
    growth = scores.half_share / (scores.share - scores.half_share)
    limit = held_out[2] + growth * (held_out[2] - half[2])
    middle[2] = max(min(middle[2], limit), middle[0], middle[1])
    return np.asarray(middle)


def atoms_from(informations: FloatArray) -> dict[str, float]:
    """Return the atoms of I1, I2, U and I12, such as redundancy = I1 + I2 - U (Bertschinger et al. 2014)."""
    return dict(zip(ATOMS, map(float, OF_ATOMS @ informations), strict=True))


def at_corner(informations: FloatArray, p_values: Mapping[str, float]) -> dict[str, float]:
    """Return redundancy, synergy and union where both sources tell the same, U = (I1 + I2) / 2, if they may.

    They may where no unique atom has a p-value of at most .05. U is at least I1 and I2, so that its estimate exceeds
    what two equally good sources tell by about half the difference that chance makes between them, held out and in
    sample alike.

    Examples
    --------
    >>> at_corner(np.array([1.1, 0.9, 1.2, 1.5]), {"unique_1": 0.2, "unique_2": 0.4})
    {'redundancy': 1.0, 'synergy': 0.5, 'union': 1.0}
    >>> at_corner(np.array([1.1, 0.9, 1.2, 1.5]), {"unique_1": 0.01, "unique_2": 0.4})
    {}
    """
    if min(p_values["unique_1"], p_values["unique_2"]) <= SIGNIFICANT:
        return {}
    same = 0.5 * float(informations[0] + informations[1])
    return {"redundancy": same, "synergy": float(informations[3]) - same, "union": same}


def standard_errors(scores: Scores) -> dict[str, float]:
    """Return the standard error of every information and atom, in nats, from the scatter of the rows' scores.

    The scores of a row are combined as its informations are. The union's are also taken as its learning curve combines
    them, which scatters more; the larger error of the two counts.
    """
    growth = scores.half_share / (scores.share - scores.half_share)
    along_curve = scores.held_out.copy()
    along_curve[:, 2] += growth * (scores.held_out[:, 2] - scores.from_half[:, 2])
    errors = []
    for rows in (scores.held_out, along_curve):
        columns = np.vstack([rows.T, OF_ATOMS @ rows.T])
        errors.append(columns.std(1, ddof=1) / np.sqrt(len(rows)))
    return {
        name: float(max(pair)) for name, pair in zip((*INFORMATIONS, *ATOMS), zip(*errors, strict=True), strict=True)
    }


def hull(values: Sequence[float], error: float) -> tuple[float, float]:
    """Return the 95 % interval of an estimate that lies between several values, each with this standard error."""
    return min(values) - TWO_SIDED_95 * error, max(values) + TWO_SIDED_95 * error


def deal_folds(n: int, folds: int, rng: np.random.Generator) -> IntArray:
    """Return the fold of every row: folds of equal size, up to one row, at random."""
    dealt = np.empty(n, dtype=np.int64)
    dealt[rng.permutation(n)] = np.arange(n) % folds
    return dealt


def _read(y: object, x1: object, x2: object) -> CodedSamples:
    """Return the samples as ranks without gaps."""
    codes = []
    for name, values in (("y", y), ("x1", x1), ("x2", x2)):
        symbols, _ = encode_labels(values, n=None, name=name)  # type: ignore[arg-type]
        codes.append(np.unique(symbols, return_inverse=True)[1].astype(np.int64))
    lengths = [part.size for part in codes]
    if len(set(lengths)) > 1:
        raise InputError(f"y, x1 and x2 must have one entry a sample; their lengths are {', '.join(map(str, lengths))}")
    cells = float(np.prod([float(part.max()) + 1.0 for part in codes]))
    if cells > LARGEST_TABLE:
        raise InputError(
            f"y, x1 and x2 have {cells:.3g} cells together, more than {LARGEST_TABLE:.0e}: merge symbols or use fewer "
            "codes; a sample says nothing about so many"
        )
    return CodedSamples(*codes)


def by_name(informations: FloatArray) -> dict[str, float]:
    """Return the four informations by name."""
    return dict(zip(INFORMATIONS, map(float, informations), strict=True))


def all_of(result: PIDResult) -> dict[str, float]:
    """Return the atoms and informations of a decomposition, the union information among them."""
    union = result.mi_1 + result.mi_2 - result.redundancy
    informations = np.array([result.mi_1, result.mi_2, union, result.mi_joint])
    return {**by_name(informations), **atoms_from(informations)}


def one_sided(value: float, error: float) -> float:
    """Return the p-value of a held-out mean against zero or less; held-out scores err downwards."""
    if error == 0.0:
        return 0.0 if value > 0.0 else 1.0
    return float(norm.sf(value / error))
