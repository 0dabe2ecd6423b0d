"""The RID paper's codes as the options of the command line say."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pidkit.quantise import RepresentationCodes


def recipe(arguments: argparse.Namespace) -> RepresentationCodes:
    """Return the quantiser of --codes."""
    from pidkit.quantise import RepresentationCodes

    n_pca = 10 if arguments.n_pca is None else arguments.n_pca
    return RepresentationCodes(
        None if n_pca == "none" else n_pca,
        10 if arguments.n_codes is None else arguments.n_codes,
        normalise=arguments.normalise,
        random_state=arguments.seed,
    )
