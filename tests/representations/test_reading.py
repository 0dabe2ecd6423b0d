"""Layers are read alike whatever stands beside them, so that one that is known need not be read again."""

from dataclasses import replace

import numpy as np
import pytest

from pidkit.errors import InputError
from pidkit.mi import LabelDecoder
from pidkit.nn import TrainingBudget
from pidkit.representations.decoded_pid import decoded_pid
from pidkit.representations.decoder_kinds import Decoder
from pidkit.representations.reading import Readings, check_class_rows, read_layers
from pidkit.representations.result import RepresentationPID

QUICK = LabelDecoder("mlp", budget=TrainingBudget(learning_rate=0.02, max_steps=60))
Y = np.random.default_rng(1).permutation(np.arange(120) % 3)
RNG = np.random.default_rng(0)
LAYERS = {name: np.eye(3)[Y] + 0.8 * RNG.normal(size=(120, 3)) for name in ("x1", "x2")}


def read(*names: str, decoder: Decoder, learning_curve: bool) -> Readings:
    return read_layers(
        {name: LAYERS[name] for name in names},
        Y,
        decoder=decoder,
        n_folds=3,
        groups=None,
        rng=np.random.default_rng(4),
        learning_curve=learning_curve,
    )[0]


def decomposed(known: Readings | None, *, decoder: Decoder, learning_curve: bool) -> RepresentationPID:
    found = decoded_pid(
        LAYERS,
        Y,
        decoder=decoder,
        n_folds=3,
        unit="bits",
        rng=np.random.default_rng(4),
        learning_curve=learning_curve,
        known=known,
        provenance={},
    )
    return replace(found, report=replace(found.report, seconds=0.0))


@pytest.mark.parametrize(
    ("decoder", "learning_curve"),
    [("linear", True), ("linear", False), (QUICK, True)],
    ids=["linear", "without a learning curve", "mlp"],
)
def test_layers_that_are_known_give_the_numbers_of_layers_read_anew(decoder: Decoder, learning_curve: bool) -> None:
    first, second = (read(name, decoder=decoder, learning_curve=learning_curve) for name in ("x1", "x2"))
    anew = decomposed(None, decoder=decoder, learning_curve=learning_curve)
    halves = None if first.half is None or second.half is None else {**first.half, **second.half}
    for known in (first, Readings({**first.whole, **second.whole}, halves)):
        assert decomposed(known, decoder=decoder, learning_curve=learning_curve) == anew


def test_without_a_learning_curve_there_is_no_limit_beyond_what_was_read() -> None:
    with_curve, without = (decomposed(None, decoder="linear", learning_curve=curve) for curve in (True, False))
    assert without.atoms == with_curve.atoms
    assert {name: without.at_limit[name] for name in without.atoms} == without.atoms
    assert with_curve.at_limit["mi_1"] > without.at_limit["mi_1"]
    assert with_curve.interval["mi_1"][1] > without.interval["mi_1"][1]


def test_a_class_with_too_few_rows_is_refused() -> None:
    check_class_rows(np.arange(9) % 3, 3)
    with pytest.raises(InputError, match=r"sample has a class of 3 rows, and decoders need one in each of 4 folds;"):
        check_class_rows(np.arange(9) % 3, 4)
