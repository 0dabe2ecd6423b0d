"""The parser, and the options that several commands share."""

from __future__ import annotations

import argparse
from typing import NoReturn

from pidkit.errors import InputError

READ_FORMATS = "npy, npz, pt, safetensors, h5 or zarr"
"""The files of arrays that are read."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are InputErrors, and so take one line."""

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong with the command as an InputError."""
        raise InputError(f"{message}; see {self.prog} --help")


class WithDefaults(argparse.HelpFormatter):
    """Help in which every option that has a default says it."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        shown = action.help or ""
        unsaid = isinstance(action.default, (int, str)) and not isinstance(action.default, bool)
        if not unsaid or not action.option_strings or action.default == argparse.SUPPRESS:
            return shown
        return f"{shown} (default: %(default)s)"


def add_decoding(command: argparse.ArgumentParser) -> None:
    """Add what says how layers are read, with decoders or by codes made without the labels."""
    command.add_argument("--decoder", metavar="D", help="linear, mlp, knn, or softmax of logits (default: linear)")
    command.add_argument(
        "--folds", type=int, metavar="N", help="parts, each read by decoders fitted to the others (default: 5)"
    )
    command.add_argument(
        "--sequences", choices=("mean", "tokens"), help="average sequences, or read them token by token (default: mean)"
    )
    command.add_argument(
        "--n-codes", type=int, metavar="N", help="codes of a layer (default: chosen by held-out rows; 10 with --codes)"
    )
    command.add_argument("--codes", action="store_true", help="the RID paper's recipe: codes made without the labels")
    command.add_argument(
        "--n-pca", type=count_or_none, metavar="N", help="with --codes: components, or none (default: 10)"
    )
    command.add_argument("--normalise", action="store_true", help="with --codes: scale rows to unit length first")


def add_memory(command: argparse.ArgumentParser) -> None:
    """Add the memory that reading a layer may take."""
    command.add_argument(
        "--memory",
        type=size,
        default="1 GiB",
        metavar="SIZE",
        help="read a layer in pieces where three copies take more as float64",
    )


def add_replicates(command: argparse.ArgumentParser) -> None:
    """Add the numbers of replicates, the seed and the unit."""
    command.add_argument("--n-null", type=int, default=0, metavar="N", help="replicates of the nulls")
    command.add_argument("--n-bootstrap", type=int, default=0, metavar="N", help="resamples")
    command.add_argument("--seed", type=seed, default=0, help="of the folds or codes, and the replicates")
    command.add_argument("--unit", default="bits", help="bits or nats")


def refuse(arguments: argparse.Namespace, options: tuple[str, ...], why: str) -> None:
    """Raise InputError if one of these options was given."""
    for option in options:
        if getattr(arguments, option) not in (None, False):
            raise InputError(f"--{option.replace('_', '-')} {why}")


def count_or_none(text: str) -> int | str:
    """Return a whole number, or "none"."""
    if text.lower() == "none":
        return "none"
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is neither a whole number nor 'none'")
    return int(text)


def size(text: str) -> int | str:
    """Return a number of bytes as a number, and text with a unit as it is."""
    return int(text) if text.isdecimal() else text


def seed(text: str) -> int:
    """Return a seed."""
    if not (text.isdecimal() and int(text) < 2**32):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 to 2**32 - 1")
    return int(text)
