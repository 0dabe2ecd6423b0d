"""`pidkit gates`: known atoms beside computed ones."""

from __future__ import annotations

import argparse
from typing import Any

from pidkit.cli.options import WithDefaults
from pidkit.cli.output import print_table


def add_gates(commands: Any) -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "gates", help="known atoms beside computed ones", description=gates.__doc__, formatter_class=WithDefaults
    )
    command.set_defaults(run=gates)
    command.add_argument("name", nargs="?", metavar="NAME", help="such as AND; all gates if left out")
    command.add_argument("--unit", default="bits", help="bits or nats")


def gates(arguments: argparse.Namespace) -> None:
    """Print the known atoms of one gate, or of all, beside those computed now."""
    from pidkit.gates import GATES, gate
    from pidkit.pid.decomposition import bivariate_pid
    from pidkit.pid.result import ATOMS
    from pidkit.units import check_unit, convert

    unit = check_unit(arguments.unit)
    selected = list(GATES.values()) if arguments.name is None else [gate(arguments.name)]
    rows = [["gate", f"atoms in {unit}", *ATOMS, "error", "gap"]]
    for known in selected:
        result = bivariate_pid(known.joint, unit=unit)
        exact = [convert(getattr(known, name), old="bits", new=unit) for name in ATOMS]
        computed = [getattr(result, name) for name in ATOMS]
        error = max(abs(a - b) for a, b in zip(exact, computed, strict=True))
        rows.append([known.name, "known", *(f"{value:z.6f}" for value in exact), "", ""])
        certified = f"{result.report.gap:.1e}"
        rows.append(["", "computed", *(f"{value:z.6f}" for value in computed), f"{error:.1e}", certified])
    if arguments.name is not None:
        print(f"{selected[0].name}: {selected[0].description}\n{selected[0].source}\n")
    print_table(rows, n_left=2)
