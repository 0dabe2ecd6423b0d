"""The command line: `pidkit atoms`, `pidkit gates`, `pidkit info`. It parses, calls the library and prints.

Exit codes: 0 done; 1 the solver, or memory, did not suffice; 2 bad input, told in one line; 130 interrupted;
141 the reader of the output went away.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from pidkit._version import __version__
from pidkit.errors import InputError, PidkitWarning, SolverError

if TYPE_CHECKING:
    import numpy.typing as npt

    from pidkit.representations import CodedPID, RepresentationPID

DONE, UNSOLVED, BAD_INPUT, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 130, 141
"""The exit codes that the module's first lines explain; 130 and 141 are the shell's numbers for SIGINT and SIGPIPE."""

OF_CODES = ("n_pca", "normalise", "fit_fraction", "bias", "solver", "tol")
"""The options of `pidkit atoms` that only codes made without labels have."""

ARRAYS = ("labels", "x1", "x2")
"""The arrays that `pidkit atoms` reads, by the names of their options."""


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
            _say("warning", warning.message)
    except SystemExit as stop:  # argparse has shown the help or the version
        return int(stop.code or DONE)
    except SolverError as error:
        return _say("error", error, UNSOLVED)
    except MemoryError:
        return _say("error", "out of memory; measure fewer rows or features", UNSOLVED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the flush at exit would fail again
        return BROKEN_PIPE
    except (InputError, OSError) as error:
        return _say("error", error, BAD_INPUT)
    except KeyboardInterrupt:
        return _say("error", "interrupted", INTERRUPTED)
    return DONE


def atoms(arguments: argparse.Namespace) -> None:
    """Decompose what two saved representations say about saved labels; print it, write it, draw it."""
    for option in ("json", "plot"):
        _check_output(arguments, option)
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
    if arguments.json is not None:
        write_atomic(arguments.json, text)
    print(explain(result) if arguments.explain else result)


def _decoded(arguments: argparse.Namespace) -> RepresentationPID:
    """Decode the layers; refuse options of the recipe without labels."""
    from pidkit.representations import representation_pid

    for option in OF_CODES:
        if getattr(arguments, option) not in (None, False):
            raise InputError(
                f"--{option.replace('_', '-')} belongs to codes made without labels; add --codes, or leave it out"
            )
    return representation_pid(
        **_common(arguments), decoder=arguments.decoder or "linear", n_codes=arguments.n_codes, folds=arguments.folds
    )


def _coded(arguments: argparse.Namespace) -> CodedPID:
    """Code the layers without the labels, as the RID paper does."""
    from pidkit.quantise import RepresentationCodes
    from pidkit.representations import coded_pid

    if arguments.folds is not None:
        raise InputError("--folds belongs to decoded layers; leave it out, or leave out --codes")
    n_pca = 10 if arguments.n_pca is None else arguments.n_pca
    quantiser = RepresentationCodes(
        None if n_pca == "none" else n_pca,
        10 if arguments.n_codes is None else arguments.n_codes,
        normalise=arguments.normalise,
        random_state=arguments.seed,
    )
    return coded_pid(
        **_common(arguments),
        quantiser=quantiser,
        decoder=arguments.decoder,
        fit_fraction=arguments.fit_fraction,
        bias=arguments.bias or "none",
        solver=arguments.solver or "auto",
        tol=arguments.tol,
    )


def _common(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what both ways to atoms are given."""
    return {
        **{name: _load(arguments, name) for name in ARRAYS},
        "n_bootstrap": arguments.n_bootstrap,
        "n_null": arguments.n_null,
        "unit": arguments.unit,
        "rng": arguments.seed,
    }


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
    _print_table(rows, n_left=2)


def info(arguments: argparse.Namespace) -> None:
    """Print the arrays of a file: key, shape, dtype, size."""
    from pidkit.arrays import describe_file

    description = describe_file(arguments.file)
    print(f"{description.path} ({description.format})")
    rows = [["key", "dtype", "shape", "bytes"]]
    for entry in description.entries:
        rows.append(["-" if entry.key is None else entry.key, entry.dtype, str(entry.shape), f"{entry.n_bytes:,}"])
    _print_table(rows, n_left=2)


class _Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are InputErrors, and so take one line."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see {self.prog} --help")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="pidkit", description="Certified partial information decomposition of representations.")
    parser.add_argument("--version", action="version", version=f"pidkit {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    command = commands.add_parser("atoms", help="decompose saved representations", description=atoms.__doc__)
    command.set_defaults(run=atoms)
    for name, what in zip(ARRAYS, ("labels Y", "first representation", "second representation"), strict=True):
        command.add_argument(f"--{name}", required=True, metavar="FILE", help=f"{what}: npy, npz, pt or safetensors")
        command.add_argument(f"--{name}-key", metavar="KEY", help="which array of it, where it holds several")
    command.add_argument("--names", nargs=2, default=["x1", "x2"], metavar=("X1", "X2"), help="names in the picture")
    command.add_argument("--decoder", metavar="D", help="linear (default), mlp, knn, or softmax of logits")
    command.add_argument("--folds", type=int, metavar="N", help="parts, each read by decoders fitted to the others (5)")
    command.add_argument("--n-codes", type=int, metavar="N", help="codes of a layer; else chosen, 10 with --codes")
    command.add_argument("--codes", action="store_true", help="the RID paper's recipe: codes made without the labels")
    command.add_argument("--n-pca", type=_count_or_none, metavar="N", help="with --codes: components, or none (10)")
    command.add_argument("--normalise", action="store_true", help="with --codes: scale rows to unit length first")
    command.add_argument("--fit-fraction", type=float, metavar="F", help="with --codes: fit on this share of rows only")
    command.add_argument("--bias", metavar="B", help="with --codes: none, miller-madow, extrapolation or shuffle")
    command.add_argument("--n-null", type=int, default=0, metavar="N", help="permutations of the labels")
    command.add_argument("--n-bootstrap", type=int, default=0, metavar="N", help="resamples")
    command.add_argument("--seed", type=_seed, default=0, help="of the folds or codes, and the resamples")
    command.add_argument("--solver", help="with --codes: auto, interior-point, scaling or conic")
    command.add_argument("--tol", type=float, help="with --codes: certified gap to reach, in bits")
    command.add_argument("--unit", default="bits", help="bits or nats")
    command.add_argument("--explain", action="store_true", help="print sentences in place of the table")
    command.add_argument("--json", metavar="FILE", help="write everything here")
    command.add_argument("--plot", metavar="FILE", help="draw the atoms here: png, pdf or svg")

    command = commands.add_parser("gates", help="known atoms beside computed ones", description=gates.__doc__)
    command.set_defaults(run=gates)
    command.add_argument("name", nargs="?", metavar="NAME", help="such as AND; all gates if left out")
    command.add_argument("--unit", default="bits", help="bits or nats")

    command = commands.add_parser("info", help="what a file of arrays holds", description=info.__doc__)
    command.set_defaults(run=info)
    command.add_argument("file", metavar="FILE", help="npy, npz, pt, pth or safetensors")
    return parser


def _count_or_none(text: str) -> int | str:
    if text.lower() == "none":
        return "none"
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is neither a whole number nor 'none'")
    return int(text)


def _seed(text: str) -> int:
    if not (text.isdecimal() and int(text) < 2**32):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 to 2**32 - 1")
    return int(text)


def _load(arguments: argparse.Namespace, name: str) -> npt.NDArray[Any]:
    """Load one of the three arrays, and name the option where that fails."""
    from pidkit.arrays import load_array

    try:
        return load_array(getattr(arguments, name), key=getattr(arguments, f"{name}_key"))
    except InputError as error:
        raise InputError(f"--{name}: {error}") from error


def _check_output(arguments: argparse.Namespace, option: str) -> None:
    """Raise before anything is computed where the output could not be written, or would replace an input."""
    target = getattr(arguments, option)
    if target is None:
        return
    path = Path(target).resolve()
    if path.is_dir():
        raise InputError(f"--{option}: {target} is a directory; add a file name")
    if not path.parent.is_dir():
        raise InputError(f"--{option}: there is no folder {path.parent}; create it first")
    if not os.access(path.parent, os.W_OK):
        raise InputError(f"--{option}: nothing can be written in {path.parent}; choose another folder")
    if path in [Path(getattr(arguments, name)).resolve() for name in ARRAYS]:
        raise InputError(f"--{option}: {target} is an input and would be replaced; choose another name")
    if option == "plot":
        from pidkit.plot import check_picture_name

        check_picture_name(target)
        if arguments.json is not None and path == Path(arguments.json).resolve():
            raise InputError(f"--plot: {target} is where --json writes; choose another name")


def _print_table(rows: Iterable[Sequence[str]], *, n_left: int) -> None:
    """Print rows in columns, the first `n_left` flush left, the others flush right."""
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    adjust = [str.ljust] * n_left + [str.rjust] * (len(widths) - n_left)
    for row in table:
        cells = (put(cell, width) for put, cell, width in zip(adjust, row, widths, strict=True))
        print("  ".join(cells).rstrip())


def _say(kind: str, message: object, code: int = DONE) -> int:
    """Write one line to stderr and return `code`."""
    print(f"pidkit: {kind}: {' '.join(str(message).splitlines())}", file=sys.stderr)
    return code
