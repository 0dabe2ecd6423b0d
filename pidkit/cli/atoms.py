"""`pidkit atoms`: one pair of saved layers."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pidkit.cli.options import READ_FORMATS, WithDefaults, add_decoding, add_memory, add_replicates, refuse
from pidkit.cli.output import STDOUT, check_target
from pidkit.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt

    from pidkit.representations import CodedPID, RepresentationPID

OF_CODES = ("n_pca", "normalise", "fit_fraction", "bias", "solver", "tol")
"""The options that only codes made without labels have."""

ARRAYS = ("labels", "x1", "x2")
"""The arrays that are read, by the names of their options."""


def add_atoms(commands: Any) -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "atoms", help="decompose saved representations", description=atoms.__doc__, formatter_class=WithDefaults
    )
    command.set_defaults(run=atoms)
    for name, what in zip(ARRAYS, ("labels Y", "first representation", "second representation"), strict=True):
        command.add_argument(f"--{name}", required=True, metavar="FILE", help=f"{what}: {READ_FORMATS}")
        command.add_argument(f"--{name}-key", metavar="KEY", help="which array of it, where it holds several")
    command.add_argument(
        "--names", nargs=2, default=["x1", "x2"], metavar=("X1", "X2"), help="names in the picture (default: x1 x2)"
    )
    add_decoding(command)
    add_memory(command)
    command.add_argument(
        "--fit-fraction", type=float, metavar="F", help="with --codes: fit on this share of rows only (default: all)"
    )
    command.add_argument(
        "--bias", metavar="B", help="with --codes: none, miller-madow, extrapolation or shuffle (default: none)"
    )
    add_replicates(command)
    command.add_argument("--solver", help="with --codes: auto, interior-point, scaling or conic (default: auto)")
    command.add_argument(
        "--tol", type=float, help="with --codes: certified gap to reach, in bits (default: what the solver reaches)"
    )
    command.add_argument("--explain", action="store_true", help="print sentences in place of the table")
    command.add_argument("--json", metavar="FILE", help="write everything here; - prints it in place of the table")
    command.add_argument("--plot", metavar="FILE", help="draw the atoms here: png, pdf or svg")


def atoms(arguments: argparse.Namespace) -> None:
    """Decompose what two saved representations say about saved labels; print it, write it, draw it."""
    inputs = [getattr(arguments, name) for name in ARRAYS]
    document_file = check_target("json", arguments.json, inputs)
    if (picture := check_target("plot", arguments.plot, inputs)) is not None:
        from pidkit.plot import check_picture_name

        check_picture_name(arguments.plot)
        if picture == document_file:
            raise InputError(f"--plot: {arguments.plot} is where --json writes; choose another name")
    from pidkit.arrays import write_atomic
    from pidkit.representations import explain

    result = _coded(arguments) if arguments.codes else _decoded(arguments)
    document = result.to_dict()
    document["provenance"]["files"] = {
        name: {"path": getattr(arguments, name), "key": getattr(arguments, f"{name}_key")} for name in ARRAYS
    }
    text = json.dumps(document, indent=2, allow_nan=False) + "\n"
    if arguments.plot is not None:
        from pidkit.plot import plot_atoms, save_figure

        save_figure(plot_atoms(result, sources=tuple(arguments.names)), arguments.plot)
    if arguments.json == STDOUT:
        print(text, end="")
        return
    if arguments.json is not None:
        write_atomic(Path(arguments.json), text)
    print(explain(result) if arguments.explain else result)


def _decoded(arguments: argparse.Namespace) -> RepresentationPID:
    """Decode the layers; refuse options of the recipe without labels."""
    from pidkit.representations import representation_pid

    refuse(arguments, OF_CODES, "belongs to codes made without labels; add --codes, or leave it out")
    return representation_pid(
        **_common(arguments),
        decoder=arguments.decoder or "linear",
        n_codes=arguments.n_codes,
        folds=arguments.folds,
        sequences=arguments.sequences or "mean",
    )


def _coded(arguments: argparse.Namespace) -> CodedPID:
    """Code the layers without the labels, as the RID paper does."""
    from pidkit.cli.recipe import recipe
    from pidkit.representations import coded_pid

    refuse(arguments, ("folds", "sequences"), "belongs to decoded layers; leave it out, or leave out --codes")
    return coded_pid(
        **_common(arguments),
        quantiser=recipe(arguments),
        decoder=arguments.decoder,
        fit_fraction=arguments.fit_fraction,
        bias=arguments.bias or "none",
        solver=arguments.solver or "auto",
        tol=arguments.tol,
    )


def _common(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what both ways to atoms are given."""
    return {
        **{name: load(getattr(arguments, name), getattr(arguments, f"{name}_key"), name) for name in ARRAYS},
        "n_bootstrap": arguments.n_bootstrap,
        "n_null": arguments.n_null,
        "memory": arguments.memory,
        "unit": arguments.unit,
        "rng": arguments.seed,
    }


def load(file: str, key: str | None, option: str) -> npt.NDArray[Any]:
    """Load an array, and name the option where that fails."""
    from pidkit.arrays import load_array

    try:
        return load_array(file, key=key)
    except InputError as error:
        raise InputError(f"--{option}: {error}") from error
