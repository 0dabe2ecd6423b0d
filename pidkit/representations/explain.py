"""`explain`: what a result says, in sentences, with the page of the documentation to read on each."""

from __future__ import annotations

import math
import textwrap

from pidkit.errors import InputError
from pidkit.pid.result import ATOMS
from pidkit.representations.coded_result import CodedPID
from pidkit.representations.estimate_result import PIDEstimate
from pidkit.representations.result import RepresentationPID

WIDTH = 100
"""Letters of a line."""

MEANING = {
    "redundancy": "either source alone tells it",
    "unique_1": "only x1 tells it",
    "unique_2": "only x2 tells it",
    "synergy": "only both together tell it",
}

REMEDIES = {
    "the sample": "more rows would narrow its interval",
    "the rows to learn from": "decoders that had more rows to learn from would read more (`at_limit`)",
    "the codes": "a larger n_codes would narrow its bracket, and needs more rows",
    "the decoder": "another decoder, such as 'mlp', may read more; there may be more than any reads",
}

PAGES = {
    "the sample": "What to believe of samples",
    "the rows to learn from": "What to believe of samples",
    "the codes": "What to believe of samples",
    "the decoder": "What a decoder reads",
}
"""Pages of the documentation, by what limits an atom."""


def explain(result: PIDEstimate | CodedPID) -> str:
    """Return paragraphs that say what a result means, what limits it, and where to read on.

    Parameters
    ----------
    result : RepresentationPID, CodedPID or PIDEstimate
        Of `representation_pid`, `coded_pid` or `estimate_pid`.

    Raises
    ------
    InputError
        If `result` is none of these.

    Examples
    --------
    >>> import numpy as np
    >>> from pidkit import estimate_pid
    >>> x1, x2 = np.random.default_rng(0).integers(2, size=(2, 1000))
    >>> print(explain(estimate_pid(y=x1 ^ x2, x1=x1, x2=x2)).splitlines()[-1])
    Read on: "What to believe of samples" in the documentation.
    """
    if isinstance(result, CodedPID):
        return _paragraphs(_of_codes(result), {"Finite samples", "Choosing codes"})
    if not isinstance(result, PIDEstimate):
        raise InputError(
            f"result must be what representation_pid, coded_pid or estimate_pid returns, not {type(result).__name__}"
        )
    pages = {"What to believe of samples"}
    together = (
        "" if math.isnan(result.mi_joint) else f"Both sources together are seen to tell {result.mi_joint:.2f} of them, "
    )
    said = [
        f"The target has {result.entropy_y:.2f} {result.unit} of entropy, and {result.n_samples} rows were measured. "
        f"{together}{'x1 alone' if together else 'x1 alone is seen to tell'} {result.mi_1:.2f} and x2 alone "
        f"{result.mi_2:.2f}."
    ]
    if isinstance(result, RepresentationPID):
        reports = result.decoders
        right = [
            f"{report.accuracy:.1%} {'of the rows ' if name == 'x1' else ''}from {name}"
            for name, report in reports.items()
        ]
        said.append(
            f"These are what a decoder ({reports['x1'].name}) reads out of the layers, on rows whose labels it had not "
            f"seen: it is right on {', '.join(right[:-1])} and {right[-1]}. A layer may hold more than a decoder "
            "reads, never less."
        )
        pages.add("What a decoder reads")
    for atom in ATOMS:
        said.append(_of_atom(result, atom))
        pages |= {PAGES[limit] for limit in result.limits(atom)}
    if isinstance(result, RepresentationPID):
        said += [f"Note: {text}." for text in result.warnings]
    return _paragraphs(said, pages)


def _of_atom(result: PIDEstimate, atom: str) -> str:
    """Return the sentences of one atom."""
    low, high = result.interval[atom]
    value = result.atoms[atom]
    if math.isnan(value):
        return f"{atom} ({MEANING[atom]}): {result.verdict(atom)}."
    text = (
        f"{atom} ({MEANING[atom]}): {value:z.3f} {result.unit}, between {low:z.3f} and {high:z.3f} as far as the "
        f"sample goes. It is {result.verdict(atom)}"
    )
    for limit in result.limits(atom):
        text += f"; {REMEDIES[limit]}"
    if isinstance(result, RepresentationPID) and atom in result.bracket:
        low, high = result.bracket[atom]
        text += f". The atom of the posteriors themselves lies between {low:z.3f} and {high:z.3f}"
    return text + "."


def _of_codes(result: CodedPID) -> list[str]:
    """Return the sentences of codes that know no labels."""
    said = [
        f"These are the atoms of codes, made without the labels, in {result.n_samples} rows taken for the whole truth: "
        f"of {result.entropy_y:.2f} {result.unit} of entropy the codes of x1 tell {result.pid.mi_1:.2f}, those of x2 "
        f"{result.pid.mi_2:.2f}, both {result.pid.mi_joint:.2f}.",
        f"Counting in a finite sample adds about {result.bias['mi_joint']:.3f} {result.unit} to the last of these, "
        "most of it to the synergy.",
    ]
    if result.decoded_1 is None or result.decoded_2 is None:
        said.append("What the codes lost is not known: no decoder read the layers. Pass decoder='linear'.")
    else:
        said.append(f"A decoder reads {result.decoded_1:.2f} out of x1 and {result.decoded_2:.2f} out of x2.")
    return [*said, *(f"Note: {text}." for text in result.warnings)]


def _paragraphs(said: list[str], pages: set[str]) -> str:
    """Return paragraphs, and the line that names the pages."""
    named = ", ".join(f'"{page}"' for page in sorted(pages))
    return "\n\n".join([*(textwrap.fill(text, WIDTH) for text in said), f"Read on: {named} in the documentation."])
