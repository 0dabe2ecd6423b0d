"""The calibration test: the redundancy that posteriors claim for their codes, against the labels of their rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pidkit.errors import InputError
from pidkit.pid.broja import solve_broja
from pidkit.representations.coded_model import MODEL_TOL, CodedModel
from pidkit.types import FloatArray, IntArray


@dataclass(frozen=True)
class CalibrationCheck:
    """The redundancy of codes by the word of the posteriors, and by the labels; in nats.

    Attributes
    ----------
    model : float
        Red of P(y, code), the mean posterior of the rows of each code.
    counted : float
        Red of the frequencies of labels and codes. Its plug-in bias is that of tables of n_classes x n_codes cells.
    difference : float
        What the labels say less what the posteriors say, to first order around the model, which leaves plug-in bias
        out: the mean over rows of a score that would have mean zero if the posteriors were right.
    standard_error : float
        Of `difference`.
    """

    model: float
    counted: float
    difference: float
    standard_error: float

    @property
    def z(self) -> float:
        """The difference in standard errors."""
        if self.standard_error > 0.0:
            return self.difference / self.standard_error
        return 0.0 if self.difference == 0.0 else float(np.copysign(np.inf, self.difference))


def calibration_test(model: CodedModel, labels: IntArray) -> CalibrationCheck:
    """Compare the redundancy that posteriors claim for their codes with the one that labels bear out.

    Red = I(Y;C_1) + I(Y;C_2) - U is the mean of f(y, t, s) = log p(y|t) + log p(y|s) - log p(y) - lam(y,t) - mu(y,s),
    each information being a maximum over predictors: to first order only the distribution of rows changes it. The
    difference is the mean of f(label, codes) less its mean over classes by the posteriors, row by row. An interval
    for the decoded atoms holds only where the two agree; where posteriors are too sure, the model claims too much.

    Parameters
    ----------
    model : CodedModel
        Of posteriors from decoders that have not seen the labels of their rows.
    labels : ndarray of int, shape (n,)
        Ranks 0, 1, ....

    Raises
    ------
    InputError
        If there is not one label a row, or a label is no class of the posteriors.

    Examples
    --------
    >>> from pidkit.representations.coded_model import coded_model
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(4000) % 2
    >>> shown = np.where(rng.random(4000) < 0.8, labels, 1 - labels)  # right in 80 %
    >>> verdicts = []
    >>> for sure in (0.8, 0.99):
    ...     q = np.where(np.eye(2)[shown] > 0, sure, 1 - sure)
    ...     check = calibration_test(coded_model(q, q, shown, shown, np.array([0.5, 0.5])), labels)
    ...     verdicts.append(bool(abs(check.z) < 3))
    >>> verdicts
    [True, False]
    """
    n, n_classes = model.posteriors_1.shape
    if labels.shape != (n,) or labels.min() < 0 or labels.max() >= n_classes:
        raise InputError(f"labels must hold one of {n_classes} classes for each of {n} rows, as ranks 0, 1, ...")
    counted = solve_broja(
        *(_counts(labels, codes, n_classes) / n for codes in (model.codes_1, model.codes_2)),
        tol=MODEL_TOL,
        unit="nats",
        check=False,
        progress=False,
    )
    solution = model.solution
    first = np.log(model.centroids_1) - solution.lam.T  # (codes, C)
    second = np.log(model.centroids_2) - solution.mu.T
    excess = _excess(first, model.codes_1, model.posteriors_1, labels)
    excess += _excess(second, model.codes_2, model.posteriors_2, labels)
    log_p = np.log(model.p_y)
    excess -= log_p[labels] - float(model.p_y @ log_p)
    return CalibrationCheck(
        model=float(solution.redundancy),
        counted=float(counted.redundancy),
        difference=float(excess.mean()),
        standard_error=float(excess.std(ddof=1) / np.sqrt(n)),
    )


def _excess(score: FloatArray, codes: IntArray, posteriors: FloatArray, labels: IntArray) -> FloatArray:
    """Return the score of every row's label less the mean that its posterior expects."""
    rows = score[codes]
    return np.asarray(rows[np.arange(labels.size), labels] - (posteriors * rows).sum(1))


def _counts(labels: IntArray, codes: IntArray, n_classes: int) -> FloatArray:
    """Return the counts [y, code]."""
    n_codes = int(codes.max()) + 1
    cells = np.bincount(labels * n_codes + codes, minlength=n_classes * n_codes)
    return cells.reshape(n_classes, n_codes).astype(np.float64)
