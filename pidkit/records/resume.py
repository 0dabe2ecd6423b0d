"""Begin a run or resume it: an empty recording with its provenance, or the one in a file made with equal settings."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

from pidkit.arrays.locks import state_of
from pidkit.errors import InputError
from pidkit.provenance import recorded_versions
from pidkit.records.trajectory import PlaneTrajectory
from pidkit.units import from_nats


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
    return {"settings": json.loads(json.dumps(settings)), "versions": recorded_versions("torch")}


class Recording(Protocol):
    """Anything that is recorded over a run and saved: a `PlaneTrajectory`, or `AtomRecords`."""

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


RecordingType = TypeVar("RecordingType", bound=Recording)


def start_run(
    path: Path | None, *, resume: bool, fresh: RecordingType, load: Callable[[Path], RecordingType]
) -> RecordingType:
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
    recording = load(path)
    check_same_settings(path, recording.provenance.get("settings", {}), fresh.provenance["settings"])
    return recording.to(fresh.unit)


class RunFile:
    """The file of a run that is being recorded, written by one tracker alone.

    Parameters
    ----------
    path : Path or None
        As `start_run` left it; None keeps nothing.
    """

    def __init__(self, path: Path | None) -> None:
        """Note what the file is now."""
        self._path = path
        self._seen = None if path is None else state_of(path)

    def save(self, recording: Recording) -> None:
        """Write the recording.

        Raises
        ------
        InputError
            If another tracker has written to the file: its steps would be lost.
        """
        if self._path is None:
            return
        if (now := state_of(self._path)) is not None and now != self._seen:
            raise InputError(
                f"path {self._path} was written to by another tracker since this one last did; make a new one, with "
                "resume=True, or pass another path"
            )
        try:
            recording.save(self._path)
        finally:
            self._seen = state_of(self._path)


def check_same_settings(path: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raise InputError, naming the first difference, unless the run in `path` was made with the settings of this one.

    Examples
    --------
    >>> check_same_settings(Path("run.npz"), {"sample": {"n": 100}}, {"sample": {"n": 90}})
    Traceback (most recent call last):
    pidkit.errors.InputError: path run.npz holds a run with other settings: sample.n was 100 and is 90; resume with the
    same ones, or pass another path
    """
    different = difference(before, now)
    if different is not None:
        name, was, is_now = different
        raise InputError(
            f"path {path} holds a run with other settings: {name} was {was!r} and is {is_now!r}; resume with the same "
            "ones, or pass another path"
        )


def difference(before: Any, now: Any, name: str = "") -> tuple[str, Any, Any] | None:
    """Return the first difference of two nested mappings, (dotted name, before, now), or None.

    Examples
    --------
    >>> difference({"a": {"b": 1}}, {"a": {"b": 2}})
    ('a.b', 1, 2)
    """
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in (*now, *(key for key in before if key not in now)):
            different = difference(before.get(key), now.get(key), f"{name}.{key}" if name else str(key))
            if different is not None:
                return different
        return None
    return None if before == now else (name, before, now)
