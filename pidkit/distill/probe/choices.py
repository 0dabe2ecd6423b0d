"""What an `AtomProbe` measures, how and when: the pairs, the decoders, the epochs, the phases that they lie in."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pidkit.arguments import flag, items_of, real_number, whole_number
from pidkit.distill.batch import LOGITS
from pidkit.distill.networks import Networks
from pidkit.distill.phases import Phases
from pidkit.errors import InputError
from pidkit.mi.splits import FOLDS
from pidkit.nn.taps import find_layers
from pidkit.representations.decoder_kinds import Decoder, check_decoder

Pairs = Iterable[tuple[str, str]] | Mapping[str, Iterable[tuple[str, str]]]
"""Pairs (layer of the teacher, layer of the student): for the only teacher, or by the name of each teacher."""


def check_schedule(schedule: object) -> int | frozenset[float]:
    """Return the number of epochs between two measurements, or the set of epochs to measure."""
    if isinstance(schedule, Collection) and not isinstance(schedule, str):
        return frozenset(real_number("schedule", epoch, least=0.0) for epoch in schedule)
    return whole_number("schedule", schedule, least=1, remedy="every so many epochs; or pass the epochs to measure")


class DecodingSettings(NamedTuple):
    """How layers are decoded, named as in `pidkit.representations.reading`."""

    decoder: Decoder
    n_folds: int
    learning_curve: bool


def check_decoding(
    decoder: Decoder, *, folds: int | None, learning_curve: bool, coded: bool, fit_fraction: float | None
) -> DecodingSettings | None:
    """Return how layers are decoded, or None where a quantiser codes them.

    Raises
    ------
    InputError
        If one cannot be used, or is for the other recipe.
    """
    check_decoder(decoder)
    n_folds = FOLDS if folds is None else whole_number("folds", folds, least=2)
    settings = DecodingSettings(decoder, n_folds, flag("learning_curve", learning_curve))
    if not coded:
        if fit_fraction is not None:
            raise InputError("fit_fraction is for a quantiser, and decoders are cross-fitted; pass folds, or quantiser")
        return settings
    for name, given in (
        ("decoder", decoder != "linear"),
        ("folds", folds is not None),
        ("learning_curve", not learning_curve),
    ):
        if given:
            raise InputError(f"{name} is for decoders, and quantiser makes codes without them; leave one of them out")
    return None


def choose_pairs(networks: Networks, pairs: Pairs | None, *, logits: bool) -> list[tuple[str, str, str]]:
    """Return the pairs to measure, each as (teacher, its layer, the student's layer), once."""
    teachers = tuple(networks.teachers)
    if isinstance(pairs, Mapping) and not set(pairs) <= set(teachers):
        unknown = sorted(set(pairs) - set(teachers))
        raise InputError(f"pairs names teachers {unknown}; the teachers are {', '.join(map(repr, teachers))}")
    chosen: list[tuple[str, str, str]] = []
    named = (
        pairs if pairs is None or isinstance(pairs, Mapping) else [_named(pair) for pair in items_of("pairs", pairs)]
    )
    for teacher in teachers:
        if named is None:
            of_teacher: Sequence[Any] = [
                (pair.teacher_layer, pair.student_layer) for pair in networks.pairs_of(teacher)
            ]
        else:
            of_teacher = [_named(pair) for pair in named.get(teacher, ())] if isinstance(named, Mapping) else named
        for pair in of_teacher:
            theirs = find_layers(networks.teachers[teacher].model, pair[0])  # type: ignore[arg-type]
            ours = find_layers(networks.student, pair[1])
            chosen += [(teacher, first, second) for first, second in zip(theirs, ours, strict=True)]
        if logits:
            chosen.append((teacher, LOGITS, LOGITS))
    if not chosen:
        raise InputError("there is nothing to measure: name pairs, tap layers, or leave logits=True")
    return list(dict.fromkeys(chosen))


def _named(pair: object) -> tuple[str, str]:
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise InputError(f"pairs must be tuples (layer of the teacher, layer of the student), not {pair!r}")
    return pair[0], pair[1]


def phase_spans(phases: Phases, n_epochs: int) -> tuple[tuple[float, float, str], ...]:
    """Return the phases of the first epochs as (start, stop, name), neighbours of one phase joined."""
    named = [(epoch, phases.at(epoch).value) for epoch in range(n_epochs)]
    runs = [(name, [epoch for epoch, _ in run]) for name, run in itertools.groupby(named, key=lambda item: item[1])]
    return tuple((float(epochs[0]), float(epochs[-1] + 1), name) for name, epochs in runs)
