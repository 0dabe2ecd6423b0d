"""One holder of a lock file at a time: in this process, in another, and after another was killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pidkit import InputError
from pidkit.arrays.locks import held_alone, state_of, try_lock

HOLDER = """
import sys, time
from pathlib import Path
from pidkit.arrays.locks import held_alone
with held_alone(Path(sys.argv[1]), "the run"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_another_process_is_named_and_a_killed_one_holds_nothing(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    command = [sys.executable, "-c", HOLDER, str(lock)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(InputError, match=rf"the run is held by process {holder.pid} on .*; wait until it ends, or"),
            held_alone(lock, "the run"),
        ):
            pass
        os.kill(holder.pid, signal.SIGKILL)
    assert lock.exists()
    with held_alone(lock, "the run"):
        assert lock.read_text().startswith(f"process {os.getpid()} on ")
    assert list(tmp_path.iterdir()) == []


def test_the_lock_goes_with_the_block_also_after_an_error(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), held_alone(tmp_path / "lock", "the run"):
            _ = 1 / 0
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_without_locks_is_no_hindrance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno
    import fcntl

    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with held_alone(tmp_path / "lock", "the run"), held_alone(tmp_path / "lock", "the run"):
        assert (tmp_path / "lock").exists()


def test_a_held_file_cannot_be_locked_again(tmp_path: Path) -> None:
    with (tmp_path / "x").open("wb") as first, (tmp_path / "x").open("rb") as second:
        assert try_lock(first.fileno()) is True
        assert try_lock(second.fileno()) is False


def test_a_file_that_was_replaced_is_told_apart(tmp_path: Path) -> None:
    file = tmp_path / "x"
    assert state_of(file) is None
    file.write_text("a")
    before = state_of(file)
    assert state_of(file) == before
    (tmp_path / "y").write_text("b")
    (tmp_path / "y").replace(file)
    assert state_of(file) != before


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, mode: str) -> None:
        raise PermissionError(path)

    monkeypatch.setattr(Path, "open", refuse)
    with (
        pytest.raises(InputError, match=r"path must be writable, but .* is not; copy the run to where you can"),
        held_alone(tmp_path / "lock", "the run"),
    ):
        pass
