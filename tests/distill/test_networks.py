"""Taps on a student and its teachers: which layers, who stays frozen, what is left as found, and compiled code."""

import copy
import pickle
from typing import Any, cast

import pytest
import torch
from torch import nn

from pidkit import InputError
from pidkit.distill import CrossEntropy, Distillation, FeatureCovariance, Phase, WeightedSum, tap
from tests.distill.toys import network, same, weights

X = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))


class Blocks(nn.Module):
    """Two blocks under names that globs can tell."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.block1, self.block2 = nn.Linear(4, width), nn.Linear(width, width)
        self.head = nn.Linear(width, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.block2(torch.relu(self.block1(x))))


def test_names_pairs_and_globs() -> None:
    networks = tap(teacher=Blocks(8), student=Blocks(5), layers=["block*", ("block2", "head")], example=X)
    found = [(p.teacher_layer, p.student_layer, p.teacher_shape, p.student_shape) for p in networks.pairs]
    assert found == [
        ("block1", "block1", (8,), (5,)),
        ("block2", "block2", (8,), (5,)),
        ("block2", "head", (8,), (3,)),
    ]
    assert networks.pairs == networks.pairs_of("teacher")
    one = tap(teacher=Blocks(8), student=Blocks(5), layers="head", example=X)
    assert [pair.teacher_layer for pair in one.pairs] == ["head"]


def test_unknown_layers_name_near_matches() -> None:
    with pytest.raises(InputError, match=r"layers holds 'blok1', .* did you mean 'block1'"):
        tap(teacher=Blocks(8), student=Blocks(5), layers=["blok1"], example=X)


def test_globs_must_fit_as_many_layers() -> None:
    with pytest.raises(InputError, match=r"'block\*' and 'head' fit 2 layers of the teacher and 1 of the student"):
        tap(teacher=Blocks(8), student=Blocks(5), layers=[("block*", "head")], example=X)


def test_other_bad_arguments() -> None:
    model = Blocks(3)
    with pytest.raises(
        InputError, match=r"teacher 'teacher' is the student itself, which would be frozen; copy\.deepcopy"
    ):
        tap(teacher=model, student=model, example=X)
    with pytest.raises(InputError, match="teacher is an empty mapping"):
        tap(teacher={}, student=model, example=X)
    with pytest.raises(InputError, match=r"layers must name the teachers \['a'\], not \['b'\]"):
        tap(teacher={"a": Blocks(3)}, student=model, layers={"b": "head"}, example=X)


def test_the_batch_holds_both_and_the_students_layers_are_live() -> None:
    networks = tap(teacher=network(8), student=network(5), layers=["1"], example=X)
    batch = networks(X)
    layer = batch.student.layer("1")
    layer.square().sum().backward()
    assert networks.student[0].weight.grad.abs().sum() > 0
    assert not batch.teacher.layer("1").requires_grad
    assert torch.equal(batch.teacher.logits, networks.teachers["teacher"](X))


def test_without_layers_there_are_logits_alone() -> None:
    batch = tap(teacher=network(8), student=network(5), example=X)(X)
    assert (dict(batch.student.layers), dict(batch.teacher.layers)) == ({}, {})


def test_the_teacher_stays_in_eval_mode_and_gets_no_gradients() -> None:
    teacher = network(8, dropout=0.5).train()
    networks = tap(teacher=teacher, student=network(5), layers=["1"], example=X)
    before = weights(teacher)
    parent = nn.Sequential(networks).train()
    assert parent[0].student.training
    assert not any(module.training for module in teacher.modules())
    loss = Distillation(networks, CrossEntropy())(X, torch.arange(6) % 3)
    loss.backward()
    assert all(p.grad is None and not p.requires_grad for p in teacher.parameters())
    assert same(before, weights(teacher))


@pytest.mark.parametrize("phase", [Phase.WARM_UP, Phase.TEACHER_FILTER])
def test_the_student_rests_outside_its_phase(phase: Phase) -> None:
    networks = tap(teacher=network(8), student=network(5, dropout=0.5), layers=["1"], example=X).train()
    before = weights(networks.student)
    batch = networks(X, phase)
    assert not batch.student.logits.requires_grad
    assert networks.student.training
    assert same(before, weights(networks.student))
    networks(X)
    assert not same(before, weights(networks.student))  # batch normalisation in the student's phase


def test_the_example_pass_leaves_everything_as_found() -> None:
    torch.manual_seed(3)
    student, teacher = network(5, dropout=0.5).train(), network(8, dropout=0.5)
    before, state = weights(student, teacher), torch.get_rng_state()
    tap(teacher=teacher, student=student, layers=["1"], example=X)
    assert same(before, weights(student, teacher))
    assert torch.equal(state, torch.get_rng_state())
    assert all(module.training for module in student.modules())
    assert torch.get_default_dtype() == torch.float32


def test_several_teachers_each_with_its_own_layers() -> None:
    networks = tap(
        teacher={"a": Blocks(8), "b": network(6)},
        student=Blocks(5),
        layers={"a": ["block1", "block2"], "b": [("1", "block1")]},
        example=X,
    )
    batch = networks(X)
    assert list(batch.teachers["a"].layers) == ["block1", "block2"]
    assert batch.with_teacher("b").teacher.layer("1").shape == (6, 6)
    assert [pair.teacher_layer for pair in networks.pairs_of("b")] == ["1"]
    with pytest.raises(InputError, match=r"there are 2 teachers; use pairs_of\(name\)"):
        _ = networks.pairs
    with pytest.raises(InputError, match="no teacher is called 'c'; there are 'a', 'b'"):
        networks.pairs_of("c")


def test_networks_run_by_themselves_as_often_as_one_likes() -> None:
    networks = tap(teacher=network(8), student=network(5), layers=["1"], example=X)
    for _ in range(2):
        networks.student(X)
    assert networks(X).student.layer("1").shape == (6, 5)


def test_a_failed_pass_does_no_harm_to_the_next() -> None:
    networks = tap(teacher=network(8), student=network(5), layers=["1"], example=X)
    handle = networks.student[4].register_forward_pre_hook(lambda module, args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        networks(X)
    handle.remove()
    assert networks(X).student.layer("1").shape == (6, 5)


def test_remove_takes_the_hooks_away_and_the_student_can_be_copied_and_pickled() -> None:
    student, teacher = network(5).eval(), network(8)
    with tap(teacher=teacher, student=student, layers=["1"], example=X) as networks:
        networks(X)
        assert any(module._forward_hooks for module in student.modules())
    assert not any(module._forward_hooks for model in (student, teacher) for module in model.modules())
    for again in (copy.deepcopy(student), pickle.loads(pickle.dumps(student))):
        assert torch.equal(again(X), student(X))


def test_a_copy_of_a_tapped_student_runs_on_its_own() -> None:
    student = network(5).eval()
    networks = tap(teacher=network(8), student=student, layers=["1"], example=X)
    again = copy.deepcopy(student)
    assert torch.equal(again(X), again(X))
    assert networks(X).student.layer("1").shape == (6, 5)


def test_distillation_is_one_forward_pass() -> None:
    networks = tap(teacher=network(8), student=network(5), example=X)
    distillation = Distillation(networks, CrossEntropy()).eval()
    labels = torch.arange(6) % 3
    expected = nn.functional.cross_entropy(networks.student(X), labels)
    assert torch.equal(distillation(X, labels), expected)
    assert float(distillation(X, labels, Phase.WARM_UP)) == 0.0


# torch's own: a compiled frame looks at .grad of a live tensor.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf:UserWarning")
@pytest.mark.parametrize("when", ["after", "before", "in place"])
def test_compiled_students_are_seen(when: str) -> None:
    torch.compiler.reset()
    student = network(5)
    if when == "in place":
        student.compile(backend="eager")
    given: Any = torch.compile(student, backend="eager") if when == "before" else student
    networks = tap(teacher=network(8), student=given, layers=["1"], example=X)
    if when == "after":
        networks.student = cast(nn.Module, torch.compile(student, backend="eager"))
    for _ in range(2):
        assert networks(X).student.layer("1").requires_grad
        networks.student(X)  # listening or not, the compiled code of the other case is not taken
    torch.compiler.reset()


def test_code_compiled_before_the_taps_is_refused_and_a_reset_helps() -> None:
    torch.compiler.reset()
    compiled: Any = torch.compile(network(5), backend="eager")
    compiled(X)
    networks = tap(teacher=network(8), student=compiled, layers=["1"], example=X)
    with pytest.raises(
        InputError, match=r"'1', which did not run .* compiled code ran before .* torch.compiler.reset\(\)"
    ):
        networks(X)
    torch.compiler.reset()
    assert networks(X).student.layer("1").requires_grad
    torch.compiler.reset()


def test_tapped_networks_are_not_copied() -> None:
    with pytest.raises(InputError, match=r"copy\.deepcopy the student, and tap the copy"):
        copy.deepcopy(tap(teacher=nn.Linear(2, 2), student=nn.Linear(2, 2), example=torch.ones(1, 2)))


def test_a_student_may_learn_alone() -> None:
    student = nn.Linear(2, 2)
    networks = tap(student=student, example=torch.ones(1, 2))
    batch = networks(torch.ones(3, 2))
    assert torch.equal(batch.student.logits, student(torch.ones(3, 2)))
    assert not batch.teachers
    with pytest.raises(InputError, match="the batch has none"):
        _ = batch.teacher
    with pytest.raises(InputError, match="without a teacher, name layers of the student alone"):
        tap(student=student, layers=[("0", "0")], example=torch.ones(1, 2))


def test_a_student_alone_can_be_tapped() -> None:
    networks = tap(student=Blocks(5), layers="block*", example=X)
    assert [(pair.teacher_layer, pair.student_layer, pair.student_shape) for pair in networks.pairs] == [
        ("block1", "block1", (5,)),
        ("block2", "block2", (5,)),
    ]
    objective = WeightedSum({"labels": CrossEntropy(), "covariance": FeatureCovariance(networks.pairs)})
    objective(networks(X), torch.arange(6) % 3).backward()
    assert float(networks.student.block2.weight.grad.abs().sum()) > 0.0
    networks.remove()
