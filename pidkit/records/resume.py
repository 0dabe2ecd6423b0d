"""Where a run begins: an empty trajectory with its provenance, or the one in a file made with these settings."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

from pidkit.errors import InputError
from pidkit.records.trajectory import PlaneTrajectory
from pidkit.units import from_nats

RECORDED_PACKAGES = ("pidkit", "numpy", "scipy", "scikit-learn", "torch")


def start_trajectory(
    path: Path | None,
    *,
    resume: bool,
    settings: Mapping[str, Any],
    unit: str,
    entropy_y: float,
    n_samples: int,
) -> PlaneTrajectory:
    """Return the trajectory to add to: the one in `path` to resume it, else an empty one, written to `path`.

    Parameters
    ----------
    path : Path or None
    resume : bool
    settings : dict
        What must be the same for a run to be continued; kept in the provenance, as JSON returns it.
    unit : str
    entropy_y : float
        H(Y) of the sample, in nats.
    n_samples : int

    Raises
    ------
    InputError
        If `resume` has no path, or `path` exists and is not to be resumed, or holds a run with other settings.
    """
    fresh = PlaneTrajectory((), unit, from_nats(entropy_y, unit), n_samples, provenance_of(settings))
    return start_run(path, resume=resume, fresh=fresh, load=PlaneTrajectory.load)


def provenance_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as JSON returns them, beside the versions of the packages involved."""
    versions = {package: version(package) for package in RECORDED_PACKAGES}
    return {"settings": json.loads(json.dumps(settings)), "versions": versions}


class Run(Protocol):
    """What is recorded over a run and saved: a trajectory, or atom records."""

    @property
    def provenance(self) -> Mapping[str, Any]:
        """The settings under "settings"."""
        ...

    @property
    def unit(self) -> str:
        """The unit of its information."""
        ...

    def to(self, unit: str) -> Self:
        """Return the same run in another unit."""
        ...

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the run to a file."""
        ...


RunType = TypeVar("RunType", bound=Run)


def start_run(path: Path | None, *, resume: bool, fresh: RunType, load: Callable[[Path], RunType]) -> RunType:
    """Return the run to add to: the one in `path` to resume it, else `fresh`, written to `path`.

    A run that was saved in another unit than that of `fresh` is continued in the unit of `fresh`.

    Raises
    ------
    InputError
        As `start_trajectory`.
    """
    if path is None and resume:
        raise InputError("resume=True needs a path: the file of the run to continue")
    if path is None:
        return fresh
    if not path.exists():
        fresh.save(path)
        return fresh
    if not resume:
        raise InputError(f"path {path} exists already; pass resume=True to continue it, or another path")
    found = load(path)
    before, now = found.provenance.get("settings", {}), fresh.provenance["settings"]
    for name in now:
        if before.get(name) != now[name]:
            raise InputError(
                f"path {path} holds a run with other settings: {name} was {before.get(name)!r} and is {now[name]!r}; "
                "resume with the same ones, or pass another path"
            )
    return found.to(fresh.unit)
