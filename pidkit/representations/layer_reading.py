"""One layer as decoders read it: the rows and options that have to agree, and what is kept of it for every pair."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from pidkit.arguments import Memory, Rng, byte_count, generator, integer_seed, one_of, whole_number
from pidkit.arrays.checksums import digest_of
from pidkit.errors import nothing_told_by
from pidkit.mi.row_groups import read_groups
from pidkit.mi.splits import FOLDS
from pidkit.representations.coded import read_labels
from pidkit.representations.decoder_kinds import Decoder, check_decoder
from pidkit.representations.decoders import DecodedLayer
from pidkit.representations.reading import LayerCodes, Readings, code_layer, read_layers
from pidkit.representations.sequences import Sequences, labels_of_tokens, read_tokens
from pidkit.types import IntArray


@dataclass(frozen=True)
class Rows:
    """The rows that layers are read on, and how: what has to agree where layers are paired.

    Attributes
    ----------
    y : ndarray of int, shape (n,)
        Ranks 0, 1, ... without gaps, one a row or sequence.
    groups : ndarray of int, shape (n,), optional
    decoder : str or classifier
    n_codes : int, optional
    n_folds : int
    sequences : str
    seed : int
    memory : int
        Layers of which three copies take more bytes as float64 are read in pieces.
    """

    y: IntArray
    groups: IntArray | None
    decoder: Decoder
    n_codes: int | None
    n_folds: int
    sequences: Sequences
    seed: int
    memory: int

    @classmethod
    def read(
        cls,
        *,
        labels: npt.ArrayLike | Iterable[Hashable],
        decoder: Decoder,
        n_codes: int | None,
        folds: int | None,
        groups: npt.ArrayLike | Iterable[Hashable] | None,
        sequences: Sequences,
        rng: Rng,
        memory: Memory,
    ) -> Rows:
        """Return the arguments of `representation_pid` as checked; a Generator gives its next seed."""
        check_decoder(decoder)
        y = read_labels(labels)
        return cls(
            y=y,
            groups=None if groups is None else read_groups(groups, y.size),
            decoder=decoder,
            n_codes=None if n_codes is None else whole_number("n_codes", n_codes, least=2),
            n_folds=FOLDS if folds is None else whole_number("folds", folds, least=2),
            sequences=one_of("sequences", sequences, get_args(Sequences)),
            seed=integer_seed(rng),
            memory=byte_count("memory", memory),
        )

    @classmethod
    def unlabelled(cls, memory: int) -> Rows:
        """Return what stands for the rows of layers that are coded without labels."""
        nobody = np.zeros(0, dtype=np.int64)
        return cls(nobody, None, "linear", n_codes=None, n_folds=1, sequences="mean", seed=0, memory=memory)

    def described(self) -> dict[str, Any]:
        """Return what the readings depend on beside the layer, by the names of the arguments, ready for JSON."""
        return {
            "labels": digest_of(self.y),
            "decoder": describe_decoder(self.decoder),
            "n_codes": self.n_codes,
            "folds": self.n_folds,
            "groups": None if self.groups is None else digest_of(self.groups),
            "sequences": self.sequences,
            "rng": self.seed,
        }

    def as_read(self, length: int) -> tuple[IntArray, IntArray | None]:
        """Return the label and the group of every row that is read, of sequences of this length."""
        if self.sequences != "tokens":
            return self.y, self.groups
        return labels_of_tokens(self.y, self.groups, length)


def describe_decoder(decoder: Decoder) -> str:
    """Return the name of a decoder, or its class and parameters."""
    if isinstance(decoder, str):
        return decoder
    parameters = getattr(decoder, "get_params", lambda: None)()
    if parameters is None:
        return repr(decoder)
    return f"{type(decoder).__module__}.{type(decoder).__qualname__}({sorted(parameters.items())})"


@dataclass(frozen=True)
class LayerReading:
    """One layer as decoded and coded, in nats: by decoders of all rows of the other folds, and of half of them."""

    whole: DecodedLayer
    half: DecodedLayer
    codes: LayerCodes
    layer_is_constant: bool

    def named(self, name: str) -> DecodedLayer:
        """Return the whole reading with warnings that call the layer by its name in a pair."""
        if not self.layer_is_constant:
            return self.whole
        report, warnings = self.whole.report, (nothing_told_by(name),)
        return DecodedLayer(self.whole.posteriors, report, warnings, self.whole.constant)


def readings_of(pieces: Mapping[str, LayerReading]) -> Readings:
    """Return the readings of layers by their names in a pair, as `decoded_pid` takes what is known."""
    return Readings(
        {name: one.named(name) for name, one in pieces.items()},
        {name: one.half for name, one in pieces.items()},
        {name: one.codes for name, one in pieces.items()},
    )


def read_layer_once(layer: npt.ArrayLike, rows: Rows, name: str) -> LayerReading:
    """Decode and code one layer.

    Raises
    ------
    InputError
        As `read_layers`; messages call the layer `name`.
    """
    layers: dict[str, npt.ArrayLike] = {name: layer}
    y, groups = rows.y, rows.groups
    if rows.sequences == "tokens":
        layers, y, groups = read_tokens(layers, y, groups)
    rng = generator(rows.seed)
    found, fold = read_layers(
        layers, y, decoder=rows.decoder, n_folds=rows.n_folds, groups=groups, rng=rng, memory=rows.memory
    )
    assert found.half is not None  # the learning curve is always read
    whole, half = found.whole[name], found.half[name]
    codes = code_layer(whole, half, y, rows.n_codes, fold, rng)
    return LayerReading(whole, half, codes, layer_is_constant=nothing_told_by(name) in whole.warnings)
