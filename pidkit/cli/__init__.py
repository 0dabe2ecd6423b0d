"""The command line: `pidkit atoms`, `map`, `gates` and `info`. It parses, calls the library and prints.

Each command has a module of its name; `options` and `output` are what they share. Exit codes: 0 done; 1 the solver, or
memory, did not suffice; 2 bad input, told in one line; 130 interrupted; 141 the reader of the output went away.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence

from pidkit._version import __version__
from pidkit.cli.atoms import add_atoms
from pidkit.cli.gates import add_gates
from pidkit.cli.info import add_info
from pidkit.cli.map import add_map
from pidkit.cli.options import Parser
from pidkit.cli.output import say
from pidkit.errors import InputError, PidkitWarning, SolverError

DONE, UNSOLVED, BAD_INPUT, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 130, 141
"""The exit codes that the module's first lines explain; 130 and 141 are the shell's numbers for SIGINT and SIGPIPE."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; `argv` is sys.argv[1:] unless given.

    Examples
    --------
    >>> main(["gates", "XOR"])
    XOR: the parity of two bits
    Griffith & Koch, Quantifying synergistic mutual information, 2014
    <BLANKLINE>
    gate  atoms in bits  redundancy  unique_1  unique_2   synergy    error      gap
    XOR   known            0.000000  0.000000  0.000000  1.000000
          computed         0.000000  0.000000  0.000000  1.000000  ...e-...  ...e-...
    0
    """
    try:
        arguments = _parser().parse_args(argv)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", PidkitWarning)
            arguments.run(arguments)
            sys.stdout.flush()
        for warning in caught:
            say("warning", warning.message)
    except SystemExit as stop:  # argparse has shown the help or the version
        return int(stop.code or DONE)
    except SolverError as error:
        return say("error", error, UNSOLVED)
    except MemoryError:
        return say("error", "out of memory; measure fewer rows or features", UNSOLVED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the flush at exit would fail again
        return BROKEN_PIPE
    except (InputError, OSError) as error:
        return say("error", error, BAD_INPUT)
    except KeyboardInterrupt:
        return say("error", "interrupted", INTERRUPTED)
    return DONE


def _parser() -> Parser:
    """Return the parser of all commands."""
    parser = Parser(prog="pidkit", description="Certified partial information decomposition of representations.")
    parser.add_argument("--version", action="version", version=f"pidkit {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for add in (add_atoms, add_map, add_gates, add_info):
        add(commands)
    return parser
