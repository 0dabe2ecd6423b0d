"""Exact redundancy as a loss: closed forms, gradients, the moving average by a slow twin, errors."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pidkit import InputError, bivariate_pid
from pidkit.distill import Distillation, LayerPair, Phase, WeightedSum, soft_pair_atoms, tap
from pidkit.distill.certified_loss import FLOOR
from pidkit.distill.codes import LogitCodes, SoftCodes
from pidkit.distill.objectives.redundancy import ExactRedundancy
from pidkit.info import mutual_information
from tests.distill.objectives.informed_logits import batch_of, draw, objective_of, tables

ALONE: dict[str, Any] = {"momentum": None, "tol": 1e-9}


def test_the_loss_is_the_redundancy_of_the_mean_joint_in_nats() -> None:
    labels, teacher, student = draw()
    loss = objective_of(**ALONE)(batch_of(teacher, student), labels)
    p_yt, p_ys = (table.numpy() for table in tables(labels, teacher, student))
    # Any joint with these pair marginals has the same redundancy: teacher and student independent given the label.
    joint = p_yt[:, :, None] * p_ys[:, None, :] / p_yt.sum(1)[:, None, None]
    expected = bivariate_pid(joint, unit="nats").redundancy
    assert loss.dtype == torch.float64
    assert loss.ndim == 0
    assert float(loss) == pytest.approx(-expected, abs=1e-9)


def test_a_student_like_its_teacher_shares_all_it_knows() -> None:
    labels, teacher, _ = draw()
    loss = objective_of(**ALONE)(batch_of(teacher, teacher.clone()), labels)
    assert float(loss) == pytest.approx(-mutual_information(tables(labels, teacher, teacher)[0].numpy()), abs=1e-8)


def test_a_student_that_knows_nothing_shares_nothing() -> None:
    labels, teacher, _ = draw()
    same = torch.tensor([[0.3, -1.0, 2.0, 0.0]], dtype=torch.float64).expand(len(labels), 4)
    assert float(objective_of(**ALONE)(batch_of(teacher, same), labels)) == pytest.approx(0.0, abs=1e-9)


def test_unique_information_is_what_redundancy_leaves_and_has_the_same_gradient() -> None:
    """Uni(Y:T\\S) = I(Y;T) - Red, and I(Y;T) is not the student's."""
    labels, teacher, student = draw()
    found = {}
    for atom in ("redundancy", "unique_teacher"):
        logits = student.clone().requires_grad_()
        loss = objective_of(atom=atom, **ALONE)(batch_of(teacher, logits), labels)
        loss.backward()
        found[atom] = float(loss.detach()), logits.grad
    told = mutual_information(tables(labels, teacher, student)[0].numpy())
    assert found["unique_teacher"][0] == pytest.approx(told + found["redundancy"][0], abs=1e-9)
    torch.testing.assert_close(found["unique_teacher"][1], found["redundancy"][1], atol=1e-9, rtol=0)


@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("atom", ["redundancy", "unique_teacher"])
def test_gradcheck_through_logits(hard: bool, atom: str) -> None:
    labels, teacher, student = draw(n=12)
    objective = objective_of(hard=hard, atom=atom, momentum=None, tol=1e-11)
    student.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: objective(batch_of(teacher, x), labels), (student,), eps=1e-4, atol=1e-5)


def test_the_moving_average_against_a_slow_twin() -> None:
    """Step k: P = sum_j m^j P_{k-j} / sum_j m^j, and the gradient is that at P, of which the batch is the live part."""
    momentum = 0.6
    seen: list[list[Tensor]] = []
    objective = objective_of(momentum=momentum, tol=1e-9)
    for step in range(5):
        labels, teacher, student = draw(n=30, seed=step)
        student.requires_grad_()
        loss = objective(batch_of(teacher, student), labels)
        (gradient,) = torch.autograd.grad(loss, student)

        seen.insert(0, tables(labels, teacher, student))
        weights = [momentum**age for age in range(len(seen))]
        p_yt, p_ys = (
            torch.stack([weight * pair[which].detach() for weight, pair in zip(weights, seen, strict=True)]).sum(0)
            / sum(weights)
            for which in (0, 1)
        )
        p_ys.requires_grad_()
        red, _, _ = soft_pair_atoms(p_yt, p_ys, tol=1e-9, unit="nats")
        assert float(loss.detach()) == pytest.approx(-float(red.detach()), abs=1e-9)
        (slope,) = torch.autograd.grad(-red, p_ys)
        (expected,) = torch.autograd.grad(seen[0][1], student, slope)
        torch.testing.assert_close(gradient, expected, atol=1e-10, rtol=1e-6)
    assert int(objective.n_steps) == 5


def test_the_first_step_of_a_moving_average_is_the_batch_alone() -> None:
    labels, teacher, student = draw()
    first, alone = (objective_of(momentum=m, tol=1e-9)(batch_of(teacher, student), labels) for m in (0.99, None))
    assert float(first) == pytest.approx(float(alone), abs=1e-9)


def test_eval_mode_averages_the_batch_in_and_forgets_it() -> None:
    objective = objective_of(momentum=0.9)
    for seed in range(3):
        labels, teacher, student = draw(seed=seed)
        objective(batch_of(teacher, student), labels)
    before = copy.deepcopy(objective.state_dict())
    labels, teacher, student = draw(seed=9)
    objective.eval()
    judged = float(objective(batch_of(teacher, student), labels))
    assert all(torch.equal(value, before[key]) for key, value in objective.state_dict().items())
    assert float(objective.train()(batch_of(teacher, student), labels)) == judged


def test_a_run_goes_on_from_its_state() -> None:
    first, second = objective_of(momentum=0.9), objective_of(momentum=0.9)
    for seed in range(3):
        labels, teacher, student = draw(seed=seed)
        first(batch_of(teacher, student), labels)
    second.load_state_dict(first.state_dict())
    labels, teacher, student = draw(seed=4)
    assert torch.equal(*(each(batch_of(teacher, student), labels) for each in (first, second)))


def test_every_third_step_counts_three_times() -> None:
    each, third = objective_of(**ALONE), objective_of(every=3, **ALONE)
    for step in range(7):
        labels, teacher, student = draw(seed=step)
        batch = batch_of(teacher, student)
        expected = 3.0 * float(each(batch, labels)) if step % 3 == 0 else 0.0
        loss = third(batch_of(teacher, student.requires_grad_()), labels)
        loss.backward()
        assert float(loss.detach()) == pytest.approx(expected, abs=1e-12)
        assert bool(student.grad.any()) == (step % 3 == 0)
    third.eval()
    judged, expected = (float(one(batch, labels).detach()) for one in (third, each))
    assert judged == pytest.approx(expected, abs=1e-12)
    assert int(third.n_steps) == 7


def test_a_class_and_a_code_that_a_batch_lacks() -> None:
    labels, teacher, student = draw(n=6, n_classes=2)
    teacher[:, 3] = -1e9
    student[:, 0] = -1e9  # code 0 has no mass at all
    student.requires_grad_()
    objective = objective_of(n_classes=5, **ALONE)
    loss = objective(batch_of(teacher, student), labels)
    loss.backward()
    fewer = objective_of(n_classes=2, n_t=3, n_s=3, **ALONE)(batch_of(teacher[:, :3], student[:, 1:]), labels)
    assert float(loss.detach()) == pytest.approx(float(fewer.detach()), abs=1e-9)
    assert student.grad is not None
    assert torch.isfinite(student.grad).all()


def test_traces_of_mass_are_left_out_and_change_next_to_nothing() -> None:
    """Logits of scale 30 give codes of 1e-20, which cost the solver steps."""
    labels, teacher, student = draw(n=128, n_codes=6)
    objective = objective_of(n_t=6, n_s=6, hard=True, momentum=None)
    student = (30.0 * student).requires_grad_()
    loss = objective(batch_of(teacher, student), labels)
    loss.backward()
    p_yt = tables(labels, 1e3 * teacher, student)[0]
    exact = soft_pair_atoms(p_yt, tables(labels, teacher, student.detach())[1], tol=1e-6, unit="nats")[0]
    assert float(loss.detach()) == pytest.approx(-float(exact), abs=1e-5)
    assert student.grad is not None
    assert torch.isfinite(student.grad).all()


def test_a_class_of_long_ago_that_has_faded_to_a_trace_is_left_out() -> None:
    objective = objective_of(momentum=0.1)
    for seed, n_classes in ((0, 3), *((seed, 2) for seed in range(1, 12))):  # .1^11 is below the floor
        labels, teacher, student = draw(seed=seed, n_classes=n_classes)
        loss = objective(batch_of(teacher, student), labels)
    assert 0.0 < float(objective.p_yt[2].sum()) < FLOOR
    assert torch.isfinite(loss)


def test_other_phases_neither_cost_nor_remember_anything() -> None:
    labels, teacher, student = draw()
    objective = objective_of(momentum=0.9)
    for phase in (Phase.WARM_UP, Phase.TEACHER_FILTER):
        assert float(objective(batch_of(teacher, student), labels, phase)) == 0.0
    assert int(objective.n_steps) == 0
    assert float(objective.p_ys.sum()) == 0.0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_low_precision_gives_a_loss_of_single_precision(dtype: torch.dtype) -> None:
    labels, teacher, student = draw(dtype=torch.float32)
    teacher, student = teacher.to(dtype), student.to(dtype).requires_grad_()
    objective = objective_of(**ALONE)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = objective(batch_of(teacher, student), labels)
    loss.backward()
    exact = objective(batch_of(teacher.double(), student.detach().double()), labels)
    assert loss.dtype == torch.float32
    assert float(loss.detach()) == pytest.approx(float(exact), abs=1e-6)
    assert student.grad.dtype == dtype
    assert torch.get_default_dtype() == torch.float32


def test_the_head_on_the_student_is_its_filter() -> None:
    codes = SoftCodes(LayerPair("fc", "fc", (4,), (3,)), 5)
    objective = ExactRedundancy(LogitCodes(4), codes, n_classes=3)
    assert objective.groups() == {"student_filters": list(codes.parameters())}
    assert objective_of().groups() == {}
    assert "momentum=0.9" in repr(objective)
    assert set(objective.state_dict()) >= {"p_yt", "p_ys", "n_steps"}


def test_it_trains_beside_the_labels_and_leaves_the_global_generator_alone() -> None:
    labels, x, _ = draw(n=64, dtype=torch.float32)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        teacher, student = nn.Linear(4, 3), nn.Sequential(nn.Linear(4, 2), nn.Linear(2, 3))
        networks = tap(teacher=teacher, student=student, layers=(), example=x[:2])
    codes = LogitCodes(3, temperature=1.0)
    terms = WeightedSum({"red": ExactRedundancy(copy.deepcopy(codes), codes, n_classes=3)})
    optimiser = torch.optim.Adam(student.parameters(), lr=0.05)
    state = torch.get_rng_state()
    losses = []
    for _ in range(30):
        optimiser.zero_grad()
        loss = Distillation(networks, terms)(x, labels)
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]
    assert torch.equal(torch.get_rng_state(), state)


LABELS, TEACHER, STUDENT = draw(n=5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: objective_of(atom="synergy"), "atom must be 'redundancy' or 'unique_teacher', not 'synergy'"),
        (lambda: objective_of(momentum=1.0), r"momentum must be a number in \[0, 1\)"),
        (lambda: objective_of(tol=0.0), "tol must be a finite number of bits > 0"),
        (lambda: objective_of(every=0), "every must be a whole number >= 1"),
        (lambda: objective_of(n_classes=0), "n_classes must be a whole number >= 1"),
        (lambda: objective_of()(batch_of(TEACHER, STUDENT), LABELS[:4]), "teacher_codes must give one row a label"),
        (lambda: objective_of()(batch_of(TEACHER, STUDENT[:4]), LABELS), "student_codes must give one row a label"),
        (lambda: objective_of()(batch_of(TEACHER, STUDENT), LABELS + 2), r"labels must lie in 0..2, as n_classes says"),
        (lambda: objective_of()(batch_of(TEACHER, STUDENT), LABELS - 3), r"labels must lie in 0..2"),
        (lambda: objective_of()(batch_of(TEACHER, STUDENT), LABELS.double()), "labels must be class numbers"),
        (lambda: objective_of()(batch_of(TEACHER[:0], STUDENT[:0]), LABELS[:0]), "labels must be class numbers"),
        (lambda: objective_of()(batch_of(TEACHER, STUDENT * torch.nan), LABELS), "holds NaN or infinite entries"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_in_one_line(call: Callable[..., Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
