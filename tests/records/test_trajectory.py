"""The record of a plane: what goes in comes out, in memory, on disk, in either unit, without torch."""

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pidkit import InputError
from pidkit.arrays import load_array, save_arrays
from pidkit.arrays.checksums import digest_of
from pidkit.plane import log_spaced_steps
from pidkit.records import PlanePoint, PlaneTrajectory
from pidkit.records.plane_point import ERRORS
from pidkit.records.trajectory import COLUMNS


def point(
    step: float = 0.0, layer: str = "fc", quantity: str = "mi_label", network: str = "student", **more: Any
) -> PlanePoint:
    return PlanePoint(network, step, layer, quantity, "decoder", **{"value": 0.5 + step, **more})


def run(*points: PlanePoint, **more: Any) -> PlaneTrajectory:
    given: dict[str, Any] = {"unit": "bits", "entropy_y": 2.0, "n_samples": 64, "provenance": {"seed": 0}, **more}
    return PlaneTrajectory(points or (point(), point(1.0)), **given)


FULL = run(
    point(
        3.0, stderr=0.1, null=0.01, null_spread=0.02, cap=2.0, saturated=True, kind="lower_bound", warnings=("a", "ü")
    ),
    point(0.0, quantity="mi_input", cap=6.0),
    point(0.5, layer="blocks.0.conv", network="teacher"),
)


def test_files_from_before_intervals_are_read(tmp_path: Path) -> None:
    FULL.save(tmp_path / "run.npz")
    columns = {name: np.array(load_array(tmp_path / "run.npz", key=name)) for name in COLUMNS if name not in ERRORS}
    header = json.loads(str(load_array(tmp_path / "run.npz", key="header")))
    header["format"] = "pidkit plane trajectory 2"
    del header["digest"]
    header["digest"] = digest_of([header, columns])
    save_arrays(tmp_path / "old.npz", header=np.array(json.dumps(header)), **columns)
    assert PlaneTrajectory.load(tmp_path / "old.npz") == FULL


def test_properties_say_what_was_recorded() -> None:
    assert (FULL.networks, FULL.layers) == (("student", "teacher"), ("fc", "blocks.0.conv"))
    assert (FULL.estimators, FULL.steps, FULL.log_n) == (("decoder",), (0.0, 0.5, 3.0), 6.0)
    assert "3 points, 3 steps (0 to 3), n = 64" in repr(FULL)
    assert "0 points, 0 steps, n = 64" in repr(run().select(network="nobody"))


def test_select_and_curve_pick_points_in_order_of_steps() -> None:
    both = run(point(2.0, stderr=0.1), point(0.0), point(1.0, layer="conv"))
    steps, values, errors = both.curve(network="student", layer="fc", quantity="mi_label", estimator="decoder")
    np.testing.assert_array_equal(steps, [0.0, 2.0])
    np.testing.assert_array_equal(values, [0.5, 2.5])
    np.testing.assert_array_equal(errors, [np.nan, 0.1])
    assert both.select(step=1.0).layers == ("conv",)
    with pytest.raises(InputError, match=r"no point has network 'student', layer 'f', .* networks .*'student'"):
        both.curve(network="student", layer="f", quantity="mi_label", estimator="decoder")


def test_points_are_recorded_once() -> None:
    assert len(run().extended([point(2.0)]).points) == 3
    with pytest.raises(InputError, match="points holds mi_label of 'fc' of 'student' at step 1 by 'decoder' twice"):
        run().extended([point(1.0)])
    with pytest.raises(InputError, match="twice; a step is recorded once"):
        run().extended([point(2.0), point(2.0)])


def test_runs_on_one_sample_are_joined() -> None:
    other = run(point(network="teacher")).to("nats")
    joined = run().joined(other)
    assert joined.networks == ("student", "teacher")
    assert joined.points[-1].value == pytest.approx(0.5)
    assert joined.provenance["joined"][1] == {"seed": 0}
    with pytest.raises(InputError, match=r"others must be tracked on the same sample: n = 64 and 65"):
        run().joined(run(n_samples=65))
    with pytest.raises(InputError, match=r"others must be tracked on the same sample: .* 2.0000 and 1.0000 bits"):
        run().joined(run(entropy_y=1.0))


def test_units_change_every_number_that_has_one() -> None:
    nats = FULL.to("nats")
    assert nats.points[0].stderr == pytest.approx(0.1 * math.log(2.0))
    assert (nats.points[1].stderr, nats.points[0].step) == (None, 3.0)
    assert nats.log_n == pytest.approx(math.log(64.0))
    assert nats.to("bits").points[0].cap == pytest.approx(2.0)
    with pytest.raises(InputError, match="unit must be 'bits' or 'nats'"):
        FULL.to("bans")
    with pytest.raises(InputError, match="unit must be 'bits' or 'nats'"):
        run(unit="bans")


def test_what_is_saved_is_loaded_and_readable_by_others(tmp_path: Path) -> None:
    FULL.save(tmp_path / "run.npz")
    assert PlaneTrajectory.load(tmp_path / "run.npz") == FULL
    assert {path.name for path in tmp_path.iterdir()} == {"run.npz", "run.json"}
    text = (tmp_path / "run.json").read_text()
    document = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert document["points"][0]["warnings"] == ["a", "ü"]
    assert document["points"][1]["stderr"] is None
    assert document["provenance"] == {"seed": 0}
    assert np.load(tmp_path / "run.npz")["value"].tolist() == [3.5, 0.5, 1.0]


def test_an_empty_run_is_saved_too(tmp_path: Path) -> None:
    empty = PlaneTrajectory((), "nats", 1.0, 10, {})
    empty.save(tmp_path / "run.npz")
    assert PlaneTrajectory.load(tmp_path / "run.npz") == empty


def test_a_write_that_fails_leaves_the_last_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run().save(tmp_path / "run.npz")

    def fail(*args: Any, **kwargs: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("numpy.lib.format.write_array", fail)
    with pytest.raises(OSError, match="disk full"):
        FULL.save(tmp_path / "run.npz")
    monkeypatch.undo()
    assert PlaneTrajectory.load(tmp_path / "run.npz") == run()
    assert {path.name for path in tmp_path.iterdir()} == {"run.npz", "run.json"}


def test_what_is_no_trajectory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"path must end in .npz, not 'run.json'"):
        FULL.save(tmp_path / "run.json")
    with pytest.raises(InputError, match=r"path must name a trajectory that save wrote: .* does not exist"):
        PlaneTrajectory.load(tmp_path / "run.npz")
    save_arrays(tmp_path / "other.npz", x=[1.0])
    with pytest.raises(InputError, match=r"path must name a trajectory that save wrote: key must name an array"):
        PlaneTrajectory.load(tmp_path / "other.npz")
    save_arrays(tmp_path / "words.npz", header=np.array("hello"))
    with pytest.raises(InputError, match=r"path must name a trajectory that save wrote"):
        PlaneTrajectory.load(tmp_path / "words.npz")
    save_arrays(tmp_path / "later.npz", header=np.array('{"format": "2"}'))
    with pytest.raises(InputError, match=r"path must name a 'pidkit plane trajectory 3' file, but .* says '2'"):
        PlaneTrajectory.load(tmp_path / "later.npz")


def test_it_loads_without_torch(tmp_path: Path) -> None:
    FULL.save(tmp_path / "run.npz")
    code = (
        "import sys; sys.modules['torch'] = None; import pidkit; "
        f"print(len(pidkit.PlaneTrajectory.load({str(tmp_path / 'run.npz')!r}).points))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "3", done.stderr


def test_log_spaced_steps_are_whole_distinct_and_end_where_asked() -> None:
    steps = log_spaced_steps(1000, n=12)
    assert steps[0] == 0
    assert steps[-1] == 1000
    assert len(steps) == len(set(steps)) <= 13
    ratios = np.diff(np.log(steps[6:]))
    assert np.ptp(ratios) < 0.1
    assert log_spaced_steps(10, n=3, first=5, start=False) == (5, 7, 10)
    assert log_spaced_steps(1, n=5) == (0, 1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: log_spaced_steps(0), "last must be a whole number >= 1, not 0"),
        (lambda: log_spaced_steps(5, first=0), "first must be a whole number >= 1, not 0"),
        (lambda: log_spaced_steps(5, n=1), "n must be a whole number >= 2, not 1"),
        (lambda: log_spaced_steps(10.7, n=3), "last must be a whole number >= 1, not 10.7; pass an int"),  # type: ignore[arg-type]
    ],
)
def test_schedules_that_cannot_be_are_refused(call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()
