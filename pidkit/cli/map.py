"""`pidkit map`: every layer of one network against every layer of another, from files to a table and figures."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pidkit.cli.atoms import load
from pidkit.cli.options import READ_FORMATS, WithDefaults, add_decoding, add_memory, add_replicates, refuse
from pidkit.cli.output import STDOUT
from pidkit.errors import InputError

if TYPE_CHECKING:
    from pidkit.representations import PIDTable
    from pidkit.types import AtomName

MAPS: tuple[AtomName, ...] = ("redundancy", "unique_1", "unique_2", "synergy")
"""The atoms that are drawn, each as a map, where they were computed."""


def add_map(commands: Any) -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "map",
        help="decompose many saved layers against many",
        description=f"{run.__doc__} The same command again computes only what is missing in OUT/cache.",
        epilog="Patterns go into quotes. {epoch} in a pattern, or any other name, makes an index: layers are paired "
        "where its values agree, as in --x2 'student/epoch{epoch}/*.npy'.",
        formatter_class=WithDefaults,
    )
    command.set_defaults(run=run)
    command.add_argument("--labels", required=True, metavar="FILE", help=f"labels Y: {READ_FORMATS}")
    command.add_argument("--labels-key", metavar="KEY", help="which array of it, where it holds several")
    for name, what in (("x1", "of the first network"), ("x2", "of the second")):
        command.add_argument(
            f"--{name}",
            required=True,
            nargs="+",
            metavar="PATTERN",
            help=f"files of layers {what}, such as 'net/*.npy'",
        )
    command.add_argument("--out", required=True, metavar="FOLDER", help="write table.csv, table.json and figures here")
    command.add_argument("--names", nargs=2, metavar=("X1", "X2"), help="names in the figures (default: x1 x2)")
    command.add_argument("--compare", metavar="INDEX", help="compare values of an index row by row (default: none)")
    command.add_argument(
        "--synergy", action="store_true", help="decode both layers of every pair together; takes longer"
    )
    add_decoding(command)
    add_memory(command)
    add_replicates(command)
    command.add_argument("--jobs", type=int, default=1, metavar="N", help="processes; -1 is all cores")
    command.add_argument("--format", default="png", choices=("png", "pdf", "svg"), help="of the figures")
    command.add_argument("--json", choices=(STDOUT,), help="- prints table.json in place of the table")


def run(arguments: argparse.Namespace) -> None:
    """Decompose every saved layer of one network against every one of another; write a table and figures."""
    from pidkit.arrays import write_atomic
    from pidkit.cli.layer_files import fields_of, find_layers
    from pidkit.representations import pid_table

    if arguments.codes:
        refuse(arguments, ("folds", "sequences", "decoder", "synergy"), "belongs to decoded layers; leave out --codes")
    else:
        refuse(arguments, ("n_pca", "normalise"), "belongs to codes made without labels; add --codes, or leave it out")
    index = fields_of(arguments.x1) or fields_of(arguments.x2)
    if fields_of(arguments.x1) and set(fields_of(arguments.x2)) not in (set(), set(index)):
        raise InputError(f"--x2: its patterns must have the indices of --x1, {index}, or none")
    layers = {side: find_layers(side, getattr(arguments, side), index) for side in ("x1", "x2")}
    folder = _folder(arguments.out)
    table = pid_table(
        labels=load(arguments.labels, arguments.labels_key, "labels"),
        **{  # type: ignore[arg-type]
            side: {name: file if key is None else (file, key) for name, (file, key) in found.items()}
            for side, found in layers.items()
        },
        index=index,
        compare=arguments.compare,
        path=folder / "cache",
        n_jobs=arguments.jobs,
        n_bootstrap=arguments.n_bootstrap,
        n_null=arguments.n_null,
        memory=arguments.memory,
        unit=arguments.unit,
        rng=arguments.seed,
        **_how(arguments),
    )
    document = table.to_dict()
    document["provenance"]["files"] = {
        side: [{"layer": name, "path": file, "key": key} for name, (file, key) in found.items()]
        for side, found in layers.items()
    }
    text = json.dumps(document, indent=1, allow_nan=False) + "\n"
    write_atomic(folder / "table.json", text)
    table.write(folder / "table.csv")
    written = ["table.csv", "table.json"]
    if table.differences:
        from pidkit.representations.table.tidy import csv_text

        write_atomic(folder / "differences.csv", csv_text(table.difference_rows()))
        written.append("differences.csv")
    written += _draw(table, folder, tuple(arguments.names or ("x1", "x2")), arguments.format)
    if arguments.json == STDOUT:
        print(text, end="")
        return
    print(table)
    print(f"wrote {', '.join(written)} to {arguments.out}")


def _how(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return how layers are read."""
    if arguments.codes:
        from pidkit.cli.recipe import recipe

        return {"quantiser": recipe(arguments)}
    return {
        "decoder": arguments.decoder or "linear",
        "n_codes": arguments.n_codes,
        "folds": arguments.folds,
        "sequences": arguments.sequences or "mean",
        "synergy": arguments.synergy,
    }


def _folder(out: str) -> Path:
    """Return the folder to write into, which is made if it does not exist."""
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"--out: {out} is a file; name a folder")
    if not folder.absolute().parent.is_dir():
        raise InputError(f"--out: there is no folder {folder.absolute().parent}; create it first")
    if not os.access(folder if folder.exists() else folder.absolute().parent, os.W_OK):
        raise InputError(f"--out: nothing can be written in {out}; choose another folder")
    folder.mkdir(exist_ok=True)
    return folder


def _draw(table: PIDTable, folder: Path, sources: tuple[str, str], kind: str) -> list[str]:
    """Draw a map of every atom at every place, all in one colour scale, and the atoms along an index of one pair."""
    from pidkit.plot import plot_atom_map, plot_atoms_along, save_figure

    drawn = []
    limits = _limits(table)
    for place in dict.fromkeys(one.place for one in table.pairs):
        part = table.select(**dict(zip(table.index, place, strict=False)))
        for atom in MAPS:
            if any(getattr(one.result, atom) != getattr(one.result, atom) for one in part.pairs):
                continue  # NaN: it was not computed
            name = "_".join(["map", atom, *(f"{of}{value}" for of, value in zip(table.index, place, strict=False))])
            title = ", ".join(f"{of} {value}" for of, value in zip(table.index, place, strict=False))
            axes = plot_atom_map(part, atom=atom, sources=sources, limits=limits)
            axes.set_title(title)
            save_figure(axes, folder / f"{name}.{kind}")
            drawn.append(f"{name}.{kind}")
    if len(table.index) == 1 and len({one.place for one in table.pairs}) > 1:
        last = table.pairs[-1]
        axes = plot_atoms_along(table.select(x1=last.x1, x2=last.x2), sources=sources)
        axes.set_title(f"{last.x1} and {last.x2}")
        save_figure(axes, folder / f"along_{table.index[0]}.{kind}")
        drawn.append(f"along_{table.index[0]}.{kind}")
    return drawn


def _limits(table: PIDTable) -> tuple[float, float]:
    """Return the ends of one colour scale for all maps."""
    values: Sequence[float] = [row["value"] for row in table.rows() if row["computed"]]
    return min(0.0, *values), max(*values, 0.01)
