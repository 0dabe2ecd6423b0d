"""`pidkit info`: what files of arrays hold."""

from __future__ import annotations

import argparse
from typing import Any

from pidkit.cli.options import READ_FORMATS, WithDefaults
from pidkit.cli.output import print_table


def add_info(commands: Any) -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "info", help="what files of arrays hold", description=info.__doc__, formatter_class=WithDefaults
    )
    command.set_defaults(run=info)
    command.add_argument("files", nargs="+", metavar="FILE", help=READ_FORMATS)


def info(arguments: argparse.Namespace) -> None:
    """Print the arrays of each file: key, shape, dtype, size."""
    from pidkit.arrays import describe_file

    described = [describe_file(file) for file in arguments.files]
    for number, description in enumerate(described):
        print(("\n" if number else "") + f"{description.path} ({description.format})")
        rows = [["key", "dtype", "shape", "bytes"]]
        for entry in description.entries:
            rows.append(["-" if entry.key is None else entry.key, entry.dtype, str(entry.shape), f"{entry.n_bytes:,}"])
        print_table(rows, n_left=2)
