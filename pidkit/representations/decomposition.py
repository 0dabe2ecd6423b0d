"""`representation_pid`: from two saved representations and labels to atoms: decode, decompose, and judge."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import overload

import numpy.typing as npt

from pidkit.arguments import Memory, Rng, flag, generator, seed_name, whole_number
from pidkit.arrays.batches import Batches, mapped_rows
from pidkit.errors import InputError, takes_memory, warn
from pidkit.joint import takes_two_sources
from pidkit.representations.coded import coded_pid
from pidkit.representations.coded_result import CodedPID
from pidkit.representations.coding import Quantiser, refuse_for_decoders
from pidkit.representations.decoded_pid import decoded_pid
from pidkit.representations.decoder_kinds import Decoder
from pidkit.representations.layer_posteriors import LayerPosteriors, check_same_rows
from pidkit.representations.layer_reading import Rows, readings_of
from pidkit.representations.result import RepresentationPID
from pidkit.representations.sequences import Sequences, read_tokens
from pidkit.types import Unit
from pidkit.units import check_unit


@overload
def representation_pid(
    *,
    labels: npt.ArrayLike | Iterable[Hashable],
    x1: npt.ArrayLike | Batches | LayerPosteriors,
    x2: npt.ArrayLike | Batches | LayerPosteriors,
    decoder: Decoder | None = ...,
    n_codes: int | None = ...,
    quantiser: None = ...,
    folds: int | None = ...,
    groups: npt.ArrayLike | Iterable[Hashable] | None = ...,
    sequences: Sequences = ...,
    synergy: bool = ...,
    n_bootstrap: int = ...,
    n_null: int = ...,
    memory: Memory = ...,
    unit: Unit = ...,
    rng: Rng = ...,
) -> RepresentationPID: ...
@overload
def representation_pid(
    *,
    labels: npt.ArrayLike | Iterable[Hashable],
    x1: npt.ArrayLike | Batches,
    x2: npt.ArrayLike | Batches,
    decoder: Decoder | None = ...,
    quantiser: Quantiser | tuple[Quantiser | None, Quantiser | None],
    n_bootstrap: int = ...,
    n_null: int = ...,
    memory: Memory = ...,
    unit: Unit = ...,
    rng: Rng = ...,
) -> CodedPID: ...
@takes_memory
@takes_two_sources
def representation_pid(
    *,
    labels: npt.ArrayLike | Iterable[Hashable],
    x1: npt.ArrayLike | Batches | LayerPosteriors,
    x2: npt.ArrayLike | Batches | LayerPosteriors,
    decoder: Decoder | None = "linear",
    n_codes: int | None = None,
    quantiser: Quantiser | tuple[Quantiser | None, Quantiser | None] | None = None,
    folds: int | None = None,
    groups: npt.ArrayLike | Iterable[Hashable] | None = None,
    sequences: Sequences = "mean",
    synergy: bool = True,
    n_bootstrap: int = 0,
    n_null: int = 0,
    memory: Memory = "1 GiB",
    unit: Unit = "bits",
    rng: Rng = 0,
) -> RepresentationPID | CodedPID:
    """Decompose what two representations tell about labels into redundant, unique and synergistic information.

    BROJA's atoms depend on a layer X only through its posterior P(Y|X). Decoders that have not seen a row's label give
    the posterior of every row for x1, for x2 and for both together. I(Y;X1), I(Y;X2) and I(Y;X1,X2) are H(Y) less the
    decoders' cross-entropies; the union information is what the best market of BROJA's dual gives for the posteriors
    (`pidkit.representations.union`); and

        redundancy = I1 + I2 - U,  unique_1 = U - I2,  unique_2 = U - I1,  synergy = I12 - U.

    Parameters
    ----------
    labels : array_like or iterable of hashables, length n
        The target Y, each class with at least `folds` rows.
    x1, x2 : array_like or torch.Tensor, shape (n, ...)
        The representations, rows in the order of the labels; for distillation x1 is the teacher, x2 the student. Maps
        (n, c, h, w) are flattened; of sequences (n, length, d) see `sequences`. float16 and memory maps are read as
        they are. What `posteriors_of` made of a layer, with the same arguments, stands for the layer and is not read
        again. An iterator of batches of rows, a DataLoader of torch that does not shuffle, and datasets of h5py and
        zarr are copied to a temporary file.
    decoder : str or classifier
        "linear", "mlp", "knn", "softmax" (x1 and x2 hold logits, which "linear" reads together), or a scikit-learn
        classifier with predict_proba, of which copies are fitted. With `quantiser`, what its codes are compared with;
        None compares with nothing.
    n_codes : int, optional
        Codes of each layer's posteriors, which the market is made of; None chooses by the scores of held-out rows.
    quantiser : transformer or pair of transformers, optional
        Codes without labels in place of decoders, such as `RepresentationCodes()`, the recipe of the RID paper,
        appendix D.3: the result is that of `coded_pid`, which has more options.
    folds : int, optional
        Parts of the rows, each of which is read by decoders fitted to the others; None is 5.
    groups : array_like or iterable of hashables, length n, optional
        Rows of one group, such as copies or augmented views of one sample, stay in one fold, the standard errors allow
        for their varying together, and resamples and nulls draw them as a whole.
    sequences : str
        "mean" averages sequences over their length. "tokens" reads both layers token by token: each token is a row with
        the label of its sequence, all tokens of a sequence form a group, and `n_samples` counts tokens.
    synergy : bool
        False leaves out the decoder of both layers, which takes about as long as those of the single ones: the synergy
        and I(Y;X1,X2) are then NaN, and the other numbers the same.
    n_bootstrap, n_null : int
        Resamples for the spread of the atoms of codes, and replicates of the nulls of the redundancy and the unique
        atoms (`pidkit.representations.nulls`). The synergy is tested by the held-out rows alone.
    memory : int or str
        Bytes, or text such as "1 GiB". A layer of which three copies take more as float64 is read in pieces that
        together take about as much, and its decoder's report says `streamed`: it is projected as layers of more than
        1000 features are, to label scores and principal components, which are fitted to all training rows where their
        second moments have room, and else to a random selection.
    unit : str
        "bits" or "nats".
    rng : int or numpy.random.Generator
        Seeds the folds, the decoders, the codes, the resamples and the nulls.

    Returns
    -------
    RepresentationPID
        A `CodedPID` with `quantiser`.

    Warns
    -----
    PidkitWarning
        If decoders did not converge, the posteriors claim another redundancy than is counted, or the decoder of both
        layers reads less than that of one, or the labels or a layer are constant (their information is 0); with
        `quantiser`, if the codes lose what the decoder reads.

    Raises
    ------
    InputError
        If lengths differ, a class has too few rows, the representations hold NaN, or
        an option is unknown.
    TypeError
        For a third source: the page "Other measures, and three sources" of the documentation says why.

    Notes
    -----
    The interval of an atom is the hull of its values from the estimated, the held-out and the in-sample informations
    and from those of endless rows (`at_limit`, by the learning curve from half of the rows to all), widened by 1.96
    standard errors of its row scores; where no unique atom is told from zero, of redundancy and synergy also of those
    where both layers tell the same. So it holds the sample's error and what decoders of this kind have not learned
    from so few rows, not what no decoder of this kind reads. An atom is called above chance where it exceeds what the
    decoders have not learned; one that is not called has zero in its interval. The page "What to believe of samples"
    of the documentation has its coverage on layers with known atoms, as benchmarks/bench_layers.py measures it.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> labels = rng.integers(2, size=1000)
    >>> teacher = np.hstack([labels[:, None] + 0.1 * rng.normal(size=(1000, 1)), 20.0 * rng.normal(size=(1000, 20))])
    >>> student = rng.normal(size=(1000, 3))
    >>> result = representation_pid(labels=labels, x1=teacher, x2=student)
    >>> bool(result.unique_1 > 0.95), round(abs(result.redundancy), 1)
    (True, 0.0)
    """
    if quantiser is not None:
        if isinstance(x1, LayerPosteriors) or isinstance(x2, LayerPosteriors):
            raise InputError("x1 and x2 must be layers where a quantiser codes them, not what posteriors_of read")
        refuse_for_decoders(
            {
                "n_codes": n_codes,
                "folds": folds,
                "groups": groups,
                "sequences": None if sequences == "mean" else sequences,
                "synergy": None if flag("synergy", synergy) else synergy,
            }
        )
        return coded_pid(
            labels=labels,
            x1=x1,
            x2=x2,
            quantiser=quantiser,
            decoder=decoder,
            n_bootstrap=n_bootstrap,
            n_null=n_null,
            memory=memory,
            unit=unit,
            rng=rng,
        )
    if decoder is None:
        raise InputError("decoder=None needs a quantiser, such as RepresentationCodes(); or name a decoder")
    check_unit(unit)
    n_bootstrap, n_null = whole_number("n_bootstrap", n_bootstrap), whole_number("n_null", n_null)
    pieces = {name: x for name, x in (("x1", x1), ("x2", x2)) if isinstance(x, LayerPosteriors)}
    draws, name_of_seed = generator(rng), seed_name(rng)
    if pieces and not isinstance(name_of_seed, int):
        raise InputError("rng must be the whole number that posteriors_of was given, not a Generator")
    rows = Rows.read(
        labels=labels,
        decoder=decoder,
        n_codes=n_codes,
        folds=folds,
        groups=groups,
        sequences=sequences,
        rng=name_of_seed if isinstance(name_of_seed, int) else 0,
        memory=memory,
    )
    known = readings_of({name: check_same_rows(piece, rows, name) for name, piece in pieces.items()})
    y, members = rows.y, rows.groups
    layers: dict[str, npt.ArrayLike] = {
        name: x._layer if isinstance(x, LayerPosteriors) else mapped_rows(x, name)
        for name, x in (("x1", x1), ("x2", x2))
    }
    if rows.sequences == "tokens":
        layers, y, members = read_tokens(layers, y, members)
    result = decoded_pid(
        layers,
        y,
        decoder=rows.decoder,
        n_codes=rows.n_codes,
        n_folds=rows.n_folds,
        groups=members,
        synergy=flag("synergy", synergy),
        n_bootstrap=n_bootstrap,
        n_null=n_null,
        unit=unit,
        rng=draws,
        known=known if pieces else None,
        memory=rows.memory,
        provenance={"sequences": rows.sequences, "memory": rows.memory, "rng": name_of_seed},
    )
    for text in result.warnings:
        warn(text)
    return result
