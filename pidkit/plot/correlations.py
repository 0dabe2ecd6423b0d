"""How a student's answers to one class go with those to another, less what they do in its teacher (SFKD, Fig. 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from pidkit.arguments import mapping_of
from pidkit.array_likes import plain_array
from pidkit.errors import InputError
from pidkit.plot.style import check_names, label_slant
from pidkit.types import FloatArray

MOST_WRITTEN = 12
"""Classes whose differences are written into the cells."""

MOST_NAMED = 20
"""Classes whose names stand along an axis."""


def correlation_difference(
    teacher: ArrayLike, students: Mapping[str, ArrayLike], *, names: Sequence[str] | None = None
) -> Axes:
    """Draw corr(student) - corr(teacher) of the logits, class by class, one panel a student, in one colour scale.

    The correlation of two classes is that of their logits over samples, which no shift and no scale of a logit
    changes. Orange is a pair of classes that goes together more in the student than in the teacher, violet less, white
    alike. Up to 12 classes the numbers stand in the cells, by which a print in grey can be read; of more, it shows only
    how large a difference is. The mean of the absolute differences of different classes stands above.

    Parameters
    ----------
    teacher : array, shape (n, n_classes)
        Logits, on test data.
    students : dict of str to array, shape (n, n_classes)
        Logits on the same samples, by name.
    names : sequence of str, optional
        Of the classes, written where there are at most 20.

    Returns
    -------
    Axes
        The first panel.

    Raises
    ------
    InputError
        If there is no student, logits do not fit or are not finite, or a class has the same logit in all samples.

    Source: Tian et al., ICLR 2020, Fig. 4; "Efficient knowledge distillation via salient feature masking", Fig. 5.

    Examples
    --------
    >>> logits = np.random.default_rng(0).normal(size=(50, 3))
    >>> ax = correlation_difference(logits, {"KD": logits, "alone": logits[::-1] ** 3})
    >>> ax.get_title()
    'KD\\nmean |difference| 0.000'
    """
    theirs = _correlations(teacher, "teacher", None)
    shape = np.shape(plain_array(teacher, "teacher"))
    found = {
        str(name): _correlations(logits, f"students[{name!r}]", shape) - theirs
        for name, logits in mapping_of("students", students).items()
    }
    if not found:
        raise InputError("students must hold the logits of at least one; it is empty")
    n = len(theirs)
    classes = check_names(names, n, "names")
    most = max(max(float(np.abs(one).max()) for one in found.values()), 1e-3)
    side = 3.4 if n <= MOST_WRITTEN else 3.0
    figure = Figure(figsize=(side * len(found) + 1.4, side + 0.9), layout="constrained")
    panels = figure.subplots(1, len(found), sharey=True, squeeze=False)[0]
    for ax, (name, difference) in zip(panels, found.items(), strict=True):
        image = ax.imshow(difference, cmap="PuOr_r", vmin=-most, vmax=most)
        if n <= MOST_WRITTEN:
            for (i, j), value in np.ndenumerate(difference):
                ink = "white" if abs(value) > 0.6 * most else "black"
                ax.text(j, i, f"{value:+z.1f}" if i != j else "", ha="center", va="center", color=ink, fontsize=6.5)
        apart = float(np.abs(difference[~np.eye(n, dtype=bool)]).mean())
        ax.set(title=f"{name}\nmean |difference| {apart:.3f}", xlabel="class")
        ax.title.set_fontsize("medium")
        if n <= MOST_NAMED:
            slant = label_slant(classes, most_letters=2 * n)
            ax.set_xticks(range(n), classes, fontsize="small", **slant)
            ax.set_yticks(range(n), classes, fontsize="small")
    panels[0].set_ylabel("class")
    figure.colorbar(image, ax=list(panels), label="correlation in student - in teacher")
    first: Axes = panels[0]
    return first


def _correlations(logits: ArrayLike, name: str, shape: tuple[int, ...] | None) -> FloatArray:
    """Return the correlations of the logits of classes over samples, (n_classes, n_classes)."""
    array = np.asarray(plain_array(logits, name), dtype=np.float64)
    if array.ndim != 2 or len(array) < 2 or array.shape[1] < 2 or not np.isfinite(array).all():
        raise InputError(f"{name} must be finite logits (n, n_classes), two samples and classes at least")
    if shape is not None and array.shape != shape:
        raise InputError(f"{name} must have the teacher's shape {shape}, not {array.shape}")
    if constant := np.flatnonzero(np.ptp(array, axis=0) == 0.0).tolist():
        raise InputError(f"{name} has the same logit in all samples for classes {constant}; it correlates with nothing")
    found: FloatArray = np.atleast_2d(np.corrcoef(array.T))
    return found
