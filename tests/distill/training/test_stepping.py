"""Steps: accumulation, clipping, precision, and parts that a phase freezes."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch

from pidkit import InputError
from pidkit.distill import CrossEntropy, Distillation, Networks, Phase, WeightedSum
from pidkit.distill.training import TrainerOptions
from pidkit.distill.training.optimisers import make_optimiser, parameter_groups
from pidkit.distill.training.stepping import Stepper
from pidkit.errors import DivergenceError
from tests.distill.toys import blobs, composed, same, tapped, weights


def stepper(
    networks: Networks, objective: CrossEntropy | WeightedSum, augment: Callable[..., Any] | None = None, **options: Any
) -> Stepper:
    chosen = TrainerOptions(**{"learning_rate": 0.1, **options})
    optimiser = make_optimiser(parameter_groups(networks.student, objective), chosen)
    return Stepper(Distillation(networks, objective), optimiser, chosen, augment=augment)


def step(
    stepping: Stepper, batches: list[tuple[torch.Tensor, torch.Tensor]], phase: Phase = Phase.STUDENT
) -> tuple[dict[str, torch.Tensor], torch.Tensor, torch.Tensor]:
    taken = stepping.take(
        iter(batches), [torch.arange(len(y)) for _, y in batches], phase, torch.Generator().manual_seed(0)
    )
    stepping.apply()
    return taken


def test_accumulated_batches_are_one_batch_of_their_size() -> None:
    """Also where the sizes differ: every batch counts with its share of the samples."""
    x, y = blobs(24, dtype=torch.float64)
    found = []
    for sizes in ([24], [12, 12], [10, 8, 6]):
        networks = tapped(norm=False, dtype=torch.float64)
        stepping = stepper(networks, CrossEntropy())
        for _ in range(3):
            values, norm, right = step(stepping, list(zip(x.split(sizes), y.split(sizes), strict=True)))
        found.append(torch.cat([*(w.flatten() for w in weights(networks.student)), values["loss"][None], norm[None]]))
        found[-1] = torch.cat([found[-1], right])
    assert torch.allclose(found[1], found[0], rtol=0.0, atol=1e-12)
    assert torch.allclose(found[2], found[0], rtol=0.0, atol=1e-12)


def test_values_are_the_loss_its_terms_and_the_number_of_hits() -> None:
    networks = tapped(norm=False)
    objective = composed(networks)
    x, y = blobs(12)
    before = copy.deepcopy(networks.student)
    values, _, right = step(stepper(networks, objective), [(x, y)])
    assert list(values) == ["loss", "term labels", "term followed"]
    assert float(values["loss"]) == pytest.approx(
        float(values["term labels"] + 0.5 * values["term followed"]), rel=1e-6
    )
    assert right.tolist() == [int((before(x).argmax(1) == y).sum()), 12]


@pytest.mark.parametrize("optimiser", ["sgd", "adamw"])
def test_what_a_phase_freezes_stays_bit_identical(optimiser: Any) -> None:
    """Momentum and weight decay included: parameters without a gradient are passed over."""
    networks = tapped(dropout=0.3)
    objective = composed(networks)
    stepping = stepper(networks, objective, optimiser=optimiser, weight_decay=0.1)
    networks.train()
    f_t, f_s = objective.terms["followed"].f_t, objective.terms["followed"].f_s
    head, scale = objective.terms["followed"].head, objective.terms["followed"].scale
    parts: dict[str, Any] = {"student": networks.student, "f_t": f_t, "head": head, "f_s": f_s, "scale": scale}
    learns = {
        Phase.WARM_UP: {"f_t", "head"},
        Phase.TEACHER_FILTER: {"f_t", "head"},
        Phase.STUDENT: {"student", "f_s", "scale"},
    }
    for phase in [*Phase, *Phase]:  # the second time everything has momentum
        before = {name: weights(part) for name, part in parts.items()}
        step(stepping, [blobs(12)], phase)
        assert {name for name, part in parts.items() if not same(before[name], weights(part))} == learns[phase]


def test_gradients_are_clipped_after_accumulation() -> None:
    networks = tapped(norm=False)
    stepping = stepper(networks, CrossEntropy(), clip_norm=1e-3, momentum=0.0, weight_decay=0.0, learning_rate=1.0)
    before = torch.cat([w.flatten() for w in weights(networks.student)])
    _, norm, _ = step(stepping, [blobs(12), blobs(12, seed=1)])
    moved = torch.cat([w.flatten() for w in weights(networks.student)]) - before
    assert norm > 1e-2
    assert float(moved.norm()) == pytest.approx(1e-3, rel=1e-3)


def test_without_clipping_gradients_stay_as_they_are() -> None:
    found = []
    for clip_norm in (None, 1e6):
        networks = tapped(norm=False)
        step(stepper(networks, CrossEntropy(), clip_norm=clip_norm), [blobs(12)])
        found.append(weights(networks.student))
    assert same(*found)


def test_bfloat16_runs_under_autocast_and_keeps_the_weights_in_float32() -> None:
    networks = tapped()
    objective = composed(networks)
    seen = []
    networks.student[0].register_forward_hook(lambda module, args, out: seen.append(out.dtype))
    stepping = stepper(networks, objective, precision="bfloat16")
    for phase in Phase:
        values, _, _ = step(stepping, [blobs(12)], phase)
        assert torch.isfinite(values["loss"])
    assert set(seen) == {torch.bfloat16}
    assert all(p.dtype == torch.float32 for p in networks.student.parameters())


def test_float16_needs_cuda() -> None:
    with pytest.raises(InputError, match="precision 'float16' needs CUDA, the student is on cpu; use 'bfloat16'"):
        stepper(tapped(), CrossEntropy(), precision="float16")


def test_a_phase_in_which_nothing_learns_is_refused() -> None:
    with pytest.raises(InputError, match="objective has nothing to learn in the warm-up phase; pass Phases without"):
        step(stepper(tapped(), CrossEntropy()), [blobs(12)], Phase.WARM_UP)


def test_augmentation_draws_from_the_generator_alone() -> None:
    drawn = []

    def augment(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        drawn.append(torch.rand(2, generator=generator))
        return x + 1.0

    before = torch.get_rng_state()
    for _ in range(2):
        step(stepper(tapped(), CrossEntropy(), augment=augment), [blobs(12)])
    assert torch.equal(drawn[0], drawn[1])
    assert torch.equal(before, torch.get_rng_state())


def scaled(stepping: Stepper, scale: float) -> Stepper:
    """The stepping with float16's scaled loss, which a CPU can do in float32."""
    stepping.scaler = torch.amp.GradScaler("cpu", init_scale=scale)
    return stepping


def test_a_scaled_loss_gives_the_same_step_clipped_at_the_same_norm() -> None:
    found = []
    for scale in (None, 1024.0):
        networks = tapped(norm=False)
        objective = composed(networks)
        stepping = stepper(networks, objective, clip_norm=0.1)
        for phase in Phase:
            _, norm, _ = step(stepping if scale is None else scaled(stepping, scale), [blobs(12)], phase)
        found.append((torch.cat([w.flatten() for w in weights(networks.student, objective)]), norm))
    assert torch.allclose(found[0][0], found[1][0], rtol=0.0, atol=1e-6)
    assert torch.allclose(found[0][1], found[1][1], rtol=1e-5)


def test_a_step_that_overflows_is_skipped_until_the_scale_collapses() -> None:
    networks = tapped(norm=False)
    stepping = scaled(stepper(networks, CrossEntropy()), 1.5)
    networks.student[0].weight.register_hook(lambda gradient: gradient * float("inf"))
    before = weights(networks.student)
    stepping.check_scale()
    step(stepping, [blobs(12)])
    assert same(before, weights(networks.student))
    with pytest.raises(DivergenceError, match="gradients overflow float16 at any scale of the loss; use precision='bf"):
        stepping.check_scale()
