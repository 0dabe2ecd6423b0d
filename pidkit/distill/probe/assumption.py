"""Measure the assumption behind RID: the difference of its two filters says nothing more about the labels."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

from pidkit.arguments import Rng, integer_seed, whole_number
from pidkit.distill.batch import Batch
from pidkit.distill.filters import FilteredPair
from pidkit.distill.objectives.several import SeveralTeachers
from pidkit.distill.objectives.sums import WeightedSum
from pidkit.distill.probe.atoms import CodeColumn, code_rows
from pidkit.errors import InputError
from pidkit.info import entropy
from pidkit.records.atom_record import Assumption
from pidkit.representations.coding import Quantiser, RowSplit
from pidkit.representations.finite_samples import spread_of
from pidkit.types import FloatArray, IntArray
from pidkit.units import from_nats

ASSUMPTION_NULL_STREAM = 2_000_003
"""Second number of the seed of these permutations, so that they share no random stream with those of the labels."""

FilterKey = tuple[str, str, str]
"""Name of the teacher, layer of the teacher, layer of the student."""


def measure_assumption(
    filtered: FilteredPair,
    y: IntArray,
    *,
    quantiser: Quantiser,
    split: RowSplit = None,
    n_null: int = 10,
    rng: Rng = 0,
    name: str = "RID",
) -> Assumption:
    """Measure I(eps; Y | f_s(S)) = I(Y; eps, f_s(S)) - I(Y; f_s(S)) of codes, eps = f_t(T) - f_s(S), and its null.

    The null permutes the codes of eps among the samples that have one code of f_s(S). That keeps P(y, s) and
    P(eps, s) as they are and removes what eps tells of Y beyond s: precisely the null hypothesis, under which these
    permutations are exchangeable. Permuted labels would not do: they remove I(Y; f_s(S)) too, fill cells (y, s) that
    are empty, and so promise a bias that is not there, most of all where f_s(S) says nearly all (at s = y the value is
    0 and can be nothing else). Nor would eps permuted over all samples, which fills cells (eps, s) that are empty.

    Codes are coarser than f_s(S): what they lose of it and eps still has counts as a violation. The value is
    therefore that of the quantised statement, to be compared with its null and with its cap H(Y | f_s(S)).

    Parameters
    ----------
    filtered : FilteredPair
        Of all samples, on the CPU.
    y : ndarray of int, shape (n,)
        Labels of the samples to measure, from 0 without gaps.
    quantiser : transformer
        Copied for eps and for f_s(S).
    split : pair of ndarray, optional
        Rows to fit the quantisers on and rows to measure.
    n_null : int
    rng : int or numpy.random.Generator
        Draws the permutations, on a stream of their own.
    name : str
        What the pair is called in errors.

    Raises
    ------
    InputError
        If filters put out NaN.

    Source: Dissanayake et al., AISTATS 2025, section 4, where the assumption is made.
    """
    eps = code_rows(filtered.residual.flatten(1), quantiser, split, f"{name}: f_t(T) - f_s(S)")
    given = code_rows(filtered.student.flatten(1), quantiser, split, f"{name}: f_s(S)")
    value, cap = plug_in_conditional_information(y, eps, given)
    n_null, draws = whole_number("n_null", n_null), np.random.default_rng([integer_seed(rng), ASSUMPTION_NULL_STREAM])
    shuffled = [
        plug_in_conditional_information(
            y, CodeColumn(permute_within(eps.values, given.values, draws), eps.n_codes), given
        )[0]
        for _ in range(n_null)
    ]
    return Assumption(
        value=from_nats(value, "bits"),
        null=spread_of(from_nats(1.0, "bits") * np.array(shuffled)) if n_null else None,
        cap=from_nats(cap, "bits"),
        teacher_std=filtered.teacher_std,
        sigma=tuple(float(s) for s in filtered.sigma.double()),
    )


def plug_in_conditional_information(y: IntArray, codes: CodeColumn, given: CodeColumn) -> tuple[float, float]:
    """Return plug-in I(Y; codes | given) and its cap H(Y | given), in nats.

    Examples
    --------
    >>> y, given = np.array([0, 0, 1, 1]), CodeColumn(np.array([0, 1, 0, 1]), 2)
    >>> [round(float(v / np.log(2)), 12) for v in plug_in_conditional_information(y, CodeColumn(y, 2), given)]
    [1.0, 1.0]
    """
    n_y = int(y.max()) + 1
    cells = (y * codes.n_codes + codes.values) * given.n_codes + given.values
    p: FloatArray = np.bincount(cells, minlength=n_y * codes.n_codes * given.n_codes) / y.size
    p = p.reshape(n_y, codes.n_codes, given.n_codes)
    h_given, h_y_given = entropy(p.sum((0, 1))), entropy(p.sum(1))
    cap = h_y_given - h_given
    # Only rounding makes the difference negative: the value is a divergence of empirical distributions.
    return max(0.0, cap - (entropy(p) - entropy(p.sum(0)))), cap


def permute_within(codes: IntArray, strata: IntArray, rng: np.random.Generator) -> IntArray:
    """Return codes permuted at random among the samples of each stratum.

    Examples
    --------
    >>> codes, strata = np.array([1, 2, 3, 4]), np.array([0, 1, 1, 0])
    >>> shuffled = permute_within(codes, strata, np.random.default_rng(0))
    >>> sorted(shuffled[[0, 3]].tolist()), sorted(shuffled[[1, 2]].tolist())
    ([1, 4], [2, 3])
    """
    shuffled = np.empty_like(codes)
    shuffled[np.argsort(strata, kind="stable")] = codes[np.lexsort((rng.random(codes.size), strata))]
    return shuffled


def find_filters(
    objective: nn.Module | Mapping[str, nn.Module] | None, teachers: tuple[str, ...]
) -> list[tuple[str, nn.Module]]:
    """Return the objectives with filters to measure, each with the name of the teacher that it follows.

    Parameters
    ----------
    objective : Objective, or mapping of these by teacher
        One with `filtered`, as RID has; sums and `SeveralTeachers` are looked into; others have none.
    teachers : tuple of str

    Raises
    ------
    InputError
        If it is left open which of several teachers an objective follows, one named is unknown, or filters sit where
        they cannot be reached.
    """
    filters = [] if objective is None else _with_filters(objective, None)
    for name, _ in filters:
        if name is not None and name not in teachers:
            raise InputError(f"objective names teacher {name!r}; the teachers are {', '.join(map(repr, teachers))}")
        if name is None and len(teachers) > 1:
            raise InputError("objective has filters of one of several teachers; pass {name of teacher: objective}")
    return [(teachers[0] if name is None else name, module) for name, module in filters]


def _with_filters(
    objective: nn.Module | Mapping[str, nn.Module], teacher: str | None
) -> list[tuple[str | None, nn.Module]]:
    if isinstance(objective, SeveralTeachers):
        return [pair for name, one in objective.objectives.items() for pair in _with_filters(one, name)]
    if isinstance(objective, Mapping):
        return [pair for name, one in objective.items() for pair in _with_filters(one, name)]
    if not isinstance(objective, nn.Module):
        kind = type(objective).__name__
        raise InputError(f"objective must be an Objective, or a mapping of them by teacher, not {kind}")
    if callable(getattr(objective, "filtered", None)):
        return [(teacher, objective)]
    if isinstance(objective, WeightedSum):
        return [pair for term in objective.terms.values() for pair in _with_filters(term, teacher)]
    hidden = [name for name, part in objective.named_modules() if callable(getattr(part, "filtered", None))]
    if hidden:
        kind = type(objective).__name__
        raise InputError(f"objective hides filters inside a {kind}, at {hidden[0]!r}; pass that part as objective")
    return []


class FilteredPairs:
    """The filtered layers of the sample, gathered batch by batch on the CPU."""

    def __init__(self, objectives: list[tuple[str, nn.Module]]) -> None:
        """Take the objectives whose filters are run, each with the name of its teacher."""
        self._objectives = objectives
        self._parts: dict[FilterKey, list[FilteredPair]] = {}

    def add(self, batch: Batch) -> None:
        """Run the filters on a batch."""
        for teacher, objective in self._objectives:
            for filtered in objective.filtered(batch.with_teacher(teacher)):  # type: ignore[operator]
                sides = (filtered.teacher, filtered.student, filtered.sigma)
                counted = None if filtered.counted is None else filtered.counted.cpu()
                teachers, students, sigma = (t.detach().cpu() for t in sides)
                ours = FilteredPair(filtered.pair, teachers, students, sigma, counted)
                key = (teacher, filtered.pair.teacher_layer, filtered.pair.student_layer)
                self._parts.setdefault(key, []).append(ours)

    def take(self) -> dict[FilterKey, FilteredPair]:
        """Return every pair for the whole sample."""
        whole = {}
        for key, parts in self._parts.items():
            teacher, student = (
                torch.cat(tensors) for tensors in ([p.teacher for p in parts], [p.student for p in parts])
            )
            whole[key] = FilteredPair(parts[0].pair, teacher, student, parts[0].sigma, _counted(parts))
        self._parts.clear()
        return whole


def _counted(parts: list[FilteredPair]) -> torch.Tensor | None:
    """Return which places of all samples count; None where all do."""
    if all(part.counted is None for part in parts):
        return None
    every = [torch.ones_like(part.teacher[:, 0], dtype=torch.bool) for part in parts]
    return torch.cat(
        [all_of if part.counted is None else part.counted for part, all_of in zip(parts, every, strict=True)]
    )
