"""What the protocol asks of every objective in `cases.CASES`."""

import copy
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.multiprocessing.spawn import spawn

from pidkit import InputError, distill
from pidkit.distill import (
    DKD,
    Distillation,
    Networks,
    Objective,
    Outputs,
    Phase,
)
from pidkit.distill.objective import GROUPS
from pidkit.nn.seeding import own_random_state
from tests.distill.objectives import two_processes
from tests.distill.objectives.cases import CASES, N_CLASSES, Case, random_batch

every_objective = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
PLAIN = {name: case for name, case in CASES.items() if case.is_derivative and not case.needs_graph}
of_plain_gradients = pytest.mark.parametrize("case", PLAIN.values(), ids=PLAIN.keys())


def built(case: Case, seed: int = 0) -> tuple[Networks, Any]:
    with own_random_state(seed):
        networks = case.networks()
        return networks, case.make(networks)


def inputs(case: Case, networks: Networks, n: int, seed: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    with own_random_state(seed):
        return case.inputs(networks, n), torch.randint(N_CLASSES, (n,))


def loss_of(
    networks: Networks, objective: Any, x: torch.Tensor, labels: torch.Tensor, phase: Phase = Phase.STUDENT
) -> torch.Tensor:
    """The loss with the same random numbers every time."""
    with own_random_state(2):
        return objective(networks(x, phase, torch.arange(len(x))), labels, phase)


def test_every_public_objective_has_a_case() -> None:
    public = {member for name in distill.__all__ if isinstance(member := getattr(distill, name), type)}
    built_ones = {type(built(case)[1]) for case in CASES.values()}
    assert {one for one in public if issubclass(one, Objective)} - {Objective} == built_ones


@every_objective
def test_each_phase_gives_a_finite_scalar_and_gradients_only_where_it_has_a_part(case: Case) -> None:
    networks, objective = built(case)
    x, labels = inputs(case, networks, 6)
    for phase in Phase:
        loss = loss_of(networks, objective, x, labels, phase)
        assert loss.shape == ()
        assert loss.dtype == torch.float32
        assert torch.isfinite(loss)
        assert loss.requires_grad == (phase in case.phases)
        if phase not in case.phases:
            assert float(loss) == 0.0


@every_objective
def test_gradients_reach_the_student_in_its_phase_alone_and_never_the_teacher(case: Case) -> None:
    networks, objective = built(case)
    x, labels = inputs(case, networks, 6)
    for phase in case.phases:
        networks.zero_grad()
        loss_of(networks, objective, x, labels, phase).backward()
        reached = [p for p in networks.student.parameters() if p.grad is not None and bool(p.grad.abs().sum() > 0)]
        assert bool(reached) == (phase is Phase.STUDENT)
        assert all(p.grad is None or bool(torch.isfinite(p.grad).all()) for p in networks.student.parameters())
        assert all(p.grad is None for p in networks.teachers.parameters())


@every_objective
def test_warm_up_and_filter_phases_give_a_live_student_no_gradient(case: Case) -> None:
    """Also in a user's own loop that runs the student with a graph."""
    networks, objective = built(case)
    objective.double()
    batch = random_batch(networks, 6)
    labels = torch.arange(6) % N_CLASSES
    for phase in case.phases:
        if phase is Phase.STUDENT:
            continue
        with own_random_state(2):
            objective(batch, labels, phase).backward()
    assert batch.student.logits.grad is None
    assert all(layer.grad is None for layer in batch.student.layers.values())


@every_objective
def test_groups_hold_every_parameter_once(case: Case) -> None:
    _, objective = built(case)
    groups = objective.groups()
    assert set(groups) <= set(GROUPS)
    listed = [id(parameter) for parameters in groups.values() for parameter in parameters]
    assert sorted(listed) == sorted(id(parameter) for parameter in objective.parameters())


@every_objective
def test_every_parameter_learns_in_some_phase(case: Case) -> None:
    networks, objective = built(case)
    x, labels = inputs(case, networks, 6)
    for phase in case.phases:
        loss_of(networks, objective, x, labels, phase).backward()
    assert all(parameter.grad is not None for parameter in objective.parameters())


@every_objective
def test_state_dict_brings_a_trained_objective_back(case: Case, tmp_path: Path) -> None:
    networks, objective = built(case)
    module = Distillation(networks, objective)
    optimiser = torch.optim.SGD([p for p in module.parameters() if p.requires_grad], lr=0.05)
    x, labels = inputs(case, networks, 6)
    objective.set_epoch(3)
    for phase in case.phases:
        optimiser.zero_grad()
        loss_of(networks, objective, x, labels, phase).backward()
        optimiser.step()
    torch.save(objective.state_dict(), tmp_path / "state.pt")
    other = case.make(networks) if case.of_weights else built(case, seed=9)[1]
    other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    for phase in case.phases:
        saved, loaded = (copy.deepcopy(each) for each in (objective, other))
        assert torch.equal(*(loss_of(networks, each, x, labels, phase) for each in (saved, loaded)))


@every_objective
def test_bf16_autocast_gives_nearly_the_same_loss_in_float32(case: Case) -> None:
    networks, objective = built(case)
    x, labels = inputs(case, networks, 8)
    for phase in case.phases:
        full = loss_of(networks, copy.deepcopy(objective), x, labels, phase)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            half = loss_of(networks, objective, x, labels, phase)
        half.backward()
        assert half.dtype == torch.float32
        assert float(half.detach()) == pytest.approx(float(full.detach()), rel=0.05, abs=0.02)
        gradients = [p.grad for p in (*objective.parameters(), *networks.student.parameters()) if p.grad is not None]
        assert gradients
        assert all(bool(torch.isfinite(gradient).all()) for gradient in gradients)


@pytest.mark.slow
@of_plain_gradients
def test_gradcheck_in_float64_for_what_the_student_puts_out(case: Case) -> None:
    networks, objective = built(case)
    objective.double()
    with own_random_state(3):
        batch = random_batch(networks, 4)
    labels = torch.arange(4) % N_CLASSES
    names = list(batch.student.layers)

    def loss(logits: torch.Tensor, *layers: torch.Tensor) -> torch.Tensor:
        student = Outputs(logits, dict(zip(names, layers, strict=True)))
        with own_random_state(2):
            return copy.deepcopy(objective)(replace(batch, student=student), labels, Phase.STUDENT)

    assert loss(batch.student.logits, *batch.student.layers.values()).dtype == torch.float64
    assert torch.autograd.gradcheck(loss, (batch.student.logits, *batch.student.layers.values()))


@every_objective
def test_batches_may_differ_in_size(case: Case) -> None:
    networks, objective = built(case)
    for n in (4, 7, 5):
        x, labels = inputs(case, networks, n)
        for phase in case.phases:
            assert torch.isfinite(loss_of(networks, objective, x, labels, phase))


@every_objective
def test_nothing_is_changed_that_is_not_its_own(case: Case) -> None:
    """The batch, the labels, modes, the default dtype; and evaluating needs no graph."""
    networks, objective = built(case)
    with own_random_state(3):
        batch = random_batch(networks, 6, torch.float32)
    labels = torch.arange(6) % N_CLASSES
    before, kept = copy.deepcopy(batch), labels.clone()
    modes = [module.training for module in objective.modules()]
    for phase in Phase:
        refused = case.needs_graph and phase is Phase.STUDENT
        with (
            own_random_state(2),
            torch.no_grad(),
            pytest.raises(InputError, match="graph") if refused else nullcontext(),
        ):
            assert not objective(batch, labels, phase).requires_grad
    for found, wanted in ((batch.student, before.student), (batch.teacher, before.teacher)):
        assert torch.equal(found.logits, wanted.logits)
        assert all(torch.equal(found.layers[name], wanted.layers[name]) for name in wanted.layers)
    assert labels.dtype == torch.int64
    assert torch.equal(labels, kept)
    assert modes == [module.training for module in objective.modules()]
    assert torch.get_default_dtype() == torch.float32


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@every_objective
def test_a_gpu_gives_the_loss_of_the_cpu(case: Case) -> None:
    networks, objective = built(case)
    x, labels = inputs(case, networks, 6)
    here = {phase: loss_of(networks, copy.deepcopy(objective), x, labels, phase) for phase in case.phases}
    networks.cuda()
    for phase in case.phases:
        there = loss_of(networks, copy.deepcopy(objective).cuda(), x.cuda(), labels.cuda(), phase)
        there.backward()
        assert torch.allclose(there.cpu(), here[phase], rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_two_processes_learn_the_same_from_different_batches(tmp_path: Path) -> None:
    spawn(two_processes.train_steps, (str(tmp_path),), nprocs=2)
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2))
    assert set(first) == set(CASES)
    for name in CASES:
        assert all(torch.equal(ours, theirs) for ours, theirs in zip(first[name], second[name], strict=True)), name


@every_objective
def test_probabilities_of_one_class_are_its_number_or_are_refused(case: Case) -> None:
    networks, objective = built(case)
    x, labels = inputs(case, networks, 6)
    soft = torch.nn.functional.one_hot(labels, N_CLASSES).float()
    for phase in Phase:
        hard = loss_of(*built(case), x, labels, phase).detach()
        if isinstance(objective, DKD):
            with pytest.raises(InputError, match="labels are probabilities, and DKD sets the class of each sample"):
                loss_of(*built(case), x, soft, Phase.STUDENT)
            continue
        torch.testing.assert_close(loss_of(*built(case), x, soft, phase).detach(), hard)
