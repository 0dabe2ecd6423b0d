"""`paired_differences`: the atoms of two results of the same rows, such as two students', compared row by row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from pidkit.errors import InputError
from pidkit.mi.row_groups import variance_of_mean
from pidkit.pid.result import ATOMS
from pidkit.representations.estimate import hull
from pidkit.representations.estimate_result import p_text
from pidkit.representations.held_out import atoms_of_rows
from pidkit.representations.result import RepresentationPID
from pidkit.representations.row_scores import RowScores
from pidkit.results import UnitResult, text_table


@dataclass(frozen=True)
class PairedDifferences(UnitResult):
    """Differences between the atoms of two results of the same rows. All information is in `unit`.

    Attributes
    ----------
    difference : dict of str to float
        Of every atom, the first result's `held_out` value less the second's.
    interval : dict of str to (float, float)
        The 95 % interval of the difference.
    standard_error : dict of str to float
        From the scatter of the rows' differences.
    p_value : dict of str to float
        Two-sided, that the atoms do not differ.
    n_samples : int
    unit : str
    """

    _information = ("difference", "interval", "standard_error")

    difference: Mapping[str, float]
    interval: Mapping[str, tuple[float, float]]
    standard_error: Mapping[str, float]
    p_value: Mapping[str, float]
    n_samples: int
    unit: str

    def _rows(self) -> list[dict[str, str]]:
        """Return a row for each atom."""
        return [
            {
                "": name,
                f"difference ({self.unit})": f"{self.difference[name]:+z.4f}",
                "95 % interval": "[{:+z.3f}, {:+z.3f}]".format(*self.interval[name]),
                "p": p_text(self.p_value[name]),
            }
            for name in ATOMS
        ]

    def __repr__(self) -> str:
        """Show the table, and how many rows were paired."""
        title = f"PairedDifferences, {self.n_samples} rows, held out"
        return "\n".join([title, *("  " + line.rstrip() for line in text_table(self._rows()))])


def paired_differences(first: RepresentationPID, second: RepresentationPID) -> PairedDifferences:
    """Compare the atoms of two results of the same rows: `first` less `second`.

    With s(i) the held-out scores of row i for I1, I2, U and I12, and C the atoms as combinations of them, such as
    redundancy = I1 + I2 - U, the difference is the mean over rows of

        d(i) = C (s_first(i) - s_second(i)),

    and the interval is 1.96 standard errors wide to each side. The two results share the hard and the easy rows, which
    cancel in d(i): the interval is narrower than two intervals of single results say. The difference of synergies is
    NaN where a result has none.

    Parameters
    ----------
    first, second : RepresentationPID
        Of the same rows in the same order, labels, folds, groups and unit. The same `folds`, `groups` and integer `rng`
        in `representation_pid` give the same folds. Layers and decoders may differ.

    Returns
    -------
    PairedDifferences

    Raises
    ------
    InputError
        If a result is none of `representation_pid` without quantiser, or the two differ in labels, folds, groups or
        unit.

    Notes
    -----
    The differences are those of held-out values, not of the estimates: `first.held_out[name] -
    second.held_out[name]`. They are about decoders fitted to so many rows; what decoders would learn from more rows,
    which single intervals hold, is taken to be the same for both. Rows with equal labels cannot be told from other rows
    with the same labels. Groups are summed before their scatter is taken (`variance_of_mean`).

    Examples
    --------
    >>> import numpy as np
    >>> from pidkit import representation_pid
    >>> rng = np.random.default_rng(0)
    >>> labels = rng.integers(2, size=500)
    >>> teacher, good, poor = (labels[:, None] + noise * rng.normal(size=(500, 2)) for noise in (0.3, 0.4, 0.9))
    >>> both = [representation_pid(labels=labels, x1=teacher, x2=student, rng=0) for student in (good, poor)]
    >>> found = paired_differences(*both)
    >>> bool(found.interval["redundancy"][0] > 0.0), bool(found.interval["unique_1"][1] < 0.0)
    (True, True)
    """
    one, other = (_scores_of(name, result) for name, result in (("first", first), ("second", second)))
    if first.unit != second.unit:
        raise InputError(f"first is in {first.unit} and second in {second.unit}; convert with .to({first.unit!r})")
    if not np.array_equal(one.labels, other.labels):
        raise InputError(
            f"first and second have other labels ({one.labels.size} and {other.labels.size} rows), or the same in "
            "another order; measure both on the same rows"
        )
    if not np.array_equal(one.folds, other.folds) or not _same_groups(one, other):
        raise InputError(
            "first and second were read in other folds or groups; pass the same folds, groups and integer rng to both"
        )
    rows = atoms_of_rows(one.scores - other.scores)
    # U is part of every atom. The errors of its two means are added up as if they went the same way, the worst case.
    variance = variance_of_mean(rows, one.groups) + (one.union_error + other.union_error) ** 2
    differences, errors = rows.mean(0).tolist(), np.sqrt(variance).tolist()
    return PairedDifferences(
        difference=dict(zip(ATOMS, differences, strict=True)),
        interval={name: hull([d], error) for name, d, error in zip(ATOMS, differences, errors, strict=True)},
        standard_error=dict(zip(ATOMS, errors, strict=True)),
        p_value={name: _two_sided(d, error) for name, d, error in zip(ATOMS, differences, errors, strict=True)},
        n_samples=one.labels.size,
        unit=first.unit,
    )


def _scores_of(name: str, result: object) -> RowScores:
    """Return the scores of the rows of a result that has them."""
    if not isinstance(result, RepresentationPID):
        raise InputError(
            f"{name} must be what representation_pid returns without quantiser, not {type(result).__name__}"
        )
    return result._row_scores


def _same_groups(one: RowScores, other: RowScores) -> bool:
    """Return whether both results have the same groups, or none."""
    if one.groups is None or other.groups is None:
        return one.groups is other.groups
    return np.array_equal(one.groups, other.groups)


def _two_sided(difference: float, error: float) -> float:
    """Return the p-value of a mean against zero."""
    if error == 0.0:
        return 1.0 if difference == 0.0 else 0.0
    return float(2.0 * norm.sf(abs(difference) / error))
