"""The cache of teachers' answers: the same bits as without it, keys by content, and what is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from pidkit import InputError
from pidkit.distill import CrossEntropy, TeacherCache, tap
from pidkit.distill.teacher_cache import proof
from pidkit.errors import PidkitWarning
from tests.distill.teacher_cache.teachers import Counted, OfSize, X, answers, together
from tests.distill.toys import network, same, weights


def convolutions(width: int = 6, *, last: bool = False) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        body = nn.Sequential(nn.Conv2d(2, width, 3), nn.BatchNorm2d(width), nn.ReLU())
        net = nn.Sequential(body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 3))
        for module in net.modules():
            if last and isinstance(module, nn.Conv2d):
                module.weight.data = module.weight.data.to(memory_format=torch.channels_last)
        return net


@pytest.fixture(params=["memory", "folder"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., TeacherCache]:
    return lambda **options: TeacherCache(None if request.param == "memory" else tmp_path / "cache", **options)


def test_known_samples_are_not_computed_again(make: Callable[..., TeacherCache]) -> None:
    teacher, cache = Counted(network(8)), make()
    plain, cached = together(Counted(network(8)), None), together(teacher, cache)
    teacher.seen()
    first = X[:32]
    assert same(answers(cached, first), answers(plain, first))
    assert teacher.seen() == 32 + proof.N_COMPARED  # the batch, and some rows in two small passes
    order = torch.randperm(32, generator=torch.Generator().manual_seed(1))
    assert same(answers(cached, first[order]), answers(plain, first[order]))
    assert teacher.seen() == 0
    assert (cache.hits, cache.misses) == (32, 32)
    mixed = torch.cat([X[20:48], X[44:48]])  # twelve known, sixteen new ones, four of these twice
    assert same(answers(cached, mixed), answers(plain, mixed))
    assert teacher.seen() == 16
    cached.remove()
    plain.remove()


def test_rows_come_back_in_the_order_of_axes_they_had(make: Callable[..., TeacherCache]) -> None:
    x = torch.randn(16, 2, 6, 6).to(memory_format=torch.channels_last)
    networks = [
        tap(teacher=convolutions(last=True), student=convolutions(3), layers="0", example=x[:2], cache=cache)
        for cache in (None, make())
    ]
    for batch in (x, x.flip(0)):
        plain, cached = (one(batch).teacher.layer("0") for one in networks)
        assert torch.equal(plain, cached)
        assert plain.stride() == cached.stride()
        assert plain.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_any_precision(make: Callable[..., TeacherCache], dtype: torch.dtype) -> None:
    teacher, student = (network(8, seed=seed).to(dtype) for seed in (0, 1))
    networks = tap(teacher=teacher, student=student, layers="1", example=X[:2].to(dtype), cache=make())
    first, second = answers(networks, X.to(dtype)), answers(networks, X.to(dtype))
    assert same(first, second)
    assert {answer.dtype for answer in second} == {dtype}


def test_autocast_is_another_computation() -> None:
    cache = TeacherCache()
    networks = together(Counted(network(8)), cache)
    answers(networks, X)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert answers(networks, X)[0].dtype == torch.bfloat16
    assert cache.hits == 0
    assert answers(networks, X)[0].dtype == torch.float32


def test_another_teacher_is_another_key(make: Callable[..., TeacherCache]) -> None:
    cache = make()
    for teacher in (network(8), network(8, seed=7), nn.Sequential(*network(8), nn.Tanh())):
        networks = together(Counted(teacher), cache)
        assert torch.equal(answers(networks, X)[0], teacher.eval()(X))
        networks.remove()
    assert cache.hits == 0


def test_what_is_kept_of_a_layer_is_in_the_key() -> None:
    cache = TeacherCache()
    for at in (0, 1):
        networks = together(Counted(network(8)), cache, reduce={"inner.1": lambda out, at=at: out[:, at : at + 1]})
        whole = together(Counted(network(8)), None)
        assert torch.equal(answers(networks, X)[1], answers(whole, X)[1][:, at : at + 1])
    assert cache.hits == 0


def test_layers_are_found_one_by_one() -> None:
    cache, teacher = TeacherCache(), Counted(network(8))
    answers(together(teacher, cache, layers=[("inner.1", "1"), ("inner.2", "2")]), X)
    networks = together(teacher, cache, layers=[("inner.2", "2")])
    answers(networks, X)
    teacher.seen()
    answers(networks, X.flip(0))
    assert teacher.seen() == 0


def test_other_answers_than_those_kept_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    networks = together(OfSize(), TeacherCache(tmp_path / "cache"))
    networks(X)
    networks.remove()
    # What a teacher calls is no part of its key, but its answers are compared.
    relu = nn.functional.relu
    monkeypatch.setattr(nn.functional, "relu", lambda x, inplace=False: relu(x) + 1e-3)
    with pytest.raises(InputError, match=r"holds other answers of teacher 'teacher' \(\(logits\)\) than it gives now"):
        together(OfSize(), TeacherCache(tmp_path / "cache"))(X)


def test_a_full_cache_computes_the_rest_and_says_so(make: Callable[..., TeacherCache]) -> None:
    row = 4 * (3 + 8)
    cache, teacher = make(max_bytes=20 * row), Counted(network(8))
    plain, cached = together(Counted(network(8)), None), together(teacher, cache)
    with pytest.warns(PidkitWarning, match="the cache is full at 0 bytes; other samples are computed each time: raise"):
        assert same(answers(cached, X[:40]), answers(plain, X[:40]))
    teacher.seen()
    assert same(answers(cached, X[:40]), answers(plain, X[:40]))
    assert teacher.seen() == 24  # twenty are known
    cache.save()
    assert cache.n_bytes <= 20 * row or cache.path is not None


def test_bad_arguments(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(InputError, match="path must name a folder for the cache"):
        TeacherCache(file)
    with pytest.raises(InputError, match="cache must be a TeacherCache, not str; pass TeacherCache"):
        together(Counted(network(8)), "cache")  # type: ignore[arg-type]
    networks = together(Counted(network(8)), TeacherCache(), reduce={"inner.1": lambda out: out.sum(0)})
    with pytest.raises(InputError, match=r"keeps a row for each sample, but 'inner.1' of teacher 'teacher' has shape"):
        networks(X)


def test_it_shows_itself() -> None:
    cache = TeacherCache(max_bytes=2_000_000)
    networks = together(Counted(network(8)), cache)
    networks(X)
    networks(X)
    assert repr(cache) == "TeacherCache(in memory, 0.0 of 2.0 MB, 48 of 96 samples found)"


def test_a_student_without_teachers_needs_none() -> None:
    networks = tap(student=network(5), example=X[:2], cache=TeacherCache())
    CrossEntropy()(networks(X), torch.arange(48) % 3).backward()
    assert weights(networks.student)
