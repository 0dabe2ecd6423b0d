"""Which teachers are refused, and what of a teacher is in its key."""

import pytest
import torch

from pidkit import InputError
from pidkit.distill import TeacherCache
from tests.distill.teacher_cache.teachers import Counted, OfSize, X, answers, together
from tests.distill.toys import network


@pytest.mark.parametrize("kind", ["train", "gradients"])
def test_teachers_that_learn_are_refused(kind: str) -> None:
    networks = together(Counted(network(8)), TeacherCache())
    model = networks.teachers["teacher"].model
    if kind == "train":
        model.train()
        message = "teacher 'teacher' has 'model' in train mode; call eval"
    else:
        next(model.parameters()).requires_grad_()
        message = r"has 'model\.inner\.0\.weight' requiring gradients"
    with pytest.raises(InputError, match=message):
        networks(X)


@pytest.mark.parametrize("hidden", [False, True])
def test_weights_that_change_are_noticed(hidden: bool) -> None:
    teacher = Counted(network(8))
    networks = together(teacher, TeacherCache())
    networks(X)
    weight = teacher.inner[0].weight
    with torch.no_grad():
        if hidden:
            weight.data[0, 0] += 1e-6  # torch does not count what goes through .data
        else:
            weight.copy_(weight.flip(0))  # the sum of its bits stays
    with pytest.raises(InputError, match="weights of teacher 'teacher' have changed since the first batch; tap it"):
        networks(X)


def test_the_same_written_over_is_no_change() -> None:
    """As DistributedDataParallel writes the first process's buffers over those of the others."""
    cache = TeacherCache()
    networks = together(Counted(network(8)), cache)
    networks(X)
    for buffer in networks.teachers.buffers():
        buffer.copy_(buffer.clone())
    networks(X)
    assert cache.hits == len(X)


def test_the_code_of_a_teacher_is_in_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = TeacherCache()
    answers(together(OfSize(), cache), X)
    monkeypatch.setattr(OfSize, "forward", lambda self, x: self.inner(x) + 1.0)
    changed = together(OfSize(), cache)
    assert torch.equal(answers(changed, X)[0], network(8).eval()(X) + 1.0)
    assert cache.hits == 0
