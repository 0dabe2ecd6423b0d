"""From two layers to the result of `representation_pid`: what it and the trackers of a training run have in common."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from pidkit.info import entropy
from pidkit.pid.result import ATOMS
from pidkit.provenance import recorded_versions
from pidkit.representations.bracket import atom_bracket
from pidkit.representations.cautions import cautions
from pidkit.representations.decoded import DecodedScores
from pidkit.representations.decoder_kinds import Decoder, decoder_name
from pidkit.representations.estimate import all_of, at_corner, atoms_from, by_name, hull
from pidkit.representations.estimate_result import SIGNIFICANT
from pidkit.representations.finite_samples import Spread, bootstrap, spreads
from pidkit.representations.nulls import null_tests
from pidkit.representations.reading import Readings, read_pair
from pidkit.representations.result import RepresentationPID
from pidkit.types import FloatArray, IntArray, Unit

OF_BOTH = ("synergy", "mi_joint")
"""What only a decoder of both layers tells."""


def decoded_pid(
    layers: Mapping[str, npt.ArrayLike],
    y: IntArray,
    *,
    decoder: Decoder,
    n_codes: int | None = None,
    n_folds: int,
    groups: IntArray | None = None,
    n_bootstrap: int = 0,
    n_null: int = 0,
    unit: Unit,
    rng: np.random.Generator,
    learning_curve: bool = True,
    synergy: bool = True,
    known: Readings | None = None,
    memory: int | None = None,
    provenance: Mapping[str, Any],
) -> RepresentationPID:
    """Return the result of `representation_pid` without issuing its warnings.

    Parameters
    ----------
    layers : mapping
        "x1" and "x2".
    y : ndarray of int, shape (n,)
        Ranks 0, 1, ... without gaps.
    decoder, n_codes, n_bootstrap, n_null, unit
        As in `representation_pid`, checked.
    n_folds, groups, rng, learning_curve, synergy, known, memory
        As in `read_pair`. Without a decoder of both layers the synergy and I(Y;X1,X2) are NaN. Without a learning curve
        `at_limit` is what was read, and the intervals hold the sample's error alone.
    provenance : mapping
        What the caller knows beside.

    Raises
    ------
    InputError
        As `read_pair`.
    """
    decoded, curve = read_pair(
        layers,
        y,
        decoder=decoder,
        n_codes=n_codes,
        n_folds=n_folds,
        groups=groups,
        rng=rng,
        learning_curve=learning_curve,
        synergy=synergy,
        known=known,
        memory=memory,
    )
    scored = curve.whole
    # Streams of their own: the same seed resamples the same rows, whatever else is drawn before.
    of_null, of_bootstrap = (np.random.default_rng(seed) for seed in rng.integers(2**63, size=2))
    informations, held_out = scored.informations()
    in_sample = held_out + np.array([0.0, 0.0, scored.union_excess, 0.0])
    unknown = () if synergy else OF_BOTH
    estimate, *ends = (_named(values, unknown) for values in (informations, held_out, in_sample))
    entropy_y = entropy(np.bincount(y) / y.size)
    at_limit = curve.limits(entropy_y)
    limits = [_named(values, unknown) for values in at_limit]
    wide, errors, p_values = (
        _without(numbers, unknown) for numbers in (curve.standard_errors(), scored.standard_errors(), curve.p_values())
    )
    corners = [_without(at_corner(values, p_values), unknown) for values in (informations, *at_limit)]
    spanned = (estimate, *ends, *limits, *corners)
    null = None
    if n_null:
        by_nulls, null = _test_by_nulls(scored, n_null, of_null)
        p_values |= {name: max(p_values[name], by_null) for name, by_null in by_nulls.items()}
    intervals = {name: hull([end[name] for end in spanned if name in end], wide[name]) for name in estimate}
    for name in ATOMS:
        if p_values[name] > SIGNIFICANT:  # what may be nothing, by what decoders miss, has nothing in its interval
            intervals[name] = min(intervals[name][0], 0.0), intervals[name][1]
    miscalibration, miscalibration_error = scored.miscalibration()
    return RepresentationPID(
        **estimate,
        interval=intervals,
        standard_error=errors,
        held_out=ends[0],
        in_sample=ends[1],
        at_limit=limits[0],
        bracket=atom_bracket(scored, estimate),
        coded_redundancy=scored.coded_redundancy(),
        plug_in=all_of(scored.plug_in),
        p_value=p_values,
        null=null,
        bootstrap=spreads(bootstrap(scored.samples, n_bootstrap, of_bootstrap, groups)) if n_bootstrap else None,
        entropy_y=entropy_y,
        n_samples=y.size,
        n_symbols=tuple(int(code.max()) + 1 for code in (y, scored.samples.x1, scored.samples.x2)),
        unit="nats",
        report=scored.plug_in.report,
        coding_loss_1=scored.coding_losses[0],
        coding_loss_2=scored.coding_losses[1],
        decoders={name: layer.report for name, layer in decoded.items()},
        miscalibration=miscalibration,
        miscalibration_error=miscalibration_error,
        warnings=cautions(scored, decoded.values(), unit),
        _row_scores=scored.row_scores(),
        provenance={
            "decoder": decoder_name(decoder),
            "n_codes": n_codes,
            "folds": n_folds,
            "groups": groups is not None,
            "learning_curve": learning_curve,
            "synergy": synergy,
            "n_bootstrap": n_bootstrap,
            "n_null": n_null,
            **provenance,
            "versions": recorded_versions(),
        },
    ).to(unit)


def _named(informations: FloatArray, unknown: Collection[str]) -> dict[str, float]:
    """Return I1, I2, U and I12 and the atoms by name, NaN for what is not known."""
    return _without({**by_name(informations), **atoms_from(informations)}, unknown)


def _without(numbers: Mapping[str, float], unknown: Collection[str]) -> dict[str, float]:
    """Return the numbers with NaN for what is not known."""
    return {name: math.nan if name in unknown else number for name, number in numbers.items()}


def _test_by_nulls(
    scored: DecodedScores, n_null: int, rng: np.random.Generator
) -> tuple[dict[str, float], dict[str, Spread]]:
    """Return the p-values and the spreads by the nulls of the codes, of all atoms but the synergy.

    The synergy is read by the decoder of both layers, of which codes of the single layers know nothing.
    """
    observed = np.array([getattr(scored.plug_in, name) for name in ATOMS])
    tested = [name for name in ATOMS if name != "synergy"]
    return null_tests(scored.samples, observed, n_null, rng, groups=scored.groups, atoms=tested)
