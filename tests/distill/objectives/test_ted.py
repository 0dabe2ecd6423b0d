"""TED: both stages by hand, what each freezes, and what is refused."""

import copy
import math

import pytest
import torch
from torch.nn import functional

from pidkit import InputError
from pidkit.distill import TED, Batch, LayerPair, Outputs, Phase

PAIR = LayerPair("t", "s", (3, 2, 2), (2, 2, 2))
LABELS = torch.tensor([0, 1, 2, 0, 1, 2])


def random_batch(seed: int = 0) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.zeros(6, 3)
    student = torch.randn(6, 2, 2, 2, generator=generator).requires_grad_(True)
    teacher = torch.randn(6, 3, 2, 2, generator=generator)
    return Batch(Outputs(logits, {"s": student}), {"teacher": Outputs(logits, {"t": teacher})})


def constant(module: torch.nn.Module, value: list[float]) -> None:
    """Let the last linear or convolution of a module put out a constant, whatever it reads."""
    last = [part for part in module.modules() if hasattr(part, "weight")][-1]
    with torch.no_grad():
        last.weight.zero_()
        last.bias.copy_(torch.as_tensor(value))


def test_warm_up_by_hand() -> None:
    # Constant heads: logits (0, 0, 0) for the teacher, log 3 a sample; (log 2, 0, 0) for the student, whose
    # probabilities are (1/2, 1/4, 1/4): (log 2 + 2 log 4) / 3 = 5/3 log 2 over the balanced labels.
    objective = TED([PAIR], n_classes=3)
    constant(objective.teacher_heads[0], [0.0, 0.0, 0.0])
    constant(objective.student_heads[0], [math.log(2.0), 0.0, 0.0])
    loss = objective(random_batch(), LABELS, Phase.WARM_UP)
    assert float(loss.detach()) == pytest.approx(math.log(3.0) + 5 / 3 * math.log(2.0), abs=1e-6)


def test_student_stage_by_hand() -> None:
    # f_t = (1, 2) and f_s = (0, 4) at every place: the mean of 1 and 4; two pairs add up.
    for n_pairs in (1, 2):
        objective = TED([PAIR] * n_pairs, n_classes=3)
        for theirs, ours in zip(objective.teacher_filters, objective.student_filters, strict=True):
            constant(theirs, [1.0, 2.0])
            constant(ours, [0.0, 4.0])
        assert float(objective(random_batch(), LABELS, Phase.STUDENT).detach()) == pytest.approx(2.5 * n_pairs)


def test_the_value_is_that_of_the_parts_put_together() -> None:
    torch.manual_seed(0)
    objective, batch = TED([PAIR], n_classes=3, pool=False).eval(), random_batch()
    theirs = objective.teacher_filters[0](batch.teacher.layer("t").flatten(2))
    ours = objective.student_filters[0](batch.student.layer("s").flatten(2))
    entropies = [
        functional.cross_entropy(head[0].linear(filtered.flatten(1)), LABELS)
        for head, filtered in ((objective.teacher_heads, theirs), (objective.student_heads, ours))
    ]
    assert torch.allclose(objective(batch, LABELS, Phase.WARM_UP), torch.stack(entropies).sum())
    assert torch.allclose(objective(batch, LABELS, Phase.STUDENT), (theirs - ours).square().mean())


def test_student_stage_freezes_the_teachers_filter_and_its_statistics_and_leaves_the_heads_unused() -> None:
    objective = TED([PAIR], n_classes=3)
    objective(random_batch(), LABELS, Phase.WARM_UP).backward()
    objective.zero_grad()
    before = copy.deepcopy(objective.teacher_filters.state_dict())
    batch = random_batch(1)
    objective(batch, LABELS, Phase.STUDENT).backward()
    assert all(parameter.grad is None for parameter in objective.groups()["teacher_filters"])
    assert all(parameter.grad is None for parameter in objective.student_heads.parameters())
    assert all(parameter.grad is not None for parameter in objective.student_filters.parameters())
    assert all(torch.equal(old, objective.teacher_filters.state_dict()[key]) for key, old in before.items())
    assert objective.teacher_filters[0].training
    assert int(objective.student_filters[0].layers[1].num_batches_tracked) == 2
    assert float(batch.student.layer("s").grad.abs().sum()) > 0.0


def test_warm_up_fits_filters_and_heads_and_leaves_the_student_alone() -> None:
    objective, batch = TED([PAIR], n_classes=3), random_batch()
    objective(batch, LABELS, Phase.WARM_UP).backward()
    assert all(parameter.grad is not None for parameter in objective.parameters())
    assert batch.student.layer("s").grad is None


def test_it_has_no_part_in_the_teacher_filter_phase() -> None:
    assert float(TED([PAIR], n_classes=3)(random_batch(), LABELS, Phase.TEACHER_FILTER)) == 0.0


def test_the_teachers_filter_maps_to_the_students_channels() -> None:
    objective = TED([LayerPair("t", "s", (8,), (5,))], n_classes=3)
    assert objective.teacher_filters[0].layers[-1].weight.shape == (5, 8, 1)
    assert objective.student_filters[0].layers[-1].weight.shape == (5, 5, 1)


@pytest.mark.parametrize(
    ("pairs", "n_classes", "message"),
    [
        ([], 3, r"pairs must be LayerPairs, at least one"),
        ([LayerPair("t", "s", (4, 8, 8), (2, 4, 4))], 3, r"'t' of shape \(4, 8, 8\) .* cannot be compared place by"),
        ([PAIR], 1, r"n_classes must be a whole number >= 2, not 1"),
    ],
)
def test_what_is_refused(pairs: list[LayerPair], n_classes: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        TED(pairs, n_classes=n_classes)


def test_the_printed_sum_is_channels_times_places_as_much_in_the_students_phase() -> None:
    pair = LayerPair("t", "s", (4, 1, 3), (2, 1, 3))
    generator = torch.Generator().manual_seed(0)
    theirs, ours = torch.randn(5, 4, 1, 3, generator=generator), torch.randn(5, 2, 1, 3, generator=generator)
    logits, labels = torch.zeros(5, 3), torch.arange(5) % 3
    batch = Batch(Outputs(logits, {"s": ours}), {"teacher": Outputs(logits, {"t": theirs})})
    mean, total = (TED([pair], n_classes=3, reduction=reduction).eval() for reduction in ("mean", "sum"))
    total.load_state_dict(mean.state_dict())
    for phase, factor in ((Phase.STUDENT, 2 * 3), (Phase.WARM_UP, 1)):
        torch.testing.assert_close(total(batch, labels, phase), factor * mean(batch, labels, phase))
