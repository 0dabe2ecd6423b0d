"""The studies beside the tables of the small CIFAR example: their runs, and both as a reader would see them."""

import functools
import json
import sys
from pathlib import Path

import pytest
import torch

from tests.examples.test_rid_cifar import EXAMPLES, write_python

sys.path.insert(0, str(EXAMPLES))
from rid import runs, side_studies, small_images, students

sys.path.remove(str(EXAMPLES))


def test_every_run_differs_in_one_study_by_its_own_settings_alone() -> None:
    landscape = side_studies.landscape_runs([100, 101], 1.0)
    assert len(landscape) == 2 * 16
    run = landscape[1, 2, 3]
    assert (run.seed, dict(run.changed)) == (101, {"local_weight": 0.75, "feature_weight": 3.0})
    kept = side_studies.kept_runs([100], {"SFKD+KD": 1.0, "SFKD+FitNet": 100.0})
    assert [run.changed for run in kept["SFKD+FitNet", 0.2]] == [(("kept_logits", 0.2),)]
    every = [*landscape.values(), *(run for several in kept.values() for run in several)]
    assert len({run.name for run in every}) == len(every)
    assert runs.Run("trained", "KD", 1.0, 0).name == "trained_KD_1_0"


@pytest.mark.slow
def test_both_studies_are_made_and_go_on_where_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_python(tmp_path, 10)
    monkeypatch.setattr(side_studies, "LOCAL", (0.0, 0.75))
    monkeypatch.setattr(side_studies, "FEATURE", (0.0, 1.0))
    monkeypatch.setattr(side_studies, "KEPT", (0.5, 1.0))
    sizes = {"n_teacher": 50, "n_student": 50, "n_validation": 50, "n_test": 20, "teacher_width": 4, "student_width": 2}
    settings = small_images.SmallSettings(
        **sizes, teacher_epochs=1, teacher_drops=(), student_epochs=1, drops=(), batch_size=20, bank_size=16
    )
    runs.check_settings(tmp_path, settings, choices=students.CHOICES)
    students.train_teacher(students.TeacherRun("trained", 0), settings, tmp_path, tmp_path)
    study = functools.partial(students.train_student, data_dir=tmp_path)
    make = functools.partial(
        side_studies.study_apart, settings, tmp_path, study, seeds=[100, 101], jobs=1, name="small", data_dir=tmp_path
    )
    make()
    found = (tmp_path / "side_studies.json").read_text()
    results = json.loads(found)
    assert torch.tensor(results["MIMKD"]["validation"]).shape == (2, 2, 2)
    assert [(row["method"], row["kept"], len(row["validation"])) for row in results["SFKD"]] == [
        (method, share, 2) for method in ("SFKD+KD", "SFKD+FitNet") for share in (0.5, 1.0)
    ]
    assert all({"kept", "mi_input", "mi_label"} == {*row} for row in results["kept"])
    assert {path.name for path in tmp_path.glob("*.png")} == {"small_landscape.png", "small_kept.png"}
    first = tmp_path / "runs" / "trained_MIMKD_1_100_local_weight=0.0_feature_weight=0.0.json"
    stamp = first.stat().st_mtime_ns
    make()
    assert first.stat().st_mtime_ns == stamp
    assert (tmp_path / "side_studies.json").read_text() == found
