"""The small setting of the CIFAR example: its images and networks, and the whole as a reader would run it."""

import json
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.examples.test_rid_cifar import EXAMPLES, write_python

sys.path.insert(0, str(EXAMPLES))
import rid_cifar
from rid import cifar_data, digits, methods, networks, program, runs, small_images, students, tables

sys.path.remove(str(EXAMPLES))

IMAGES = {"n_teacher": 50, "n_student": 50, "n_validation": 50, "n_test": 20}


def settings(**changes: object) -> small_images.SmallSettings:
    return small_images.SmallSettings(**{**IMAGES, **changes})


def test_students_have_the_first_of_the_teachers_images_as_many_of_each_class(tmp_path: Path) -> None:
    write_python(tmp_path, 10)
    data = settings(n_student=30).data(tmp_path)
    assert [len(part.labels) for part in (data.teacher, data.train, data.validation, data.test)] == [50, 30, 50, 20]
    for part in (data.teacher, data.train, data.validation):
        assert torch.bincount(part.labels, minlength=10).unique().tolist() == [len(part.labels) // 10]
    assert torch.equal(data.train.images, data.teacher.images[:30])
    torch.testing.assert_close(data.teacher.images.mean((0, 2, 3)), torch.zeros(3), atol=1e-4, rtol=0.0)
    shown = [{image.numpy().tobytes() for image in part.images} for part in (data.teacher, data.validation, data.test)]
    assert not shown[0] & shown[1]
    assert not shown[0] & shown[2]
    again = settings(n_student=30).data(tmp_path)
    assert all(torch.equal(one, other) for one, other in zip(data.test, again.test, strict=True))


def test_a_cast_is_a_share_of_one_of_ten_colours_and_says_nothing_of_the_class(tmp_path: Path) -> None:
    write_python(tmp_path, 10)
    plain, tinted = (settings(cast=cast).data(tmp_path) for cast in (0.0, 0.3))
    assert torch.equal(plain.teacher.labels, tinted.teacher.labels)
    assert torch.equal(plain.teacher.nuisance, tinted.teacher.nuisance)
    assert 5 <= len(tinted.teacher.nuisance.unique()) <= 10
    # One cast moves every pixel of a channel by as much: images of one cast differ from their originals alike.
    for cast in tinted.teacher.nuisance.unique():
        rows = tinted.teacher.nuisance == cast
        for channel in range(3):
            x = plain.teacher.images[rows, channel].flatten().double().numpy()
            y = tinted.teacher.images[rows, channel].flatten().double().numpy()
            slope, intercept = np.polyfit(x, y, 1)
            np.testing.assert_allclose(y, slope * x + intercept, atol=0.02)  # uint8 is rounded


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_teacher": 110}, r"n_teacher \+ n_validation = 160 of 120 images; --set fewer"),
        ({"n_student": 90}, r"n_student = 90 of the teacher's 50 images; --set fewer"),
    ],
)
def test_more_images_than_there_are_cannot_be_asked_for(tmp_path: Path, changes: dict[str, int], message: str) -> None:
    write_python(tmp_path, 10)
    with pytest.raises(cifar_data.DataError, match=message):
        settings(**changes).data(tmp_path)


@pytest.mark.parametrize("pooling", [False, True])
def test_a_corrupted_teacher_answers_as_before_and_shows_other_images(pooling: bool) -> None:
    torch.manual_seed(0)
    network = networks.Conv4(4, pooling=pooling).eval()
    seen: dict[str, torch.Tensor] = {}

    def look(x: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        hooks = [
            network.get_submodule(name).register_forward_hook(
                lambda module, inputs, output, name=name: seen.__setitem__(name, output)
            )
            for name in ("maps2", "maps3", "maps4")
        ]
        answers = network(x)
        for hook in hooks:
            hook.remove()
        return answers, dict(seen)

    x = torch.randn(6, 3, 32, 32)
    answers, maps = look(x)
    assert [tuple(maps[name].shape[1:]) for name in maps] == [(8, 8, 8), (16, 4, 4), (16, 4, 4)]
    network.corrupt()
    same, others = look(x)
    assert torch.equal(answers, same)
    assert torch.equal(maps["maps3"], others["maps3"])
    for name in ("maps2", "maps4"):
        assert torch.equal(maps[name].roll(1, 0), others[name])


def test_conv_4_has_the_parameters_counted_by_hand() -> None:
    # 3x3 convolutions of 3-16-32-64-64 channels, two numbers a normalised channel, a linear layer.
    by_hand = 9 * (3 * 16 + 16 * 32 + 32 * 64 + 64 * 64) + 2 * (16 + 32 + 64 + 64) + 64 * 10 + 10
    assert (
        networks.n_parameters(networks.Conv4(16)) == networks.n_parameters(networks.Conv4(16, pooling=True)) == by_hand
    )


TINY = {
    **IMAGES,
    "teachers": ["trained", "corrupted"],
    "methods": ["BAS", "AT", "TED", "DecodedKD"],
    "probed_methods": ["RID"],
    "batch_size": 20,
    "teacher_epochs": 1,
    "probe_every": 4,
}


@pytest.mark.slow
def test_the_small_setting_fills_its_table_and_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_python(tmp_path, 10)
    out = tmp_path / "out"
    arguments = [f"--set={name}={json.dumps(value)}" for name, value in TINY.items()]
    place = ["--data-dir", str(tmp_path), "--out", str(out), "--jobs", "1"]
    monkeypatch.setattr(sys, "argv", ["rid_cifar.py", "--quick", *place, *arguments])
    rid_cifar.main()
    results = json.loads((out / "results.json").read_text())
    assert [(row["teacher"], row["method"]) for row in results["rows"]["chosen"]] == [
        ("none", "BAS"),
        *((teacher, method) for teacher in ("trained", "corrupted") for method in ("AT", "TED", "DecodedKD")),
    ]
    # As many epochs of the student whatever the method, each with its accuracy on validation.
    assert {len(student["history"]) for student in results["students"]} == {2}
    # The weight is chosen with a seed that is not reported.
    assert {student["seed"] for student in results["students"]} == {0, 100}
    assert {row["method"] for row in results["rows"]["one weight"]} == {"BAS", "DecodedKD"}
    assert [run["kind"] for run in results["teachers"]] == ["trained"]
    assert {path.name for path in out.glob("*.png")} == {
        f"rid_small_{what}.png" for what in ("accuracy", "atoms", "epochs")
    }

    table = (out / "table.md").read_text()
    kept = (out / "runs" / "trained_AT_1000_100.json").stat().st_mtime_ns
    (out / "runs" / "corrupted_TED_10_100.json").unlink()
    rid_cifar.main()
    assert (out / "table.md").read_text() == table
    assert (out / "runs" / "trained_AT_1000_100.json").stat().st_mtime_ns == kept


def test_every_choice_of_runs_is_a_setting() -> None:
    named = {field.name for one in (small_images.SmallSettings, digits.DigitsSettings) for field in fields(one)}
    assert set(students.CHOICES) <= named


def test_one_teacher_serves_all_seeds_and_is_trained_once() -> None:
    runs = students.teacher_runs(settings(n_seeds=3))
    assert [(run.kind, run.seed) for run in runs] == [("trained", 0), ("untrained", 0), ("nuisance", 0)]
    assert len(students.teacher_runs(settings(n_seeds=3, one_teacher=False))) == 9


def test_runs_are_reported_at_the_chosen_weight_and_at_one_for_all_teachers() -> None:
    chosen = {("trained", "KD"): 10.0, ("nuisance", "KD"): 1.0, ("trained", "RID"): 1.0, ("nuisance", "RID"): 1.0}
    few = settings(
        teachers=("trained", "nuisance"),
        methods=("BAS", "KD", "RID", "UniqueVID"),
        at_one_scale=("KD",),
        n_seeds=2,
        searched_only=("UniqueVID",),
        probed_methods=("BAS", "RID", "UniqueVID"),
    )
    assert program.middle_weights(few) == {("trained", "KD"): 1.0, ("nuisance", "KD"): 1.0}
    found = program.reported_runs(few, chosen)
    assert [run.seed for run in found] == [0] * 6 + [1] * 6
    assert {(run.teacher, run.weight) for run in found if run.method == "KD"} == {
        ("trained", 10.0),
        ("trained", 1.0),
        ("nuisance", 1.0),
    }
    watched = program.probed_runs(few, chosen)
    assert [(run.teacher, run.method, run.weight) for run in watched] == [
        ("trained", "BAS", 0.0),
        ("trained", "RID", 1.0),
        ("nuisance", "BAS", 0.0),
        ("nuisance", "RID", 1.0),
    ]


def test_the_search_is_told_by_weight() -> None:
    scores = {0.1: (0.3, 0.4), 1.0: (0.5, 0.5)}
    found = {
        runs.Run("trained", "KD", weight, seed): {"validation": value, "diverged": False}
        for weight, values in scores.items()
        for seed, value in enumerate(values)
    }
    found[runs.Run("none", "BAS", 0.0, 0)] = {"validation": 0.25, "diverged": False}
    table = tables.search_table(found)
    assert "| trained | KD | 0.1: 35.0; 1: 50.0 |" in table
    assert "| none | BAS | 25.0 |" in table


def test_a_shuffled_sample_keeps_labels_with_their_images() -> None:
    x, y = torch.arange(20.0)[:, None], torch.arange(20)
    sample = methods.Sample(x, y, held_out=(x[:10], y[:10]))
    again = sample.shuffled(3)
    assert not torch.equal(again.labels, y)
    assert torch.equal(again.inputs[:, 0].long(), again.labels)
    assert torch.equal(again.held_out[0][:, 0].long(), again.held_out[1])
    assert sorted(again.labels.tolist()) == y.tolist()
