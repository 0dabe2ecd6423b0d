"""The digits example: its data, its table, and the whole as a reader would run it."""

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

EXAMPLES = Path(__file__).parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))
import rid_digits  # noqa: E402
from rid import digits, digits_data, options, runs, students, tables  # noqa: E402

sys.path.remove(str(EXAMPLES))

from pidkit.distill import Phases  # noqa: E402

TINY = {
    "n_seeds": 1,
    "teachers": ["nuisance"],
    "methods": ["BAS", "KD", "TED", "RID", "ExactRedundancy"],
    "weights": [0.1],
    "probed_methods": ["RID"],
    "probed_weight": 1.0,
    "n_train": 100,
    "n_validation": 20,
    "teacher_width": 2,
    "student_width": 1,
    "teacher_epochs": 2,
    "teacher_drops": [1],
    "student_epochs": 3,
    "ted_from": 1,
    "drops": [2],
    "warm_up": 1,
    "cycle": 2,
    "teacher_share": 0.5,
    "n_codes": 3,
    "n_pca": 2,
    "probe_pca": 2,
    "probe_codes": 2,
    "n_null": 1,
}


ARGUMENTS = [f"--set={name}={json.dumps(value)}" for name, value in TINY.items()]


def run_here(monkeypatch: pytest.MonkeyPatch, out: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["rid_digits.py", "--out", str(out), "--jobs", "1", *ARGUMENTS])
    rid_digits.main()


def test_the_example_writes_table_and_figures_and_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    run_here(monkeypatch, out)
    assert {path.name for path in out.iterdir()} == {
        "settings.json",
        "runs",
        "atoms",
        "results.json",
        "table.md",
        "rid_digits_accuracy.png",
        "rid_digits_atoms.png",
    }
    results = json.loads((out / "results.json").read_text())
    assert [row["method"] for row in results["rows"]["chosen"]] == TINY["methods"]
    assert [path.name for path in (out / "atoms").iterdir()] == ["nuisance_RID_1_0_probed.json"]

    # What is finished is read, and what is made again comes out the same to the last digit.
    table = (out / "table.md").read_text()
    kept = (out / "runs" / "nuisance_RID_0.1_0.json").stat().st_mtime_ns
    for name in ("nuisance_KD_0.1_0", "nuisance_TED_0.1_0", "teacher_nuisance_0"):
        (out / "runs" / f"{name}.json").unlink()
    (out / "table.md").unlink()
    run_here(monkeypatch, out)
    assert (out / "runs" / "nuisance_RID_0.1_0.json").stat().st_mtime_ns == kept
    assert (out / "table.md").read_text() == table
    assert json.loads((out / "results.json").read_text()) == results


@pytest.mark.slow
def test_results_do_not_depend_on_how_many_processes_make_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = [sys.executable, "-W", "error", str(EXAMPLES / "rid_digits.py"), "--out", "out", "--jobs", "2"]
    run = subprocess.run([*command, *ARGUMENTS], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr[-2000:]
    run_here(monkeypatch, tmp_path / "here")
    assert (tmp_path / "out" / "results.json").read_text() == (tmp_path / "here" / "results.json").read_text()


def test_a_run_with_an_atom_probe_scores_as_one_without(tmp_path: Path) -> None:
    settings = options.replaced(digits.DigitsSettings(), [argument.removeprefix("--set=") for argument in ARGUMENTS])
    runs.check_settings(tmp_path, settings, choices=students.CHOICES)
    students.train_teacher(students.TeacherRun("nuisance", 0), settings, tmp_path)
    plain, probed = (
        students.train_student(runs.Run("nuisance", "VID", 0.1, 0, probed=flag), settings, tmp_path)
        for flag in (False, True)
    )
    assert plain == probed


def test_teachers_whose_answers_are_kept_teach_the_same_bits(tmp_path: Path) -> None:
    settings = options.replaced(digits.DigitsSettings(), [argument.removeprefix("--set=") for argument in ARGUMENTS])
    (tmp_path / "runs").mkdir()
    students.train_teacher(students.TeacherRun("nuisance", 0), settings, tmp_path)
    run = runs.Run("nuisance", "RID", 0.1, 0)
    plain, filling, found = (
        students.train_student(run, replace(settings, cache_bytes=n_bytes), tmp_path) for n_bytes in (0, 10**8, 10**8)
    )
    assert plain == filling == found
    assert len([*(tmp_path / "teacher_cache").glob("*/rows-*.npz")]) >= 4  # the answers and three layers


def test_digits_are_in_one_part_only_and_shown_over_every_background_to_judge_by() -> None:
    data = digits_data.digits_on_backgrounds(n_train=1000, n_student=250, n_validation=297, contrast=0.6, seed=0)
    parts = (data.teacher, data.validation, data.test)
    assert [len(part.labels) for part in parts] == [1000, 2970, 5000]
    assert all(torch.equal(own, theirs[:250]) for own, theirs in zip(data.train, data.teacher, strict=True))
    for part in (data.validation, data.test):
        pairs = torch.bincount(10 * part.labels + part.nuisance, minlength=100).reshape(10, 10)
        assert torch.equal(pairs, pairs[:, :1].expand(10, 10))
    assert len(torch.unique(data.teacher.nuisance)) == 10
    # No image of the training part is in another, whatever is behind it: digits are brighter than .6 somewhere.
    shown = [{image.numpy().tobytes() for image in (part.images * (part.images > 0.6))} for part in parts]
    assert not shown[0] & shown[1]
    assert not shown[0] & shown[2]
    assert not shown[1] & shown[2]


def result(validation: float, test: float, *, diverged: bool = False) -> dict[str, float]:
    return {"validation": validation, "test": test, "diverged": diverged}


def test_the_weight_is_chosen_on_validation_and_gains_are_paired_by_seed() -> None:
    Run = runs.Run
    found = {
        Run("none", "BAS", 0.0, 0): result(0.7, 0.70),
        Run("none", "BAS", 0.0, 1): result(0.7, 0.60),
        Run("good", "KD", 1.0, 0): result(0.8, 0.74),
        Run("good", "KD", 1.0, 1): result(0.8, 0.66),
        # Better on test, and not to be chosen for it.
        Run("good", "KD", 2.0, 0): result(0.7, 0.90),
        Run("good", "KD", 2.0, 1): result(0.8, 0.90),
        # Better on validation, but one run diverged.
        Run("good", "KD", 3.0, 0): result(0.9, 0.95),
        Run("good", "KD", 3.0, 1): result(0.9, 0.95, diverged=True),
        Run("good", "KD", 2.0, 0, probed=True): result(1.0, 1.0),
    }
    chosen = tables.chosen_weights(found)
    assert chosen == {("good", "KD"): 1.0}
    plain, row = tables.chosen_rows(found, chosen, teachers=["good"], methods=["BAS", "KD"])
    assert (plain.teacher, plain.method, plain.n_runs) == ("none", "BAS", 2)
    assert plain.test == pytest.approx(0.65)
    assert plain.test_std == pytest.approx(0.1 / math.sqrt(2))  # of .7 and .6, about .65
    assert (row.weight, row.n_diverged, row.validation) == (1.0, 0, 0.8)
    assert row.test == pytest.approx(0.70)
    # Gains of 4 and 6 points: 5, with a standard error of sqrt(2) / sqrt(2) = 1.
    assert row.gain == pytest.approx(5.0)
    assert row.gain_stderr == pytest.approx(1.0)
    assert tables.markdown_table([plain, row]).splitlines()[2:] == [
        "| none | BAS |  | 70.0 | 65.0 ± 7.1 |  | 2 |",
        "| good | KD | 1 | 80.0 | 70.0 ± 5.7 | +5.0 ± 1.0 | 2 |",
    ]


def test_epochs_are_counted_until_the_student_had_its_share() -> None:
    # w w T s s s T s: four of the student's in eight.
    assert students.epochs_until(Phases(warm_up=2, cycle=4, teacher_share=0.25), 4) == 8
    assert students.epochs_until(Phases(), 5) == 5


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("n_seeds", r"--set n_seeds: give NAME=VALUE, where NAME is one of .*n_seeds"),
        ("n_seed=3", r"--set n_seed=3: give NAME=VALUE"),
        ("n_seeds=many", r"--set n_seeds=many: n_seeds is such as 3"),
    ],
)
def test_settings_that_are_none_are_refused(assignment: str, message: str) -> None:
    with pytest.raises(SystemExit, match=message):
        options.replaced(digits.DigitsSettings(), [assignment])


def test_settings_are_replaced_by_values_of_their_kind() -> None:
    found = options.replaced(digits.DigitsSettings(), ["weights=[1, 2.5]", "sigma=closed-form", "learning_rate=1"])
    assert (found.weights, found.sigma, found.learning_rate) == ((1, 2.5), "closed-form", 1)


def test_a_folder_holds_runs_of_one_kind(tmp_path: Path) -> None:
    settings = digits.DigitsSettings()
    runs.check_settings(tmp_path, settings, choices=students.CHOICES)
    runs.check_settings(tmp_path, options.replaced(settings, ["n_seeds=5"]), choices=students.CHOICES)
    runs.check_settings(tmp_path, options.replaced(settings, ["probed_weight=1.0"]), choices=students.CHOICES)
    with pytest.raises(SystemExit, match="holds other settings than these; give another --out"):
        runs.check_settings(tmp_path, options.replaced(settings, ["batch_size=20"]), choices=students.CHOICES)
