"""Where a run begins: an empty trajectory with its provenance, or the one in a file made with these settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pidkit.errors import InputError
from pidkit.plane.trajectory import PlaneTrajectory
from pidkit.units import from_nats

RECORDED_PACKAGES = ("pidkit", "numpy", "scipy", "scikit-learn", "torch")


def start_trajectory(
    path: Path | None,
    *,
    resume: bool,
    settings: Mapping[str, Any],
    unit: str,
    entropy_y: float,
    n_probe: int,
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
        H(Y) of the probe, in nats.
    n_probe : int

    Raises
    ------
    InputError
        If `resume` has no path, or `path` exists and is not to be resumed, or holds a run with other settings.
    """
    if path is None and resume:
        raise InputError("resume=True needs a path: the .npz file of the run to continue")
    now: dict[str, Any] = json.loads(json.dumps(settings))
    provenance = {"settings": now, "versions": {package: version(package) for package in RECORDED_PACKAGES}}
    fresh = PlaneTrajectory((), unit, from_nats(entropy_y, unit), n_probe, provenance)
    if path is None:
        return fresh
    if not path.exists():
        fresh.save(path)
        return fresh
    if not resume:
        raise InputError(f"path {path} exists already; pass resume=True to continue it, or another path")
    found = PlaneTrajectory.load(path)
    before = found.provenance.get("settings", {})
    for name in now:
        if before.get(name) != now[name]:
            raise InputError(
                f"path {path} holds a run with other settings: {name} was {before.get(name)!r} and is {now[name]!r}; "
                "resume with the same ones, or pass another path"
            )
    return found
