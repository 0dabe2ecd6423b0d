"""Layers read in pieces: against the ordinary way, against the whole products, pieces of any size, no label leaks."""

import warnings
from pathlib import Path

import numpy as np
import pytest

from pidkit import InputError, PidkitWarning, coded_pid, posteriors_of, representation_pid
from pidkit.mi.splits import ThreeWaySplit, three_way_splits
from pidkit.representations import row_pieces
from pidkit.representations import streamed_layers as module
from pidkit.representations.fold_rows import Layer
from pidkit.representations.streamed_layers import StreamedLayer, thinned
from pidkit.representations.wide_layers import label_projection
from tests.memory import traced_memory

MIB = 2**20


def wide(n: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return rows whose label lies in 40 quiet features under a nuisance of 20 loud directions."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % 4)
    x = rng.normal(size=(n, d)) + 5.0 * rng.normal(size=(n, 20)) @ rng.normal(size=(20, d)) / np.sqrt(20)
    x[:, :40] += np.repeat(np.eye(4), 10, axis=1)[labels]
    return x.astype(np.float32), labels


def split_of(labels: np.ndarray) -> ThreeWaySplit:
    return three_way_splits(labels.size, np.random.default_rng(0), folds=5, labels=labels)[0]


def test_the_projection_is_that_of_wide_layers_where_all_rows_are_landmarks() -> None:
    """Columns scaled beforehand, so that the two ways scale them alike: the same scores, whatever the pieces."""
    x, labels = wide(300, 500)
    split = split_of(labels)
    own = x[split.train].astype(np.float64)
    scaled = (x - own.mean(0)) / own.std(0)
    expected = label_projection(scaled, labels, split, name="x")
    streamed = StreamedLayer(scaled, "x", 64 * MIB)
    marks = streamed.landmarks
    streamed.__dict__["landmarks"] = marks._replace(shift=np.zeros(500), scale=np.ones(500))
    found = next(streamed.projections(labels, [split], None))
    for part, rows in zip(found, (split.train, split.stop, split.value), strict=True):
        assert np.abs(part[:, :4] - expected[rows][:, :4]).max() < 1e-4
        assert np.abs(np.abs(part[:, 4:14]) - np.abs(expected[rows][:, 4:14])).max() < 1e-2


def test_a_streamed_layer_tells_what_it_tells_in_memory() -> None:
    """A middling layer that both ways read: within .02 bits, the label being quiet."""
    x, labels = wide(500, 3000)
    other = 1.5 * np.eye(4)[labels] + np.random.default_rng(1).normal(size=(500, 4))
    kept, streamed = (
        representation_pid(labels=labels, x1=x, x2=other, synergy=False, memory=memory, rng=0)
        for memory in ("1 GiB", 11 * MIB)
    )
    assert [one.decoders["x1"].streamed for one in (kept, streamed)] == [False, True]
    assert not streamed.decoders["x2"].streamed
    assert "memory  x1 was read in pieces" in repr(streamed)
    assert "read in pieces" not in repr(kept)
    assert kept.mi_1 > 0.25
    assert streamed.mi_1 == pytest.approx(kept.mi_1, abs=0.02)
    for atom, value in kept.atoms.items():
        if atom != "synergy":
            assert streamed.atoms[atom] == pytest.approx(value, abs=0.02)


def test_pieces_of_any_size_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x, labels = wide(200, 300)
    x = x.astype(np.float16)
    x[:, 7] = 3.0  # a column that never varies
    np.save(tmp_path / "x.npy", x)
    split = split_of(labels)
    (whole,) = StreamedLayer(x, "x", 64 * MIB).projections(labels, [split], None)
    monkeypatch.setattr(row_pieces, "PIECES", 700)
    mapped = StreamedLayer(np.load(tmp_path / "x.npy", mmap_mode="r"), "x", 64 * MIB)
    for one, other in zip(whole, *mapped.projections(labels, [split], None), strict=True):
        assert np.abs(one[:, :4] - other[:, :4]).max() < 1e-3


def test_splits_are_projected_alike_together_and_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    x, labels = wide(200, 300)
    splits = three_way_splits(200, np.random.default_rng(0), folds=3, labels=labels)
    layer = StreamedLayer(x, "x", 64 * MIB)
    together = list(layer.projections(labels, splits, None))
    monkeypatch.setattr(module, "SHARES", 10**6)
    for one, other in zip(together, layer.projections(labels, splits, None), strict=True):
        for part, same in zip(one, other, strict=True):
            np.testing.assert_allclose(part, same, atol=1e-4)


def test_no_label_of_held_out_rows_is_used() -> None:
    x, labels = wide(300, 400)
    split = split_of(labels)
    changed = labels.copy()
    changed[split.value] = (changed[split.value] + 1) % 4
    for one, other in zip(
        *StreamedLayer(x, "x", 64 * MIB).projections(labels, [split], None),
        *StreamedLayer(x, "x", 64 * MIB).projections(changed, [split], None),
        strict=True,
    ):
        assert (one == other).all()


def test_noise_gives_no_information() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(600) % 3
    found = posteriors_of(labels=labels, x=rng.normal(size=(600, 2000)), memory=4 * MIB)
    assert found.report.streamed
    assert abs(found.report.calibrated) < 0.05


def test_of_many_rows_some_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.arange(500) % 2
    split = split_of(labels)
    assert thinned(split, 2, 2**30) is split
    monkeypatch.setattr(module, "TRAINED_ROWS", 50)
    few = thinned(split, 2, 2**30)
    assert (few.train.size, few.stop.size, few.value.size) == (50, split.stop.size, 100)
    assert np.isin(few.train, split.train).all()
    assert (few.value == split.value).all()


def test_many_classes_and_little_memory_leave_fewer_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    split = ThreeWaySplit(np.arange(600_000), np.arange(600_000, 800_000), np.arange(800_000, 1_000_000))
    sizes = [
        [few.train.size, few.stop.size]
        for few in (
            thinned(split, n_classes, memory)
            for n_classes, memory in ((10, 2**30), (1000, 2**30), (10, 2**26), (10_000, 2**26))
        )
    ]
    assert sizes == [[200_000, 50_000], [31_536, 15_768], [28_339, 14_169], [5000, 2500]]
    monkeypatch.setattr(module, "FEWEST_TRAINED", 100)
    assert thinned(split, 10_000, 2**26).train.size == 208


def test_decoders_of_drawn_rows_stand_beside_those_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """x1 is streamed, with fewer rows to learn from, x2 is not, and both are read side by side on the same rows."""
    labels = np.arange(400) % 2
    rng = np.random.default_rng(0)
    x, other = labels[:, None] + rng.normal(size=(400, 60)), labels[:, None] + rng.normal(size=(400, 2))
    monkeypatch.setattr(module, "TRAINED_ROWS", 150)
    monkeypatch.setattr(module, "STOPPING_ROWS", 40)
    with warnings.catch_warnings(action="ignore", category=PidkitWarning):
        found = representation_pid(labels=labels, x1=x, x2=other, memory=100_000)
    assert [found.decoders[name].streamed for name in ("x1", "x2", "both")] == [True, False, True]
    plain = representation_pid(labels=labels, x1=other, x2=other, synergy=False)
    assert found.mi_2 == plain.mi_2
    assert found.mi_1 > 0.6
    assert found.mi_joint > 0.6


@pytest.mark.parametrize("share", [2.0, 3.1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_decoding_takes_no_more_than_the_memory(share: float, dtype: type) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(5, size=3000)
    x: np.ndarray = (rng.normal(size=(3000, 400)) + rng.normal(size=(5, 400))[labels] / 5.0).astype(dtype)
    posteriors_of(labels=labels[:50], x=x[:50])  # what is loaded for it is no copy
    memory = round(share * 8 * x.size)
    with traced_memory() as traced:
        found = posteriors_of(labels=labels, x=x, memory=memory)
    assert traced.peak < memory
    assert found.report.streamed == (share < 3.0)


def test_layers_are_streamed_of_which_three_copies_take_more_than_the_memory() -> None:
    x = np.random.default_rng(0).normal(size=(100, 1000)).astype(np.float16)
    for memory, streamed in ((24 * x.size - 1, True), (24 * x.size, False), (None, False)):
        assert (Layer.read(x, 100, "x", memory).streamed is not None) == streamed
    assert Layer.read(np.zeros_like(x), 100, "x", 1).streamed is None  # constant: there is nothing to read


def test_training_rows_that_are_all_the_same_give_no_direction() -> None:
    x, labels = wide(60, 400)
    split = split_of(labels)
    dead = np.zeros_like(x)
    dead[split.value[0]] = 1.0
    (found,) = StreamedLayer(dead, "x", 64 * MIB).projections(labels, [split], None)
    assert not any(part.any() for part in found)


def test_layers_that_are_not_finite_are_refused_by_name() -> None:
    x, labels = wide(300, 1000)
    x[7, 5] = np.inf
    with pytest.raises(InputError, match=r"^x1 must be finite and below 1e\+140; drop or rescale such rows$"):
        representation_pid(labels=labels, x1=x, x2=x, memory=2 * MIB)


def test_a_table_keeps_what_it_streamed_apart(tmp_path: Path) -> None:
    x, labels = wide(300, 1200)
    np.save(tmp_path / "x.npy", x)
    files = []
    for memory in (2 * MIB + 1, "1 GiB", "2 GiB"):
        with warnings.catch_warnings(action="ignore", category=PidkitWarning):
            found = posteriors_of(labels=labels, x=tmp_path / "x.npy", path=tmp_path / "t", memory=memory)
        files.append(len(list((tmp_path / "t" / "layers").iterdir())))
        assert found.report.streamed == (len(files) == 1)
    assert files == [1, 2, 2]


def test_too_little_memory_says_what_it_costs() -> None:
    x, labels = wide(300, 1200)
    found = posteriors_of(labels=labels, x=x, memory="2 MiB")
    assert found.warnings == (
        "x was read in pieces within 2 MiB, which leaves room for directions that are fitted to 289 rows in place of "
        "300: less may be read; raise memory to 2.16 MiB",
    )
    assert not posteriors_of(labels=labels, x=x, memory="2.2 MiB").warnings


@pytest.mark.parametrize("share", [None, 0.5])
def test_folds_and_shares_of_the_rows_copy_no_map(share: float | None, tmp_path: Path) -> None:
    """A file of 16 MB, 64 MB as float64, within 4 MiB and what grows with rows or features alone."""
    n, d = 2000, 4000
    labels = np.arange(n) % 2
    rows = np.random.default_rng(0).standard_normal((n, d), dtype=np.float32).astype(np.float16)
    rows[:, :200] += 0.3 * labels[:, None].astype(np.float16)
    np.save(tmp_path / "x.npy", rows)
    del rows
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    coded_pid(labels=labels[:40], x1=labels[:40, None], x2=labels[:40, None])  # what is loaded for it is no copy
    with traced_memory() as traced, warnings.catch_warnings(action="ignore", category=PidkitWarning):
        if share is None:
            found = posteriors_of(labels=labels, x=mapped, memory=4 * MIB).report.calibrated
        else:
            result = coded_pid(
                labels=labels, x1=mapped, x2=labels[:, None], fit_fraction=share, memory=4 * MIB, decoder="linear"
            )
            assert result.decoded_1 is not None
            found = result.decoded_1
    assert found > 0.3
    assert traced.peak < 0.9 * mapped.nbytes


@pytest.mark.parametrize("memory", ["plenty", 0, -1, True, "1 XB", 1.5, None])
def test_memory_is_a_size(memory: object) -> None:
    with pytest.raises(InputError, match=r"^memory must be a number of bytes, or text such as '1 GiB'"):
        posteriors_of(labels=[0, 1], x=[[0.0], [1.0]], memory=memory)  # type: ignore[arg-type]
