"""A second opinion on an estimate: calibrated nearest neighbours on some rows, surrogates of known information.

What nearest neighbours find in the rows, less what they find in a surrogate, plus what the surrogate has: cheap, since
it looks at a thousand rows, or a quarter of many, and good to about a tenth of a nat, or less.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pidkit.errors import InputError
from pidkit.mi.canonical import normal_scores
from pidkit.mi.class_surrogates import fit_class_surrogates
from pidkit.mi.neighbours import JITTER, class_terms, neighbour_terms
from pidkit.mi.samples import check_rows, row_codes, standardise
from pidkit.mi.surrogates import fit_surrogates
from pidkit.types import FloatArray, IntArray

OPINION_ROWS = 1000
"""Rows at most that a second opinion looks at, and those of its surrogate, unless there are many more."""

OPINION_SHARE, MOST_OPINION_ROWS = 4, 5000
"""The part of the rows that it looks at where that is more, and how many at most: what an estimate misses is told from
chance by more of them."""

EXACT_COLUMNS = 4
"""Columns of both sides together up to which OPINION_ROWS are enough."""

ROWS_IN_FEW_COLUMNS = 2500
"""The rows in TRUSTED_COLUMNS or fewer, where they cost little."""

OPINION_COLUMNS = 120
"""Columns of both sides together beyond which nearest neighbours of a thousand rows see next to nothing."""

TRUSTED_COLUMNS = 3
"""Columns of both sides together up to which nearest neighbours need no correction."""

LARGEST_MISS, LARGEST_MISS_SHARE = 0.1, 0.2
"""Nats, and share of what is known, by which a value may be off without a warning."""

SMALLER_MISS = 0.07
"""LARGEST_MISS where the opinion is more exact: in TRUSTED_COLUMNS or fewer, and of as many rows as it takes there."""

LARGE_REST = 0.05
"""Nats that are not of the surrogates' sort and are worth a warning."""

LEAST_SEEN = 0.5
"""Share of the surrogate's information that nearest neighbours have to find, else they see little of anything."""

CHANCE = 2.0
"""Of n rows, CHANCE / sqrt(n) nats are within the errors of two estimates."""

Terms = Callable[[FloatArray, FloatArray], FloatArray]
"""From rows of both sides, without ties, to the terms whose mean is their information in nats."""


@dataclass(frozen=True)
class Verdict:
    """What an estimator makes of surrogates, in nats.

    Attributes
    ----------
    n : int
        Rows of a surrogate.
    found, known : float
        What the estimator returns, and the information of the surrogate.
    chance : float
        How far the two may be apart by chance.
    remedy : str
        What to do where they are further.
    """

    n: int
    found: float
    known: float
    chance: float = 0.0
    remedy: str = "use 'calibrated'"

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warning that the estimator is off, if it is by more than chance."""
        if abs(self.found - self.known) <= self.chance:
            return ()
        return off_on_surrogates(self.n, self.found, self.known, remedy=self.remedy)


@dataclass(frozen=True)
class Opinion:
    """What is found in some of the rows and in a surrogate of them, in nats.

    Attributes
    ----------
    n : int
        Rows looked at.
    own : float
        What nearest neighbours find in the rows.
    found, known : float
        What they find in the surrogate, and what it has.
    linear : float
        What correlations alone have.
    columns : int, optional
        Of both sides together, where both are rows.
    """

    n: int
    own: float
    found: float
    known: float
    linear: float
    columns: int | None = None

    @property
    def few(self) -> bool:
        """Whether the columns are so few that neighbours need no surrogate."""
        return self.columns is not None and self.columns <= TRUSTED_COLUMNS

    @property
    def value(self) -> float:
        """The information of the rows, as far as what is missed of the surrogate is missed of them too."""
        return self.own + self.known - self.found

    def denies(self, value: float) -> bool:
        """Tell whether a value is further from the opinion's than the errors of both explain."""
        least = SMALLER_MISS if self.few or self.n >= ROWS_IN_FEW_COLUMNS else LARGEST_MISS
        return differ(value, self.value, max(least, CHANCE / math.sqrt(self.n)))

    def verdict(self, *, linear: bool) -> Verdict | None:
        """Return what nearest neighbours, or correlations alone, make of the surrogate; None where none was drawn."""
        if linear:
            return Verdict(self.n, self.linear, self.known)
        return None if self.few else Verdict(self.n, self.found, self.known, CHANCE / math.sqrt(self.n))

    @property
    def strange(self) -> tuple[str, ...]:
        """The warning that more than chance of what neighbours find is not of the surrogates' sort."""
        rest = self.own - self.found
        if self.columns is None or self.few or abs(rest) <= max(LARGE_REST, CHANCE / math.sqrt(self.n)):
            return ()
        return (not_elliptical(rest, self.columns),)

    @property
    def blind(self) -> bool:
        """Whether nearest neighbours find less than half of the surrogate's information."""
        return self.found < LEAST_SEEN * self.known and self.known > LARGEST_MISS


def off_on_surrogates(n: int, found: float, known: float, *, remedy: str = "use 'calibrated'") -> tuple[str, ...]:
    """Return the warning that on surrogates of known information an estimator returns something else.

    Examples
    --------
    >>> off_on_surrogates(1000, 0.16, 1.0)[0].split(":")[0], off_on_surrogates(1000, 0.95, 1.0)
    ('off on surrogates', ())
    """
    if not differ(found, known):
        return ()
    return (
        f"off on surrogates: on {n} samples of the same correlations and tails it returns {found:.2f} for {known:.2f} "
        f"nats; {remedy}",
    )


def not_elliptical(rest: float, columns: int) -> str:
    """Return the warning that neighbours may miss as much again of what is not of the surrogates' sort."""
    return (
        f"not elliptical: {rest:.2f} nats of the value are not of correlations and shared tails, and in {columns} "
        "columns nearest neighbours may miss as much again; compare with 'infonce'"
    )


def differ(value: float, reference: float, least: float = LARGEST_MISS) -> bool:
    """Tell whether a value is further from a reference than its errors explain."""
    return abs(value - reference) > max(least, LARGEST_MISS_SHARE * abs(reference))


def opinion_of_rows(a: FloatArray, b: FloatArray, terms: Terms | None = None, *, linear: bool = False) -> Opinion | str:
    """Return the opinion on rows a (n, d_a) and b (n, d_b), or why there is none.

    `terms` are those of the neighbours that are asked, KSG's of three unless given. In few columns a surrogate is
    fitted only where what is `linear` is asked for; elsewhere found and known are then what is found in the rows.
    """
    columns = a.shape[1] + b.shape[1]
    if columns > OPINION_COLUMNS:
        return f"{columns} columns are too many for a second opinion"
    terms = terms or (lambda x, y: neighbour_terms(x, y, k=3))
    draws = np.random.default_rng(0)
    few = columns <= TRUSTED_COLUMNS
    rows = _some(len(a), draws, ROWS_IN_FEW_COLUMNS if few else _most_rows(len(a), columns))
    try:
        x, y = (normal_scores(standardise(check_rows(side[rows], name))) for side, name in ((a, "a"), (b, "b")))
        own = _mean(terms, x, y, draws)
        if few and not linear:
            return Opinion(rows.size, own, own, own, own, columns)
        law = fit_surrogates(x, y)
        known = law.information
        found = known if few else _mean(terms, *law.draw(draws), draws)
    except InputError as error:
        return str(error)
    return Opinion(rows.size, own, found, known, law.gaussian, columns)


def opinion_of_classes(a: FloatArray, labels: IntArray, *, k: int = 3) -> Opinion | str:
    """Return the opinion on rows a (n, d) and labels (n,), with Ross's neighbours, or why there is none."""
    draws = np.random.default_rng(0)
    rows = _some(len(a), draws, _most_rows(len(a), a.shape[1] + 1))
    kept = rows[np.bincount(labels[rows], minlength=int(labels.max()) + 1)[labels[rows]] > 1]
    if a.shape[1] > OPINION_COLUMNS or kept.size < k + 2 or np.unique(labels[kept]).size < 2:
        return f"{a.shape[1]} columns are too many for a second opinion, or no two classes have two of these rows"
    y = row_codes(labels[kept, None])

    def terms(x: FloatArray) -> float:
        x = standardise(x)
        return float(class_terms(x + JITTER * draws.standard_normal(x.shape), y, k=k).mean())

    try:
        x = normal_scores(standardise(check_rows(a[kept], "a")))
        own = terms(x)
        surrogate, known = fit_class_surrogates(x, y).draw(draws)
    except InputError as error:
        return str(error)
    return Opinion(kept.size, own, terms(surrogate), known, known)


def _most_rows(n: int, columns: int) -> int:
    """Return how many of n rows an opinion looks at."""
    return OPINION_ROWS if columns <= EXACT_COLUMNS else min(max(OPINION_ROWS, n // OPINION_SHARE), MOST_OPINION_ROWS)


def _some(n: int, draws: np.random.Generator, most: int) -> IntArray:
    return np.asarray(draws.permutation(n)[:most])


def _mean(terms: Terms, x: FloatArray, y: FloatArray, draws: np.random.Generator) -> float:
    x, y = (side + JITTER * draws.standard_normal(side.shape) for side in map(standardise, (x, y)))
    return float(terms(x, y).mean())
