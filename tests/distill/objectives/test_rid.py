"""RID: its three losses by hand, the closed form of sigma, what each phase trains, and what is refused."""

import copy
import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from pidkit import InputError
from pidkit.distill import Batch, LayerPair, Outputs, Phase
from pidkit.distill.filters import SIGMA_FLOOR
from pidkit.distill.objectives.rid import RID

MAPS = LayerPair("conv2", "conv1", (3, 2, 2), (2, 2, 2))

VECTORS = LayerPair("fc", "fc", (4,), (2,))

TOKENS = LayerPair("block", "block", (5, 4), (5, 3))

PHASES = list(Phase)


def seeded_rid(pairs: Sequence[LayerPair] = (MAPS, VECTORS), **options: Any) -> RID:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return RID(pairs, n_classes=3, **options)


def draw_batch(
    pairs: Sequence[LayerPair] = (MAPS, VECTORS),
    n: int = 6,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
) -> tuple[Batch, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(n, *shape, generator=generator, dtype=dtype)

    teacher = Outputs(draw(3), {pair.teacher_layer: draw(*pair.teacher_shape) for pair in pairs})
    layers = {pair.student_layer: draw(*pair.student_shape).requires_grad_() for pair in pairs}
    return Batch(Outputs(draw(3), layers), {"teacher": teacher}), torch.arange(n) % 3


def rid_of_identities(**options: Any) -> tuple[RID, Batch, torch.Tensor]:
    """RID whose filters change nothing, on two samples of two channels at two places."""
    rid = RID([LayerPair("t", "s", (2, 1, 2), (2, 1, 2))], n_classes=2, **options).double()
    rid.teacher_filters[0], rid.student_filters[0] = nn.Identity(), nn.Identity()
    with torch.no_grad():
        if rid.heads[0].pool:
            rid.heads[0].linear.weight.copy_(torch.eye(2))
        rid.heads[0].linear.bias.zero_()
        if rid.scales is not None:
            rid.scales[0].raw.copy_(torch.tensor([0.5, 2.0]).double().sub(SIGMA_FLOOR).expm1().log())
    t = torch.tensor([[[[1.0, 3.0]], [[0.0, 2.0]]], [[[2.0, 0.0]], [[1.0, 1.0]]]], dtype=torch.float64)
    s = torch.tensor([[[[0.0, 3.0]], [[1.0, 2.0]]], [[[2.0, 2.0]], [[1.0, 1.0]]]], dtype=torch.float64)
    s.requires_grad_()
    # V of channel 0: 1, 0, 0, -2, so v_0 = 5/4; of channel 1: -1, 0, 0, 0, so v_1 = 1/4.
    logits = torch.zeros(2, 2, dtype=torch.float64)
    return rid, Batch(Outputs(logits, {"s": s}), {"teacher": Outputs(logits, {"t": t})}), torch.tensor([0, 1])


# Pooled, f_t(T) is (2, 1) and (1, 1), which an identity head turns into logits: log(1 + 1/e) and log 2.
HEAD_LOSS = (math.log1p(1 / math.e) + math.log(2)) / 2


def test_warm_up_is_the_cross_entropy_of_the_head() -> None:
    rid, batch, labels = rid_of_identities()
    assert rid(batch, labels, Phase.WARM_UP).item() == pytest.approx(HEAD_LOSS, abs=1e-12)


def test_the_teacher_filter_adds_the_weighted_difference() -> None:
    rid, batch, labels = rid_of_identities()
    # mean of 1.25 / .5 = 2.5 and .25 / 2 = .125.
    assert rid(batch, labels, Phase.TEACHER_FILTER).item() == pytest.approx(HEAD_LOSS + 1.3125, abs=1e-12)


def test_the_student_pays_for_sigma_and_for_the_difference() -> None:
    rid, batch, labels = rid_of_identities()
    # mean of .25 and 4 is 2.125.
    assert rid(batch, labels, Phase.STUDENT).item() == pytest.approx(2.125 + 1.3125, abs=1e-12)


def test_a_flattened_head_sees_the_places() -> None:
    rid, batch, labels = rid_of_identities(head_pool=False)
    with torch.no_grad():
        # Class 0 scores channel 0 at place 1, class 1 channel 1 at place 0: logits (3, 0) and (0, 1).
        rid.heads[0].linear.weight.zero_()
        rid.heads[0].linear.weight[0, 1] = rid.heads[0].linear.weight[1, 2] = 1.0
    expected = (math.log1p(math.exp(-3)) + math.log1p(math.exp(-1))) / 2
    assert rid(batch, labels, Phase.WARM_UP).item() == pytest.approx(expected, abs=1e-12)


def test_the_closed_form_is_its_formula_and_what_it_remembers_frees_the_teacher_filter() -> None:
    rid, batch, labels = rid_of_identities(sigma="closed-form")
    # At first sigma = (2 / 2)^(1/3) = 1, so the difference weighs mean(1.25, .25) = .75.
    assert rid(batch, labels, Phase.TEACHER_FILTER).item() == pytest.approx(HEAD_LOSS + 0.75, abs=1e-12)
    value = 3 * (0.625 ** (2 / 3) + 0.125 ** (2 / 3)) / 2
    assert rid(batch, labels, Phase.STUDENT).item() == pytest.approx(value, abs=1e-12)
    assert rid.running_v[0].tolist() == pytest.approx([1.25, 0.25], abs=1e-12)
    # Now sigma = (.625, .125)^(1/3) and v / sigma = 2 (v / 2)^(2/3).
    frozen = 0.625 ** (2 / 3) + 0.125 ** (2 / 3)
    assert rid(batch, labels, Phase.TEACHER_FILTER).item() == pytest.approx(HEAD_LOSS + frozen, abs=1e-12)


def test_a_learned_sigma_at_the_closed_form_has_its_value_no_gradient_and_the_same_gradient_elsewhere() -> None:
    learned: Any
    learned, batch, labels = rid_of_identities()
    closed, _, _ = rid_of_identities(sigma="closed-form")
    best = torch.tensor([0.625, 0.125], dtype=torch.float64) ** (1 / 3)
    with torch.no_grad():
        learned.scales[0].raw.copy_((best - SIGMA_FLOOR).expm1().log())
    first, second = learned(batch, labels, Phase.STUDENT), closed(batch, labels, Phase.STUDENT)
    assert first.item() == pytest.approx(second.item(), abs=1e-12)
    layer = batch.student.layer("s")
    slope, raw_slope = torch.autograd.grad(first, [layer, learned.scales[0].raw])
    assert raw_slope.abs().max() < 1e-12
    torch.testing.assert_close(slope, torch.autograd.grad(second, layer)[0], rtol=0, atol=1e-12)
    with torch.no_grad():
        learned.scales[0].raw.add_(0.05)
    assert learned(batch, labels, Phase.STUDENT).item() > first.item()


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 1000))
def test_the_papers_sums_are_a_fixed_multiple_at_the_best_sigma(channels: int, places: int, seed: int) -> None:
    v = torch.rand(channels, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + 0.01
    summed = places * v
    sigma = (summed / 2) ** (1 / 3)
    paper = (sigma**2 + summed / sigma).sum()
    ours = (3 * (v / 2) ** (2 / 3)).mean()
    assert paper.item() == pytest.approx(channels * places ** (2 / 3) * ours.item(), rel=1e-12)


def test_the_running_mean_weighs_the_past_and_stands_still_in_eval_mode() -> None:
    rid, batch, labels = rid_of_identities(sigma="closed-form", momentum=0.75)
    rid(batch, labels, Phase.STUDENT)
    layer = batch.teacher.layer("t")
    same = Batch(Outputs(batch.student.logits, {"s": layer + 1.0}), batch.teachers)
    rid(same, labels, Phase.STUDENT)  # v = 1 in both channels
    expected = [0.75 * 1.25 + 0.25, 0.75 * 0.25 + 0.25]
    assert rid.running_v[0].tolist() == pytest.approx(expected, abs=1e-12)
    rid.eval()
    rid(batch, labels, Phase.STUDENT)
    rid.train()
    rid(batch, labels, Phase.TEACHER_FILTER)
    assert rid.running_v[0].tolist() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("sigma", ["learned", "closed-form"])
def test_no_difference_is_no_trouble(sigma: str) -> None:
    rid, batch, labels = rid_of_identities(sigma=sigma)
    layer = batch.teacher.layer("t").clone().requires_grad_()
    same = Batch(Outputs(batch.student.logits, {"s": layer}), batch.teachers)
    loss = rid(same, labels, Phase.STUDENT)
    loss.backward()
    assert loss.item() == pytest.approx(SIGMA_FLOOR**2 if sigma == "closed-form" else 2.125, abs=1e-12)
    assert layer.grad is not None
    assert torch.equal(layer.grad, torch.zeros_like(layer))


@pytest.mark.parametrize("sigma", ["learned", "closed-form"])
@pytest.mark.parametrize(
    ("phase", "trained"),
    [
        (Phase.WARM_UP, {"teacher_filters"}),
        (Phase.TEACHER_FILTER, {"teacher_filters"}),
        (Phase.STUDENT, {"student_filters", "sigma"}),
    ],
)
def test_each_phase_trains_its_groups_and_no_other_not_even_batch_statistics(
    sigma: str, phase: Phase, trained: set[str]
) -> None:
    rid = seeded_rid(sigma=sigma)
    batch, labels = draw_batch()
    rid(batch, labels, phase).backward()
    groups = rid.groups()
    assert sum(map(len, groups.values())) == len(list(rid.parameters()))
    for group, parameters in groups.items():
        for parameter in parameters:
            assert (parameter.grad is not None) == (group in trained), group
    counts = {
        "teacher_filters": [int(f.layers[1].num_batches_tracked) for f in rid.teacher_filters],
        "student_filters": [int(f.layers[1].num_batches_tracked) for f in rid.student_filters],
    }
    for group, found in counts.items():
        assert found == [int(group in trained)] * 2
    assert all(module.training for module in rid.modules())
    reached = [layer.grad is not None for layer in batch.student.layers.values()]
    assert reached == [phase is Phase.STUDENT] * 2


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("sigma", ["learned", "closed-form"])
def test_gradients(sigma: str, phase: Phase) -> None:
    rid = seeded_rid([TOKENS], sigma=sigma).double().eval()
    batch, labels = draw_batch([TOKENS], n=3, dtype=torch.float64)
    trained = ("student_filters", "scales") if phase is Phase.STUDENT else ("teacher_filters", "heads")
    names = [name for name, _ in rid.named_parameters() if name.startswith(trained)]
    values = [rid.get_parameter(name).detach().clone().requires_grad_() for name in names]
    layer = batch.student.layer("block").detach()
    if phase is Phase.STUDENT:
        layer.requires_grad_()

    def loss(layer: torch.Tensor, *values: torch.Tensor) -> torch.Tensor:
        seen = Batch(Outputs(batch.student.logits, {"block": layer}), batch.teachers)
        return torch.func.functional_call(rid, dict(zip(names, values, strict=True)), (seen, labels, phase))

    assert torch.autograd.gradcheck(loss, (layer, *values), atol=1e-6)


def test_filtered_shows_both_sides_and_changes_nothing() -> None:
    for sigma in ("learned", "closed-form"):
        rid = seeded_rid(sigma=sigma)
        batch, labels = draw_batch()
        rid(batch, labels, Phase.STUDENT).backward()
        before, random_state = copy.deepcopy(rid.state_dict()), torch.get_rng_state()
        rid.student_filters[1].eval()
        found = rid.filtered(batch)
        assert [pair.pair for pair in found] == [MAPS, VECTORS]
        assert [tuple(pair.teacher.shape) for pair in found] == [(6, 2, 4), (6, 2, 1)]
        for pair in found:
            assert pair.sigma.shape == (2,)
            assert not any(x.requires_grad for x in (pair.teacher, pair.student, pair.sigma, pair.residual))
            torch.testing.assert_close(pair.residual + pair.student, pair.teacher)
        assert rid.training
        assert not rid.student_filters[1].training
        assert rid.student_filters[0].layers[1].training
        assert all(torch.equal(value, before[key]) for key, value in rid.state_dict().items())
        assert torch.equal(torch.get_rng_state(), random_state)


def test_diagnostics_are_the_spread_of_the_filtered_teacher_and_the_mean_sigma() -> None:
    rid, batch, _ = rid_of_identities()
    # Channel 0 holds 1, 3, 2, 0: variance 5/4; channel 1 holds 0, 2, 1, 1: variance 1/2.
    shown = rid.diagnostics(batch)
    assert shown == {
        "std f_t t > s": pytest.approx(math.sqrt((1.25 + 0.5) / 2), abs=1e-12),
        "sigma t > s": pytest.approx(1.25, abs=1e-12),
    }
    # A filter that gives each channel one value has collapsed, whatever the values.
    flat = torch.ones(2, 2, 1, 2, dtype=torch.float64) * torch.tensor([3.0, -5.0])[:, None, None]
    collapsed = Batch(batch.student, {"teacher": Outputs(batch.student.logits, {"t": flat})})
    assert rid.filtered(collapsed)[0].teacher_std == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("sigma", ["learned", "closed-form"])
def test_state_goes_on_where_it_was_saved(sigma: str) -> None:
    rid, twin = seeded_rid(sigma=sigma), RID((MAPS, VECTORS), n_classes=3, sigma=sigma)  # type: ignore[arg-type]
    for seed in range(3):
        rid(*draw_batch(seed=seed), Phase.STUDENT)
    twin.load_state_dict(rid.state_dict())
    for phase in (Phase.TEACHER_FILTER, Phase.STUDENT, Phase.TEACHER_FILTER, Phase.WARM_UP):
        assert torch.equal(rid(*draw_batch(seed=9), phase), twin(*draw_batch(seed=9), phase))


@pytest.mark.parametrize("phase", PHASES)
def test_under_autocast_the_sums_are_single(phase: Phase) -> None:
    rid = seeded_rid(sigma="closed-form")
    batch, labels = draw_batch()
    exact = copy.deepcopy(rid)(batch, labels, phase).item()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = rid(batch, labels, phase)
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(exact, rel=0.03)


def test_what_cannot_be_done_is_refused() -> None:
    with pytest.raises(InputError, match=r"^pairs must be LayerPairs, at least one, such as .* not none$"):
        RID([], n_classes=3)
    with pytest.raises(InputError, match=r"^sigma must be 'learned' or 'closed-form', not 'fixed'$"):
        RID([MAPS], n_classes=3, sigma="fixed")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"^momentum must be a number in \[0, 1\), not 1.0$"):
        RID([MAPS], n_classes=3, momentum=1.0)
    apart = LayerPair("conv2", "conv1", (3, 4, 4), (2, 2, 2))
    with pytest.raises(
        InputError, match=r"'conv2' of shape \(3, 4, 4\) and student layer 'conv1' of shape \(2, 2, 2\)"
    ):
        RID([apart], n_classes=3)
    with pytest.raises(InputError, match=r"^n_classes must be a whole number >= 2, not 1$"):
        RID([MAPS], n_classes=1)
