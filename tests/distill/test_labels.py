"""One rule for logits and labels: classes on axis 1, one label a sample or a place, the mean over everything else."""

import math
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from pidkit import InputError
from pidkit.distill import (
    KD,
    RID,
    TED,
    Batch,
    CrossEntropy,
    LayerPair,
    Objective,
    Outputs,
    Phase,
    SalientMask,
    SeveralTeachers,
    WeightedSum,
    evaluate,
    tap,
)
from pidkit.distill.labels import as_logits, check_class_axis, cross_entropy, n_right
from pidkit.nn.seeding import own_random_state

PAIR = LayerPair("t", "s", (4,), (4,))

LOGIT_OBJECTIVES: dict[str, Objective] = {
    "KD": KD(2.0),
    "CrossEntropy": CrossEntropy(),
    "smoothed": CrossEntropy(label_smoothing=0.1),
    "SalientMask": SalientMask(KD(), keep=0.5),
    "zeros": SalientMask(KD(), keep=0.5, fill="zero"),
    "sum": WeightedSum({"labels": CrossEntropy(), "kd": KD()}),
    "several": SeveralTeachers({"teacher": KD()}),
}
every_logit_objective = pytest.mark.parametrize("objective", LOGIT_OBJECTIVES.values(), ids=LOGIT_OBJECTIVES.keys())


class Token(nn.Module):
    """The same classifier at every token."""

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self.classes = nn.Linear(4, n_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classes(x)


class Pixel(Token):
    """The same with the classes on axis 1."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classes(x).movedim(-1, 1)


def loss(objective: Objective, student: torch.Tensor, teacher: torch.Tensor, labels: torch.Tensor) -> float:
    return float(objective(Batch(Outputs(student, {}), {"teacher": Outputs(teacher, {})}), labels))


@every_logit_objective
@pytest.mark.parametrize("places", [(7,), (2, 3)])
def test_the_loss_of_places_is_the_mean_of_the_losses_of_each(objective: Objective, places: tuple[int, ...]) -> None:
    """Each place as a sample of its own is what every objective was before there were places."""
    with own_random_state(0):
        rows = torch.randn(2, 5 * math.prod(places), 11, dtype=torch.float64) * 3
        labels = torch.randint(11, (rows.shape[1],))
    apart = loss(objective, rows[0], rows[1], labels)
    student, teacher = (one.reshape(5, *places, 11).movedim(-1, 1) for one in rows)
    assert loss(objective, student, teacher, labels.reshape(5, *places)) == pytest.approx(apart, rel=1e-12)


@every_logit_objective
def test_tapped_networks_bring_the_classes_of_tokens_to_axis_1(objective: Objective) -> None:
    with own_random_state(0):
        networks = [Token(11), Token(11)]
        x, labels = torch.randn(3, 7, 4), torch.randint(11, (3, 7))
    tapped = tap(teacher=networks[0], student=networks[1], example=x[:1], class_axis=-1)
    found = objective(tapped(x), labels)
    apart = tap(teacher=networks[0], student=networks[1], example=x[:1, 0])
    expected = objective(apart(x.flatten(0, 1)), labels.flatten())
    assert float(found.detach()) == pytest.approx(float(expected.detach()), rel=1e-5)


def test_a_shift_of_a_tokens_logits_is_no_difference() -> None:
    """Softmax over the tokens made 75 of it."""
    z = 5 * torch.randn(4, 7, 11, generator=torch.Generator().manual_seed(0))
    shifted = z + 9 * torch.randn(4, 7, 1, generator=torch.Generator().manual_seed(1))
    student, teacher = (as_logits(one, -1, of="the student") for one in (shifted, z))
    assert loss(KD(), student, teacher, torch.zeros(4, 7)) == pytest.approx(0.0, abs=1e-4)


@pytest.mark.parametrize("name", ["KD", "SalientMask", "zeros", "CrossEntropy", "sum", "several"])
def test_classes_on_an_axis_that_was_not_declared_are_refused(name: str) -> None:
    z, objective = torch.randn(4, 7, 11), LOGIT_OBJECTIVES[name]
    with pytest.raises(
        InputError, match=r"shape \(4, 11\) for logits of shape \(4, 7, 11\), not \(4, 7\); tap\(class_ax"
    ):
        loss(objective, z, z, torch.zeros(4, 7).long())
    with pytest.raises(InputError, match=r"labels must have shape \(4, 11\) .*, not \(4,\); axis 1 holds the classes"):
        loss(objective, z, z, torch.zeros(4).long())


@every_logit_objective
def test_a_single_logit_is_refused_and_its_remedy_is_the_binary_cross_entropy(objective: Objective) -> None:
    z, y = torch.randn(6, 1, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 1, 0, 1, 0])
    with pytest.raises(
        InputError, match=r"shape \(6, 1\), and the softmax of one logit is always 1; give each of the two"
    ):
        loss(objective, z, z, y)
    two = torch.cat([torch.zeros_like(z), z], 1)
    binary = functional.binary_cross_entropy_with_logits(z[:, 0], y.float())
    assert float(cross_entropy(two, y)) == pytest.approx(float(binary), rel=1e-6)
    with pytest.raises(InputError, match="the softmax of one logit is always 1"):
        evaluate(nn.Identity(), (z, y))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (torch.tensor([1, 2, 3]), r"labels must lie in 0..2, they reach 1..3; -100 marks what is left out"),
        (torch.tensor([-1, 0, 1]), r"labels must lie in 0..2, they reach -1..1"),
        (torch.tensor([0.0, 1.0, 2.0]), r"labels must be whole class numbers, not torch.float32; pass labels.long\(\)"),
        (torch.zeros(3, 2).long(), r"labels must have shape \(3,\) for logits of shape \(3, 3\), not \(3, 2\); axis 1"),
    ],
)
def test_labels_that_are_no_classes_of_the_logits_are_refused(labels: torch.Tensor, message: str) -> None:
    with pytest.raises(InputError, match=message):
        cross_entropy(torch.zeros(3, 3), labels)
    rows = {"t": torch.randn(3, 4), "s": torch.randn(3, 4)}
    batch = Batch(Outputs(torch.zeros(3, 3), rows), {"teacher": Outputs(torch.zeros(3, 3), rows)})
    for objective in (RID([PAIR], n_classes=3), TED([PAIR], n_classes=3)):
        with pytest.raises(InputError, match=message):
            objective(batch, labels, Phase.WARM_UP)


def test_places_labelled_minus_100_count_nowhere() -> None:
    z, y = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0)), torch.tensor([[0, 1, -100, 2], [2] * 4])
    kept = y.flatten() != -100
    rows, labels = z.movedim(1, -1).reshape(-1, 3)[kept], y.flatten()[kept]
    assert float(cross_entropy(z, y)) == pytest.approx(float(functional.cross_entropy(rows, labels)), rel=1e-6)
    assert [int(n) for n in n_right(z, y)] == [int((rows.argmax(1) == labels).sum()), 7]
    with pytest.raises(InputError, match="data hold no label but -100"):
        evaluate(nn.Identity(), (z, torch.full((2, 4), -100)))


@pytest.mark.parametrize(("model", "axis"), [(Pixel(3), 1), (Token(3), -1), (Token(3), 3)])
def test_the_accuracy_of_places_is_the_share_of_places(model: nn.Module, axis: int) -> None:
    x = torch.randn(6, 2, 5, 4, generator=torch.Generator().manual_seed(0))
    y = torch.randint(3, (6, 2, 5), generator=torch.Generator().manual_seed(1))
    found = evaluate(model, (x, y), batch_size=4, class_axis=axis)
    classes = next(model.children())
    assert found.accuracy == pytest.approx(float((classes(x).argmax(-1) == y).double().mean()))
    apart = functional.cross_entropy(classes(x).detach().reshape(-1, 3), y.flatten())
    assert found.cross_entropy == pytest.approx(float(apart), rel=1e-5)
    assert found.n_samples == 6


@pytest.mark.parametrize(
    ("output", "what"),
    [({"logits": torch.ones(2, 3)}, "a dict"), ((torch.ones(2, 3),), "a tuple"), (torch.tensor(1.0), "a n")],
)
def test_what_is_no_tensor_of_logits_is_refused_with_the_remedy(output: Any, what: str) -> None:
    with pytest.raises(InputError, match=rf"the student puts out {what}.*; pass logits=, a name such as"):
        as_logits(output, 1, of="the student")


def test_a_class_axis_that_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="class_axis is 0, the axis of the samples; pass 1, or -1 for the last axis"):
        check_class_axis(0)
    with pytest.raises(InputError, match=r"class_axis is 3, but the student puts out shape \(2, 3, 4\); pass 1 or -1"):
        as_logits(torch.ones(2, 3, 4), 3, of="the student")


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int32, torch.int64])
def test_labels_of_any_whole_type_are_the_same_labels(dtype: torch.dtype) -> None:
    """As an unsigned byte -100 is 156, a class like any other."""
    z, y = torch.randn(3, 200, generator=torch.Generator().manual_seed(0)), torch.tensor([156, 0, 7])
    assert torch.equal(cross_entropy(z, y.to(dtype)), functional.cross_entropy(z, y))
    assert [int(n) for n in n_right(z, y.to(dtype))] == [int((z.argmax(1) == y).sum()), 3]
    with pytest.raises(
        InputError, match=r"labels must be whole class numbers, not torch.float64; pass labels.long\(\)"
    ):
        n_right(z, y.double())
