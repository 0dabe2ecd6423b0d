"""Rows in a folder: shared by processes, bounded, written whole, and damage that is named."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from pidkit import InputError
from pidkit.distill import TeacherCache
from tests.distill.teacher_cache.teachers import Counted, X, answers, together
from tests.distill.toys import network, same


def test_processes_that_come_later_find_the_rows(tmp_path: Path) -> None:
    first = TeacherCache(tmp_path / "cache")
    together_first = together(Counted(network(8)), first)
    before = answers(together_first, X)
    together_first.remove()  # writes
    assert first.n_bytes == sum(file.stat().st_size for file in tmp_path.glob("cache/*/rows-*.npz")) > 0
    second, teacher = TeacherCache(tmp_path / "cache"), Counted(network(8))
    networks = together(teacher, second)
    assert same(answers(networks, X), before)
    assert (second.hits, second.misses) == (len(X), 0)
    teacher.seen()
    assert same(answers(networks, X.flip(0)), [answer.flip(0) for answer in before])
    assert teacher.seen() == 0


def test_two_writers_of_one_folder_keep_each_row_once(tmp_path: Path) -> None:
    caches = [TeacherCache(tmp_path / "cache") for _ in range(2)]
    both = [together(Counted(network(8)), cache) for cache in caches]
    answers(both[0], X[:32])
    answers(both[1], X[16:48])
    for networks in both:
        networks.remove()
    rows = [len(np.load(file)["rows"]) for file in sorted(tmp_path.glob("cache/*/rows-*.npz"))]
    assert sum(rows) == 2 * 48  # of the logits and of one layer
    third = TeacherCache(tmp_path / "cache")
    answers(together(Counted(network(8)), third), X)
    assert (third.hits, third.misses) == (48, 0)


def test_rows_are_written_when_the_cache_goes(tmp_path: Path) -> None:
    cache = TeacherCache(tmp_path / "cache")
    networks = together(Counted(network(8)), cache)
    answers(networks, X)
    assert not [*tmp_path.glob("cache/*/rows-*.npz")]
    networks.cache = None
    del cache
    assert len([*tmp_path.glob("cache/*/rows-*.npz")]) == 2


def test_a_folder_holds_no_more_than_it_may(tmp_path: Path) -> None:
    cache = TeacherCache(tmp_path / "cache", max_bytes=8_000)
    networks = together(Counted(network(8)), cache)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for seed in range(8):
            networks(torch.randn(48, 4, generator=torch.Generator().manual_seed(seed)))
            cache.save()
    assert ["the cache is full" in str(one.message) for one in caught] == [True]  # once
    assert 4_000 < sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file()) <= 8_000


def test_damage_is_named(tmp_path: Path) -> None:
    networks = together(Counted(network(8)), TeacherCache(tmp_path / "cache"))
    networks(X)
    networks.remove()
    file = sorted(tmp_path.glob("cache/*/rows-*.npz"))[0]
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))
    with pytest.raises(InputError, match=f"{file.name} is damaged"):
        together(Counted(network(8)), TeacherCache(tmp_path / "cache"))(X)


def test_rows_of_something_else_are_refused(tmp_path: Path) -> None:
    networks = together(Counted(network(8)), TeacherCache(tmp_path / "cache"))
    networks(X)
    networks.remove()
    one, other = sorted(tmp_path.glob("cache/*/rows-*.npz"))
    one.rename(other.parent / "rows-moved.npz")
    with pytest.raises(InputError, match=r"rows-moved\.npz, whose rows are of something else; move it away"):
        together(Counted(network(8)), TeacherCache(tmp_path / "cache"))(X)
