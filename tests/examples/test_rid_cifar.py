"""The CIFAR example: its data readers and networks by themselves, and the whole as a reader would run it."""

import itertools
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

EXAMPLES = Path(__file__).parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))
import rid_cifar  # noqa: E402
from rid import cifar, cifar_data, cifar_images, networks  # noqa: E402

sys.path.remove(str(EXAMPLES))

N = 24  # images in every file


def records(n_classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return pixels and labels of one file: one shade a class, so that there is something to learn."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(N) % n_classes)
    shade = 255 * labels[:, None] / n_classes
    return np.clip(shade + rng.normal(0, 10, (N, 3072)), 0, 255).astype(np.uint8), labels


def write_binary(folder: Path, n_classes: int) -> Path:
    names = (
        [f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"]
        if n_classes == 10
        else ["train.bin", "test.bin"]
    )
    place = folder / ("cifar-10-batches-bin" if n_classes == 10 else "cifar-100-binary")
    place.mkdir(parents=True)
    for seed, name in enumerate(names):
        pixels, labels = records(n_classes, seed)
        front = labels[:, None] if n_classes == 10 else np.column_stack([labels // 5, labels])
        np.hstack([front.astype(np.uint8), pixels]).tofile(place / name)
    return place


def write_python(folder: Path, n_classes: int, protocol: int = 4) -> Path:
    names = [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"] if n_classes == 10 else ["train", "test"]
    place = folder / ("cifar-10-batches-py" if n_classes == 10 else "cifar-100-python")
    place.mkdir(parents=True)
    key = b"labels" if n_classes == 10 else b"fine_labels"
    for seed, name in enumerate(names):
        pixels, labels = records(n_classes, seed)
        content = {b"data": pixels, key: labels.tolist(), b"filenames": [b"a.png"] * N, b"batch_label": b"one"}
        (place / name).write_bytes(pickle.dumps(content, protocol=protocol))
    return place


@pytest.mark.parametrize("n_classes", [10, 100])
def test_both_layouts_are_read_alike(tmp_path: Path, n_classes: int) -> None:
    write_binary(tmp_path / "b", n_classes)
    inner = write_python(tmp_path / "p", n_classes)
    for ours, theirs, itself in zip(
        cifar_data.read_cifar(tmp_path / "b", n_classes),
        cifar_data.read_cifar(tmp_path / "p", n_classes),
        cifar_data.read_cifar(inner, n_classes),
        strict=True,
    ):
        np.testing.assert_array_equal(ours.images, theirs.images)
        np.testing.assert_array_equal(ours.labels, theirs.labels)
        np.testing.assert_array_equal(theirs.images, itself.images)
    assert ours.images.shape == (N, 3, 32, 32)
    pixels, labels = records(n_classes, 5 if n_classes == 10 else 1)
    np.testing.assert_array_equal(ours.labels, labels)
    np.testing.assert_array_equal(ours.images[3, 2], pixels[3, 2048:].reshape(32, 32))


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(cifar_data.DataError, match=r"holds no CIFAR-10; .*cifar-10-batches-bin/\{data_batch_1\.bin"):
        cifar_data.read_cifar(tmp_path, 10)
    (write_python(tmp_path, 10) / "data_batch_4").unlink()
    with pytest.raises(cifar_data.DataError, match=r"lacks data_batch_4; unpack the whole archive again"):
        cifar_data.read_cifar(tmp_path, 10)


class Evil:
    def __reduce__(self) -> Any:
        return os.system, ("echo evil",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (Evil(), r"the pickle asks for (posix|nt)\.system; .* not loaded"),
        ({b"data": Evil()}, r"the pickle asks for"),
        ([1], r"must hold a dictionary with data and labels"),
        ({b"data": np.zeros((2, 5), np.uint8), b"labels": [0, 1]}, r"must hold data as uint8 rows of 3072 pixels"),
        ({b"data": np.zeros((2, 3072), np.uint8), b"labels": [0, "1"]}, r"must hold labels as a list of whole"),
        ({b"data": np.zeros((2, 3072), np.uint8), b"labels": [0]}, r"holds 2 images and 1 labels"),
        ({b"data": np.zeros((2, 3072), np.uint8), b"labels": [0, 10]}, r"labels that are none of the 10 classes"),
    ],
)
def test_pickles_that_are_no_cifar_are_refused(tmp_path: Path, content: Any, message: str) -> None:
    (write_python(tmp_path, 10) / "data_batch_2").write_bytes(pickle.dumps(content))
    with pytest.raises(cifar_data.DataError, match=message):
        cifar_data.read_cifar(tmp_path, 10)


def test_pickles_of_python_2_as_the_official_ones_are(tmp_path: Path) -> None:
    pixels, labels = records(10, 0)
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01K\x18M\x00\x0c\x86"
        b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
        b"T" + pixels.nbytes.to_bytes(4, "little") + pixels.tobytes() + b"tb"
    )
    plain = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    (write_python(tmp_path, 10) / "data_batch_1").write_bytes(
        b"\x80\x02}(U\x04data" + array + b"U\x06labels" + plain + b"u."
    )
    train, _ = cifar_data.read_cifar(tmp_path, 10)
    np.testing.assert_array_equal(train.images[:N].reshape(N, -1), pixels)
    np.testing.assert_array_equal(train.labels[:N], labels)


def test_broken_files_are_refused(tmp_path: Path) -> None:
    (write_python(tmp_path / "p", 10) / "data_batch_2").write_bytes(b"no pickle")
    with pytest.raises(cifar_data.DataError, match=r"data_batch_2 cannot be read as a pickle"):
        cifar_data.read_cifar(tmp_path / "p", 10)
    (write_binary(tmp_path / "b", 10) / "test_batch.bin").write_bytes(bytes(100))
    with pytest.raises(cifar_data.DataError, match=r"test_batch.bin is not made of records of 3073 bytes"):
        cifar_data.read_cifar(tmp_path / "b", 10)


@pytest.mark.parametrize(
    ("depth", "width", "n_classes", "count"),
    # Zagoruyko and Komodakis print 2.2 M, .18 M, 36.5 M and 11.0 M.
    [(40, 2, 10, 2_243_546), (16, 1, 10, 175_066), (28, 10, 100, 36_536_884), (16, 8, 100, 11_007_540)],
)
def test_networks_have_as_many_parameters_as_published(depth: int, width: int, n_classes: int, count: int) -> None:
    with torch.device("meta"):
        model = networks.WideResNet(depth, width, n_classes)
    assert networks.n_parameters(model) == count
    # By hand: 3x3 convolutions, two normalisations a block, a 1x1 shortcut where the width changes.
    n, widths = (depth - 4) // 6, (16, 16 * width, 32 * width, 64 * width)
    by_hand = 3 * 16 * 9 + 2 * widths[3] + widths[3] * n_classes + n_classes
    for before, after in itertools.pairwise(widths):
        by_hand += 9 * before * after + (2 * n - 1) * 9 * after**2 + 2 * before + (2 * n - 1) * 2 * after
        by_hand += before * after if before != after else 0
    assert count == by_hand


def test_depths_that_make_no_network_are_refused() -> None:
    with pytest.raises(ValueError, match=r"depth must be 6 n \+ 4, such as 16, 28 or 40; not 18"):
        networks.WideResNet(18, 1, 10)


def test_crops_and_flips_are_windows_of_the_padded_image() -> None:
    images = torch.rand(40, 3, 32, 32)
    out = cifar_images.cropped_and_flipped(images, torch.Generator().manual_seed(0))
    padded = torch.nn.functional.pad(images, (4,) * 4)
    seen = set()
    for whole, found in zip(padded, out, strict=True):
        places = [
            (top, left, flipped)
            for top in range(9)
            for left in range(9)
            for flipped in (False, True)
            if torch.equal(whole[:, top : top + 32, left : left + 32].flip(2 if flipped else ()), found)
        ]
        assert len(places) == 1
        seen.update(places)
    assert {flipped for *_, flipped in seen} == {False, True}
    assert len({top for top, *_ in seen}) > 4
    assert len({left for _, left, _ in seen}) > 4


def test_images_are_normalised_by_the_moments_of_their_channels() -> None:
    raw = torch.randint(256, (50, 3, 32, 32), dtype=torch.uint8)
    mean, std = cifar_images.channel_moments(raw)
    torch.testing.assert_close(mean, raw.float().mean((0, 2, 3)) / 255.0)
    torch.testing.assert_close(std, raw.double().std((0, 2, 3), correction=0).float() / 255.0)
    found = cifar_images.normalised(raw, mean, std)
    torch.testing.assert_close(found.mean((0, 2, 3)), torch.zeros(3), atol=1e-4, rtol=0.0)
    torch.testing.assert_close(found.std((0, 2, 3)), torch.ones(3), atol=1e-4, rtol=0.0)


TINY = {
    "n_train": 96,
    "n_validation": 24,
    "n_test": 24,
    "teacher": [10, 1],
    "student": [10, 1],
    "teacher_epochs": 1,
    "epochs": 3,
    "warm_up": 1,
    "cycle": 2,
    "teacher_share": 0.5,
    "drops": [2],
    "teacher_drops": [1],
    "batch_size": 32,
    "teachers": ["trained"],
    "methods": ["BAS", "TED", "RID"],
    "n_seeds": 1,
    "probe_every": 2,
    "probe_pca": 2,
    "probe_codes": 2,
}


ARGUMENTS = ["--device", "cpu", *(f"--set={name}={json.dumps(value)}" for name, value in TINY.items())]


@pytest.mark.slow
def test_the_example_fills_its_table_and_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_python(tmp_path, 10)
    command = [
        sys.executable,
        "-W",
        "error",
        str(EXAMPLES / "rid_cifar.py"),
        "--data-dir",
        ".",
        "--out",
        "out",
        *ARGUMENTS,
    ]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr[-2000:]
    out = tmp_path / "out"
    results = json.loads((out / "results.json").read_text())
    names = [(row["teacher"], row["method"], row["n_runs"]) for row in results["rows"]["chosen"]]
    assert names == [("none", "BAS", 1), ("trained", "TED", 1), ("trained", "RID", 1)]
    assert all(0.0 <= student["test"] <= 1.0 and not student["diverged"] for student in results["students"])
    assert results["students"][2]["atoms"]["epoch"] == 3.0
    assert "| trained | RID | 10 |" in (out / "table.md").read_text()
    history = json.loads((out / "training" / "trained_RID_10_0" / "history.json").read_text())
    assert [epoch["phase"] for epoch in history["epochs"]] == ["warm-up", "teacher-filter", "student"]
    rates = [epoch["learning_rates"]["student"] for epoch in history["epochs"]]
    assert rates == pytest.approx([0.05, 0.05, 0.01])

    # What is finished is read, what is lost is found in the last checkpoint, and both make the same table.
    before = (out / "table.md").read_text()
    stamp = (out / "runs" / "trained_RID_10_0.json").stat().st_mtime_ns
    (out / "runs" / "trained_TED_10_0.json").unlink()
    monkeypatch.setattr(sys, "argv", ["rid_cifar.py", "--data-dir", str(tmp_path), "--out", str(out), *ARGUMENTS])
    rid_cifar.main()
    assert (out / "table.md").read_text() == before
    assert (out / "runs" / "trained_RID_10_0.json").stat().st_mtime_ns == stamp


def test_more_images_than_there_are_cannot_be_asked_for(tmp_path: Path) -> None:
    write_python(tmp_path, 10)
    with pytest.raises(cifar_data.DataError, match=r"n_train \+ n_validation = 50000 of 120 images; --set fewer"):
        cifar.load_images(tmp_path, cifar.CIFAR10, "cpu")


def test_settings_are_those_that_the_paper_prints() -> None:
    ten, hundred = cifar.CIFAR10, cifar.CIFAR100
    assert (ten.teacher, ten.student, hundred.teacher, hundred.student) == ((40, 2), (16, 1), (28, 10), (16, 8))
    assert (ten.warm_up, ten.cycle, ten.teacher_share, ten.epochs) == (30, 30, 0.25, 300)
    assert (hundred.warm_up, hundred.cycle, hundred.teacher_share, hundred.epochs) == (5, 5, 0.2, 250)
    # .05, .01 from 150 and .002 from 200; .1, times .2 at 60, 120 and 160.
    assert (ten.learning_rate, ten.drops, ten.drop) == (0.05, (150, 200), 0.2)
    assert (hundred.learning_rate, hundred.drops, hundred.drop) == (0.1, (60, 120, 160), 0.2)
    assert (ten.probe_pca, ten.probe_codes, hundred.probe_pca, hundred.probe_codes) == (10, 10, 5, 3)
    assert ten.weights["VID"] == hundred.weights["VID"] == (100.0,)
    assert ten.layers == hundred.layers == ("block2", "block3", "block4")
