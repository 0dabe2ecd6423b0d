"""`coded_pid`: the atoms of codes that know no labels, the RID paper's recipe: quantise, count, decompose, judge."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from pidkit.arguments import Memory, Rng, byte_count, generator, seed_name, whole_number
from pidkit.arrays.batches import Batches, mapped_rows
from pidkit.errors import BiasWarning, InputError, nothing_told_by, takes_memory, warn
from pidkit.info import LARGEST_BIAS_SHARE, entropy
from pidkit.joint import count_samples, takes_two_sources
from pidkit.mi.splits import FOLDS
from pidkit.pid.decomposition import pid_of_counts
from pidkit.pid.solvers.choice import check_solver, check_tol
from pidkit.provenance import recorded_versions
from pidkit.quantise.rows import is_constant
from pidkit.representations.coded_layer import CodedLayer
from pidkit.representations.coded_result import CodedPID
from pidkit.representations.coding import (
    Quantiser,
    RowSplit,
    copy_quantisers,
    describe,
    encode,
    read_rows,
    split_rows,
)
from pidkit.representations.decoder_kinds import Decoder, check_decoder, decoder_name
from pidkit.representations.decoders import decode_layers
from pidkit.representations.finite_samples import (
    CodedSamples,
    bootstrap,
    check_correction,
    corrected_atoms,
    predicted_bias,
    shuffled_null,
    spreads,
)
from pidkit.representations.fold_rows import Layer
from pidkit.representations.folds import cross_fitting_splits
from pidkit.symbols import encode_labels
from pidkit.types import BiasCorrection, IntArray, SolverName, Unit
from pidkit.units import check_unit


@takes_memory
@takes_two_sources
def coded_pid(
    *,
    labels: npt.ArrayLike | Iterable[Hashable],
    x1: npt.ArrayLike | Batches | CodedLayer,
    x2: npt.ArrayLike | Batches | CodedLayer,
    quantiser: Quantiser | tuple[Quantiser | None, Quantiser | None] | None = None,
    decoder: Decoder | None = None,
    fit_fraction: float | None = None,
    bias: BiasCorrection = "none",
    n_bootstrap: int = 0,
    n_null: int = 0,
    memory: Memory = "1 GiB",
    solver: SolverName = "auto",
    tol: float | None = None,
    unit: Unit = "bits",
    rng: Rng = 0,
) -> CodedPID:
    """Decompose what codes of two representations, made without the labels, tell about the labels.

    Each representation is turned into codes (by default flattened, reduced to 10 principal components and numbered by
    10 k-means centres: the RID paper, appendix D.3), and the empirical joint of (label, code, code) is decomposed.
    Codes that know no labels can lose all that a layer tells: `representation_pid` decodes instead, and with `decoder`
    the result says what was lost.

    Parameters
    ----------
    labels : array_like or iterable of hashables, length n
        The target Y.
    x1, x2 : array_like or torch.Tensor, shape (n, ...)
        The representations, rows in the order of the labels; for distillation x1 is the teacher, x2 the student. What
        `codes_of` made of a layer stands for the layer. Batches of rows as in `representation_pid`.
    quantiser : transformer or pair of transformers, optional
        A quantiser of pidkit, or a clusterer of scikit-learn such as KMeans; cloned before use. One for both sources,
        or one for each; None is `RepresentationCodes()`.
    decoder : str or classifier, optional
        As in `representation_pid`: what it reads out of each layer stands beside I(Y; code) in the result.
    fit_fraction : float, optional
        Fit the quantisers on this random share of the rows and measure on the others. None: fit and measure on all.
    bias : str
        "none", "miller-madow", "extrapolation" or "shuffle": what fills `corrected`; the raw atoms are always there.
    n_bootstrap, n_null : int
        Resamples for the spread, and permutations of the labels for the null.
    memory : int or str
        Bytes, or text such as "1 GiB". A layer of which three copies take more as float64 is read in pieces by
        `RepresentationCodes`, unless it has a `memory` of its own, and by the decoder, as in `representation_pid`;
        other quantisers refuse one that takes more itself.
    solver, tol, unit
        As in `bivariate_pid`.
    rng : int or numpy.random.Generator
        Seeds the split, the resamples and the permutations. The quantisers have a random_state of their own.

    Returns
    -------
    CodedPID

    Warns
    -----
    BiasWarning
        If the predicted bias of I(Y;X1,X2) passes a tenth of it.
    PidkitWarning
        If the codes of a layer tell far less than the decoder reads out of it, or could not tell more than H(Y), or if
        the labels or a layer are constant: their information about anything is 0.

    Raises
    ------
    InputError
        If lengths differ, the representations hold NaN, or an option is unknown.
    TypeError
        For a third source: the page "Other measures, and three sources" of the documentation says why.
    SolverError
        If the certified gap stays above `tol`.

    Examples
    --------
    >>> import numpy as np
    >>> from pidkit import RepresentationCodes
    >>> rng = np.random.default_rng(0)
    >>> labels = rng.integers(2, size=2000)
    >>> teacher = labels[:, None] + 0.1 * rng.normal(size=(2000, 3))
    >>> student = rng.normal(size=(2000, 3))
    >>> result = coded_pid(
    ...     labels=labels, x1=teacher, x2=student, quantiser=RepresentationCodes(n_pca=2, n_codes=2)
    ... )
    >>> round(result.unique_1, 2), round(abs(result.redundancy), 2)
    (1.0, 0.0)
    """
    memory = byte_count("memory", memory)
    check_unit(unit)
    check_solver(solver)
    check_tol(tol)
    n_bootstrap, n_null = whole_number("n_bootstrap", n_bootstrap), whole_number("n_null", n_null)
    bias = check_correction(bias, n_null=n_null)
    draws = generator(rng)
    quantiser_1, quantiser_2 = copy_quantisers(quantiser, memory)
    if decoder is not None:
        check_decoder(decoder)
    y = read_labels(labels)
    ready = {name: x for name, x in (("x1", x1), ("x2", x2)) if isinstance(x, CodedLayer)}
    for name, layer in ready.items():
        if fit_fraction is not None or decoder is not None or quantiser is not None:
            raise InputError(f"{name} holds codes already: leave out quantiser, fit_fraction and decoder")
        if layer.codes.size != y.size:
            raise InputError(f"{name} must have one code a label: {layer.codes.size} for {y.size} labels")
    rows = {
        name: read_rows(mapped_rows(x, name), y.size, name)
        for name, x in (("x1", x1), ("x2", x2))
        if not isinstance(x, CodedLayer)
    }
    n_rows = y.size
    split = split_rows(n_rows, fit_fraction, draws)
    y = y if split is None else y[split[1]]
    check_correction(bias, n_null=n_null, n_samples=y.size)

    def code(name: str, own: Quantiser) -> CodedLayer:
        if name in ready:
            return ready[name]
        codes, n_codes = encode(own, rows[name], split, name, memory)
        return CodedLayer(codes, n_codes, describe(own), is_constant(rows[name]))

    first, second = code("x1", quantiser_1), code("x2", quantiser_2)
    codes_1, codes_2, n_1, n_2 = first.codes, second.codes, first.n_codes, second.n_codes
    samples = CodedSamples(y, codes_1, codes_2)
    counts = count_samples(y=y, x1=codes_1, x2=codes_2)
    raw = pid_of_counts(counts.compact(), solver=solver, tol=tol, unit="nats")
    null = shuffled_null(samples, n_null, draws) if n_null else None
    resampled = bootstrap(samples, n_bootstrap, draws) if n_bootstrap else None
    sizes = np.unique(y, return_counts=True)[1]
    read = None if decoder is None else _read_by_decoder(y, rows, split, decoder, draws, memory)
    biases = {
        "mi_1": predicted_bias(sizes.size, n_1, samples.n),
        "mi_2": predicted_bias(sizes.size, n_2, samples.n),
        "mi_joint": predicted_bias(sizes.size, n_1 * n_2, samples.n),
    }
    result = CodedPID(
        pid=raw,
        entropy_y=entropy(sizes / samples.n),
        cap_1=float(np.log(n_1)),
        cap_2=float(np.log(n_2)),
        n_samples=samples.n,
        bias=biases,
        corrected=corrected_atoms(bias, samples, raw, null, draws),
        null=None if null is None else spreads(null),
        bootstrap=None if resampled is None else spreads(resampled),
        decoded_1=None if read is None else read[0],
        decoded_2=None if read is None else read[1],
        unit="nats",
        provenance={
            "quantiser_1": first.quantiser,
            "quantiser_2": second.quantiser,
            "fit_fraction": None if fit_fraction is None else float(fit_fraction),
            "n_rows": n_rows,
            "bias": bias,
            "decoder": None if decoder is None else decoder_name(decoder),
            "n_bootstrap": n_bootstrap,
            "n_null": n_null,
            "rng": seed_name(rng),
            "versions": recorded_versions(),
        },
    ).to(unit)
    for name, constant in (("labels", is_constant(y)), ("x1", first.constant), ("x2", second.constant)):
        if constant:
            warn(nothing_told_by(name))
    _warn_of_codes(result)
    return result


def _warn_of_codes(result: CodedPID) -> None:
    """Warn where the predicted bias is a sizeable part of what is reported, and of what the codes lost."""
    bias, information = result.bias["mi_joint"], result.pid.mi_joint
    if bias > LARGEST_BIAS_SHARE * information:
        share = f"{100.0 * bias / information:.0f} %" if information > 0.0 else "all"
        warn(
            f"the predicted plug-in bias of I(Y;X1,X2) is {bias:.3f} {result.unit}, {share} of the {information:.3f} "
            f"reported: use more samples than {result.n_samples} or fewer codes, and read the atoms beside n_null and "
            "bias='extrapolation'",
            BiasWarning,
        )
    for text in result.warnings:
        warn(text)


def _read_by_decoder(
    y: IntArray,
    layers: Mapping[str, npt.NDArray[Any]],
    split: RowSplit,
    decoder: Decoder,
    rng: np.random.Generator,
    memory: int,
) -> tuple[float, float]:
    """Return what cross-fitted decoders read out of the measured rows of both layers, in nats."""
    limit = None if decoder == "softmax" else memory
    measured = None if split is None else split[1]
    rows = {name: Layer.read(layer, y.size, name, limit, measured) for name, layer in layers.items()}
    read = decode_layers(rows, y, cross_fitting_splits(y, FOLDS, None, rng), decoder=decoder, rng=rng)
    return read["x1"].report.calibrated, read["x2"].report.calibrated


def read_labels(labels: npt.ArrayLike | Iterable[Hashable]) -> IntArray:
    """Return the labels as ranks 0, 1, ... without gaps."""
    codes, _ = encode_labels(labels, n=None, name="labels")
    return np.unique(codes, return_inverse=True)[1].astype(np.int64)
