"""Pairs of layers on the plane: what two layers tell about the labels, decoded, or coded without the labels."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pidkit.arguments import flag, items_of, mapping_of, whole_number
from pidkit.errors import InputError, PidkitWarning
from pidkit.mi.splits import FOLDS
from pidkit.pid.result import ATOMS
from pidkit.plane.measurement import Repeats, Subject
from pidkit.records.plane_point import ATOM_QUANTITIES, PlanePoint
from pidkit.representations.coded import coded_pid
from pidkit.representations.decoded_pid import decoded_pid
from pidkit.representations.decoder_kinds import check_decoder
from pidkit.representations.reading import check_class_rows
from pidkit.types import FloatArray, IntArray

CODED_OPTIONS = ("quantiser", "fit_fraction", "bias", "n_bootstrap", "n_null", "solver", "tol", "rng")
"""Arguments of `coded_pid` that the caller of the tracker may set, where `quantiser` is among them."""

DECODED_OPTIONS = ("decoder", "folds", "n_codes", "learning_curve")
"""What the caller may set where layers are decoded."""


def measure_atoms(
    first: FloatArray,
    second: FloatArray,
    *,
    y: IntArray,
    subject: Subject,
    repeats: Repeats,
    options: Mapping[str, Any],
) -> list[PlanePoint]:
    """Decompose what two layers tell about the labels, by decoders or, with a quantiser, by codes.

    Decoders have at every step the folds and draws of the first run of the plane's estimators, so that with
    folds=5 the label decoder reads what they read: the points are those of `representation_pid`, atoms and
    informations, with their intervals. Of codes the four atoms of `coded_pid` are recorded; their error is the
    bootstrap's standard deviation where `n_bootstrap` is among the options; the null has `repeats.n_null` shuffles
    unless they say otherwise.

    Raises
    ------
    InputError, SolverError
        As `representation_pid` and `coded_pid`.
    """
    measure = _coded if "quantiser" in options else _decoded
    return measure(first, second, y, subject, repeats, options)


def _decoded(
    first: FloatArray, second: FloatArray, y: IntArray, subject: Subject, repeats: Repeats, options: Mapping[str, Any]
) -> list[PlanePoint]:
    result = decoded_pid(
        {"x1": first, "x2": second},
        y,
        **options,
        unit=repeats.unit,
        rng=np.random.default_rng([repeats.seed, 0]),
        provenance={},
    )
    return [
        PlanePoint(
            network=subject.network,
            step=subject.step,
            layer=subject.layer,
            quantity=quantity,
            estimator=f"broja ({result.provenance['decoder']})",
            value=getattr(result, quantity),
            stderr=result.standard_error[quantity],
            cap=result.entropy_y,
            kind="atom" if quantity in ATOMS else "lower_bound",
            warnings=result.warnings,
            low=result.interval[quantity][0],
            high=result.interval[quantity][1],
            at_limit=result.at_limit[quantity] if options["learning_curve"] else None,
        )
        for quantity in ATOM_QUANTITIES
    ]


def _coded(
    first: FloatArray, second: FloatArray, y: IntArray, subject: Subject, repeats: Repeats, options: Mapping[str, Any]
) -> list[PlanePoint]:
    arguments = {"n_null": repeats.n_null, "rng": repeats.seed, **options, "unit": repeats.unit}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = coded_pid(labels=y, x1=first, x2=second, **arguments)
    said = tuple(str(warning.message) for warning in caught if issubclass(warning.category, PidkitWarning))
    for warning in caught:
        if not issubclass(warning.category, PidkitWarning):
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return [
        PlanePoint(
            network=subject.network,
            step=subject.step,
            layer=subject.layer,
            quantity=atom,
            estimator="broja",
            value=getattr(result, atom),
            stderr=None if result.bootstrap is None else result.bootstrap[atom].std,
            null=None if result.null is None else result.null[atom].mean,
            null_spread=None if result.null is None else result.null[atom].std,
            cap=min(result.entropy_y, result.cap_1, result.cap_2),
            kind="atom",
            warnings=said,
        )
        for atom in ATOMS
    ]


def check_atoms(
    atoms: Sequence[tuple[str, str]],
    layers: Mapping[str, tuple[str, ...]],
    options: Mapping[str, Any],
    y: IntArray,
) -> tuple[tuple[tuple[str, str], ...], dict[str, Any]]:
    """Return the pairs of layers to decompose and the options, after checking that both can be used.

    The options of decoders are returned as `decoded_pid` takes them, with their defaults.
    """
    atoms, options = items_of("atoms", atoms), mapping_of("atom_options", options)
    if atoms and len(layers) != 2:
        raise InputError(f"atoms need two networks, a first and a second, not {len(layers)}; pass model as a dict")
    for pair in atoms:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise InputError(f"atoms must be tuples (layer of the first network, layer of the second), not {pair!r}")
        for layer, (name, tracked) in zip(pair, layers.items(), strict=True):
            if layer not in tracked:
                raise InputError(f"atoms holds {layer!r}, which is not tracked in {name!r}; add it to layers")
    coded = options.get("quantiser") is not None
    for option in options:
        if option not in (*CODED_OPTIONS, *DECODED_OPTIONS):
            known = ", ".join((*CODED_OPTIONS, *DECODED_OPTIONS))
            raise InputError(f"atom_options must be among {known}, not {option!r}")
        if coded and option in DECODED_OPTIONS:
            raise InputError(f"atom_options has {option!r}, which is for decoders, beside a quantiser; leave one out")
        if not coded and option in CODED_OPTIONS[1:]:
            raise InputError(f"atom_options has {option!r}, which is for codes; pass a quantiser too, or leave it out")
    if not coded:
        options = _decoding(options)
        if atoms:
            check_class_rows(y, options["n_folds"])
    return tuple((first, second) for first, second in atoms), dict(options) if atoms or coded else {}


def _decoding(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of decoders, checked, as `decoded_pid` takes them."""
    decoder, folds, n_codes = (options.get(name) for name in ("decoder", "folds", "n_codes"))
    decoder = "linear" if decoder is None else decoder
    check_decoder(decoder)
    return {
        "decoder": decoder,
        "n_folds": FOLDS if folds is None else whole_number("folds", folds, least=2),
        "n_codes": None if n_codes is None else whole_number("n_codes", n_codes, least=2),
        "learning_curve": flag("learning_curve", options.get("learning_curve", True)),
    }
