"""`PlaneTrajectory`: the points of an information plane over training, in memory and on disk."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pidkit.arguments import items_of, real_number
from pidkit.arrays import load_array, save_arrays, write_atomic
from pidkit.arrays.checksums import damaged, digest_of
from pidkit.errors import InputError
from pidkit.records.plane_point import ERRORS, NUMBERS, WORDS, PlanePoint
from pidkit.records.schema import restored
from pidkit.results import Row, UnitResult, cell
from pidkit.types import AnyArray, FloatArray
from pidkit.units import check_unit, convert

COLUMNS = ("step", *NUMBERS, "saturated", *WORDS, "warnings")
"""The arrays of a file beside its header, one entry a point."""

TRAJECTORY_FORMAT = "pidkit plane trajectory 3"
"""The first entry of a file of a trajectory."""

BEFORE_INTERVALS = "pidkit plane trajectory 2"
"""A format that is still read: its points have no intervals. Others are refused."""


@dataclass(frozen=True)
class PlaneTrajectory(UnitResult):
    """What an information plane has recorded so far; immutable, and free of torch.

    Attributes
    ----------
    points : tuple of PlanePoint
        In the order in which they were measured.
    unit : str
        "bits" or "nats".
    entropy_y : float
        H(Y) of the sample labels, in `unit`: no I(F;Y) exceeds it.
    n_samples : int
        How many samples were measured: plug-in information is at most log n_samples.
    provenance : dict
        Layers, estimators, seeds, a fingerprint of the sample, and versions.

    Examples
    --------
    >>> points = [PlanePoint("student", step, "fc", "mi_label", "decoder", 0.1 * step) for step in (0, 1, 2)]
    >>> run = PlaneTrajectory(tuple(points), "bits", entropy_y=1.0, n_samples=100, provenance={})
    >>> steps, values, _ = run.curve(network="student", layer="fc", quantity="mi_label", estimator="decoder")
    >>> steps, values
    (array([0., 1., 2.]), array([0. , 0.1, 0.2]))
    """

    _information = ("points", "entropy_y")

    points: tuple[PlanePoint, ...]
    unit: str
    entropy_y: float
    n_samples: int
    provenance: Mapping[str, Any]

    def __post_init__(self) -> None:
        """Check the unit."""
        check_unit(self.unit)

    @property
    def networks(self) -> tuple[str, ...]:
        """The networks, in order of appearance."""
        return tuple(dict.fromkeys(point.network for point in self.points))

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers, in order of appearance."""
        return tuple(dict.fromkeys(point.layer for point in self.points))

    @property
    def estimators(self) -> tuple[str, ...]:
        """The estimators, in order of appearance."""
        return tuple(dict.fromkeys(point.estimator for point in self.points))

    @property
    def steps(self) -> tuple[float, ...]:
        """The steps, in increasing order."""
        return tuple(sorted({point.step for point in self.points}))

    @property
    def log_n(self) -> float:
        """The logarithm of the number of samples, in `unit`: where plug-in information saturates."""
        return convert(math.log(self.n_samples), old="nats", new=self.unit)

    def select(
        self,
        *,
        network: str | None = None,
        step: float | None = None,
        layer: str | None = None,
        quantity: str | None = None,
        estimator: str | None = None,
    ) -> PlaneTrajectory:
        """Return the trajectory of the points that have all the properties named, perhaps none."""
        step = None if step is None else real_number("step", step)
        properties = {"network": network, "step": step, "layer": layer, "quantity": quantity, "estimator": estimator}
        named = {name: value for name, value in properties.items() if value is not None}
        matching = (p for p in self.points if all(getattr(p, name) == value for name, value in named.items()))
        return replace(self, points=tuple(matching))

    def curve(
        self, *, network: str, layer: str, quantity: str, estimator: str
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return steps, values and standard errors (NaN where there is none) of one quantity, in order of steps.

        Raises
        ------
        InputError
            If nothing of that kind was recorded.
        """
        points = self.select(network=network, layer=layer, quantity=quantity, estimator=estimator).points
        if not points:
            there = f"there are networks {self.networks}, layers {self.layers} and estimators {self.estimators}"
            named = f"network {network!r}, layer {layer!r}, quantity {quantity!r} and estimator {estimator!r}"
            raise InputError(f"no point has {named}; {there}")
        ordered = sorted(points, key=lambda point: point.step)
        return (
            np.array([point.step for point in ordered], dtype=np.float64),
            np.array([point.value for point in ordered], dtype=np.float64),
            np.array([np.nan if point.stderr is None else point.stderr for point in ordered], dtype=np.float64),
        )

    def extended(self, points: Iterable[PlanePoint]) -> PlaneTrajectory:
        """Return the trajectory with more points.

        Raises
        ------
        InputError
            If a point is there already: a step is recorded once.
        """
        known = {point.key for point in self.points}
        added = items_of("points", points)
        for point in added:
            if point.key in known:
                raise InputError(
                    f"points holds {point.quantity} of {point.layer!r} of {point.network!r} at step {point.step:g} "
                    f"by {point.estimator!r} twice; a step is recorded once"
                )
            known.add(point.key)
        return replace(self, points=(*self.points, *added))

    def joined(self, *others: PlaneTrajectory) -> PlaneTrajectory:
        """Return one trajectory of several networks that were tracked apart on the same sample.

        Raises
        ------
        InputError
            If the samples differ, or a network occurs twice with the same points.
        """
        together = self
        for other in others:
            there = other.to(self.unit)
            if there.n_samples != self.n_samples or not math.isclose(there.entropy_y, self.entropy_y, abs_tol=1e-9):
                raise InputError(
                    f"others must be tracked on the same sample: n = {self.n_samples} and {there.n_samples}, "
                    f"H(Y) = {self.entropy_y:.4f} and {there.entropy_y:.4f} {self.unit}"
                )
            together = together.extended(there.points)
        return replace(together, provenance={"joined": [dict(run.provenance) for run in (self, *others)]})

    def to_dict(self) -> dict[str, Any]:
        """Return the format and every field as plain numbers, strings, lists and dictionaries, ready for JSON."""
        return {"format": TRAJECTORY_FORMAT, **super().to_dict()}

    def _rows(self) -> Sequence[Row]:
        """Return one row a curve: network, layer, quantity, estimator, and the last value of it."""
        last = {
            (p.network, p.layer, p.quantity, p.estimator): p for p in sorted(self.points, key=lambda point: point.step)
        }
        headings = ("network", "layer", "quantity", "estimator")
        return [
            {**dict(zip(headings, curve, strict=True)), "step": f"{p.step:g}", self.unit: cell(p.value)}
            for curve, p in last.items()
        ]

    def _caption(self) -> str:
        """Return the line above the table of a notebook."""
        h_y = f"H(Y) = {self.entropy_y:.4f} {self.unit}"
        return f"PlaneTrajectory: {len(self.points)} points, {len(self.steps)} steps, n = {self.n_samples}, {h_y}"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the trajectory to a .npz file, and the same beside it as .json for other readers; each atomically.

        The .npz file is whole in itself and written first: it alone is loaded.

        Raises
        ------
        InputError
            If `path` does not end in .npz, or its folder does not exist.
        """
        file = _npz(path)
        columns: dict[str, AnyArray] = {"step": np.array([p.step for p in self.points], dtype=np.float64)}
        for name in NUMBERS:
            column = [getattr(point, name) for point in self.points]
            columns[name] = np.array([np.nan if value is None else value for value in column], dtype=np.float64)
        columns["saturated"] = np.array([point.saturated for point in self.points], dtype=np.bool_)
        for name in WORDS:
            columns[name] = np.array([getattr(point, name) for point in self.points], dtype=np.str_)
        columns["warnings"] = np.array([json.dumps(point.warnings) for point in self.points], dtype=np.str_)
        rest = {key: value for key, value in self.to_dict().items() if key != "points"}
        rest["digest"] = digest_of([rest, columns])
        save_arrays(file, header=np.array(json.dumps(rest)), **columns)
        write_atomic(file.with_suffix(".json"), json.dumps(self.to_dict(), indent=1))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> PlaneTrajectory:
        """Load a trajectory from the .npz file that `save` wrote; needs no torch.

        Raises
        ------
        InputError
            If the file is missing, damaged, changed since it was written, or holds something else.
        """
        file = _npz(path)
        try:
            header = json.loads(str(load_array(file, key="header")))
        except (InputError, json.JSONDecodeError) as error:
            raise InputError(f"path must name a trajectory that save wrote: {error}") from error
        label = header.get("format") if isinstance(header, dict) else None
        if label not in (TRAJECTORY_FORMAT, BEFORE_INTERVALS):
            raise InputError(f"path must name a {TRAJECTORY_FORMAT!r} file, but {file} says {label!r}")
        try:
            since = ERRORS if label == BEFORE_INTERVALS else ()
            columns = {name: np.array(load_array(file, key=name)) for name in COLUMNS if name not in since}
            if header.pop("digest", None) != digest_of([header, columns]):
                raise InputError("its digest is that of other content")
            del header["format"]
            return restored(cls, {**header, "points": _rows_of(columns)}, since={PlanePoint: since})
        except (InputError, ValueError, TypeError) as error:
            raise InputError(damaged(file, str(error))) from error

    def __repr__(self) -> str:
        """Show what was recorded on a few lines."""
        steps = f"{len(self.steps)} steps" + (f" ({self.steps[0]:g} to {self.steps[-1]:g})" if self.steps else "")
        return "\n".join(
            [
                f"PlaneTrajectory: {len(self.points)} points, {steps}, n = {self.n_samples}",
                f"  networks    {', '.join(self.networks)}",
                f"  layers      {', '.join(self.layers)}",
                f"  estimators  {', '.join(self.estimators)}",
                f"  H(Y) = {self.entropy_y:.4f}, log n = {self.log_n:.4f} {self.unit}; "
                f"saturated: {sum(point.saturated for point in self.points)}",
            ]
        )


def _rows_of(columns: Mapping[str, AnyArray]) -> list[dict[str, Any]]:
    """Return the points as dictionaries, None where a number is not known."""
    points = []
    for row in zip(*(column.tolist() for column in columns.values()), strict=True):
        point = dict(zip(columns, row, strict=True))
        point.update({name: None for name in NUMBERS[1:] if name in point and math.isnan(point[name])})
        point["warnings"] = json.loads(point["warnings"])
        points.append(point)
    return points


def _npz(path: str | os.PathLike[str]) -> Path:
    """Return `path` if it names a .npz file, else raise InputError."""
    file = Path(path)
    if file.suffix.lower() != ".npz":
        raise InputError(f"path must end in .npz, not {file.name!r}; the .json file is written beside it")
    return file
