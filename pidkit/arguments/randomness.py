"""What seeds randomness: `rng` at the doors of the library, `random_state` in its scikit-learn style classes."""

from __future__ import annotations

import numpy as np

from pidkit.arguments.wording import refusal

Rng = int | np.random.Generator
"""What draws random numbers: a seed, with which the same call gives the same answer, or a Generator that moves on."""

N_SEEDS = 2**32
"""Seeds are below it: the range that scikit-learn and numpy's legacy generators take, and torch as well."""


def generator(rng: object) -> np.random.Generator:
    """Return the Generator of a seed, or the Generator given.

    None is refused, because the call would not repeat, and so is RandomState, which is not a Generator.

    Raises
    ------
    InputError
        If `rng` is neither a whole number from 0 to 2**32 - 1 nor a Generator.
    """
    return rng if isinstance(rng, np.random.Generator) else np.random.default_rng(integer_seed(rng))


def integer_seed(rng: object) -> int:
    """Return a seed as it is, or one drawn from a Generator, which thereby moves on.

    For what has to be the same again later: a run that is resumed, a seed that is kept in a file, or one that
    torch and scikit-learn take. The Generator is asked once, and only the integer is kept.

    Raises
    ------
    InputError
        As `generator`.

    Examples
    --------
    >>> integer_seed(7), integer_seed(np.random.default_rng(0))
    (7, 3653403231)
    """
    if isinstance(rng, np.random.Generator):
        return int(rng.integers(N_SEEDS))
    return _seed("rng", rng, " or a numpy.random.Generator", "wrap a longer seed in numpy.random.default_rng")


def check_seed(value: object) -> int:
    """Return the `random_state` of a scikit-learn style class as an int if it is a seed, else raise InputError.

    None and RandomState are refused: the one reads the global state, the other makes a second fit differ.
    """
    return _seed("random_state", value, "", "")


def seed_name(rng: object) -> int | str:
    """Return what a result records of `rng`: the seed, or "generator".

    Raises
    ------
    InputError
        As `generator`, also where nothing is drawn.
    """
    return "generator" if isinstance(rng, np.random.Generator) else integer_seed(rng)


def _seed(name: str, value: object, alternative: str, remedy: str) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not 0 <= value < N_SEEDS:
        too_large = remedy if isinstance(value, int) and value >= N_SEEDS else ""
        wanted = f"a whole number from 0 to 2**32 - 1{alternative}"
        raise refusal(name, wanted, value, too_large)
    return int(value)
