"""MIMKD: its terms by hand and against all pairs, the derangement, the bank in the bound, and what is learnt."""

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
from pidkit.distill.map_critics import MAP_CRITICS
from pidkit.distill.objectives.mimkd import MIMKD
from pidkit.mi.neural.bounds import infonce

EARLY = LayerPair("conv1", "conv1", (4, 2, 2), (2, 2, 2))
LAST = LayerPair("conv2", "conv3", (3, 1, 2), (5, 1, 2))
VECTORS = LayerPair("fc", "fc", (6,), (2,))
TOKENS = LayerPair("block", "block", (3, 4), (3, 2))


def seeded_mimkd(pairs: Sequence[LayerPair] = (EARLY, LAST), **options: Any) -> MIMKD:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return MIMKD(pairs, **{"width": 8, "bank_size": 10, **options})


def draw_batch(
    pairs: Sequence[LayerPair] = (EARLY, LAST),
    n: int = 5,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
) -> tuple[Batch, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(n, *shape, generator=generator, dtype=dtype)

    teacher = Outputs(draw(3), {pair.teacher_layer: draw(*pair.teacher_shape) for pair in pairs})
    layers = {pair.student_layer: draw(*pair.student_shape).requires_grad_() for pair in pairs}
    return Batch(Outputs(draw(3), layers), {"teacher": teacher}), torch.zeros(n, dtype=torch.int64)


class Dot(nn.Module):
    """Score the plain dot product of the channels, and note which diagonals were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.shifts: list[tuple[int, ...]] = []

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return (a @ b.T)[None]

    def diagonals(self, a: torch.Tensor, b: torch.Tensor, shifts: tuple[int, ...]) -> torch.Tensor:
        self.shifts.append(tuple(shifts))
        first, second = (x[..., None] if x.ndim == 2 else x for x in (a, b))
        return torch.stack([(first * second.roll(-shift, 0)).sum(1).T for shift in shifts])


def mimkd_of_dots(**options: Any) -> tuple[MIMKD, Batch, torch.Tensor]:
    """MIMKD that scores by dot products, on two samples of one channel at two places."""
    mimkd = MIMKD([LayerPair("t", "s", (1, 1, 2), (1, 1, 2))], **options).double()
    for name in mimkd.critics:
        mimkd.critics[name] = Dot()
    t = torch.tensor([[1.0, 1.0], [3.0, 1.0]], dtype=torch.float64)[:, None, None]
    s = torch.tensor([[0.0, 2.0], [-2.0, 0.0]], dtype=torch.float64)[:, None, None].requires_grad_()
    logits = torch.zeros(2, 2, dtype=torch.float64)
    return mimkd, Batch(Outputs(logits, {"s": s}), {"teacher": Outputs(logits, {"t": t})}), torch.zeros(2).long()


def jsd_by_hand(positives: list[int], negatives: list[int]) -> float:
    """Mean of -log(1 + e^-c) over positives less mean of log(1 + e^c) over negatives."""
    return -sum(math.log1p(math.exp(-c)) for c in positives) / len(positives) - sum(
        math.log1p(math.exp(c)) for c in negatives
    ) / len(negatives)


# Means over places: f_t = 1, 2 and f_s = 1, -1, so the scores of (student, teacher) are (1, 2) and (-1, -2).
GLOBAL = math.log(2) + (1 - math.log(math.e + math.e**2) - 2 - math.log(math.exp(-1) + math.exp(-2))) / 2
# f_t = 1 meets (0, 2), f_t = 2 meets (-2, 0); rolled by one, 1 meets (-2, 0) and 2 meets (0, 2).
LOCAL = jsd_by_hand([0, 2, -4, 0], [-2, 0, 0, 4])
# (1, 1) meets (0, 2), (3, 1) meets (-2, 0); rolled by one, (1, 1) meets (-2, 0) and (3, 1) meets (0, 2).
FEATURE = jsd_by_hand([0, 2, -6, 0], [-2, 0, 0, 2])


def test_the_three_terms_by_hand() -> None:
    mimkd, batch, labels = mimkd_of_dots()
    loss = mimkd(batch, labels)
    assert loss.item() == pytest.approx(-GLOBAL - 0.75 * LOCAL - FEATURE, abs=1e-12)
    values = {name: value.item() for name, value in mimkd.last.items()}
    assert values == {
        "global": pytest.approx(GLOBAL, abs=1e-12),
        "local": pytest.approx(LOCAL, abs=1e-12),
        "feature": pytest.approx(FEATURE, abs=1e-12),
    }


def test_weights_and_a_term_of_weight_zero_is_left_out() -> None:
    mimkd, batch, labels = mimkd_of_dots(weight_global=2.0, weight_local=0.0, weight_feature=0.5)
    assert set(mimkd.critics) == {"global", "feature_0"}
    assert mimkd(batch, labels).item() == pytest.approx(-2.0 * GLOBAL - 0.5 * FEATURE, abs=1e-12)
    only = MIMKD([EARLY], weight_global=0.0)
    assert only.bank.size == 0
    assert set(only.critics) == {"local", "feature_0"}


def test_the_bank_adds_exactly_what_it_holds_to_the_candidates() -> None:
    mimkd, batch, labels = mimkd_of_dots(weight_local=0.0, weight_feature=0.0, bank_size=3)
    values = []
    for _ in range(3):
        mimkd(batch, labels)
        values.append(mimkd.last["global"].item())
    # Held: nothing; then 1, 2; then 2, 1, 2 (the first 1 is out). Row 1 scores f_s = 1 with them, row 2 f_s = -1.
    for value, held in zip(values, ([], [1, 2], [2, 1, 2]), strict=True):
        columns = [1, 2, *held]
        first = 1 - math.log(sum(math.exp(c) for c in columns))
        second = -2 - math.log(sum(math.exp(-c) for c in columns))
        assert value == pytest.approx(math.log(len(columns)) + (first + second) / 2, abs=1e-12)
    assert len(mimkd.bank) == 3


def test_in_eval_mode_the_bank_stands_still_and_nothing_is_drawn() -> None:
    mimkd = seeded_mimkd()
    mimkd(*draw_batch())
    mimkd.eval()
    before, random_state = copy.deepcopy(mimkd.state_dict()), torch.get_rng_state()
    first, second = mimkd(*draw_batch(seed=1)), mimkd(*draw_batch(seed=1))
    assert torch.equal(first, second)
    assert torch.equal(torch.get_rng_state(), random_state)
    assert all(torch.equal(value, before[key]) for key, value in mimkd.state_dict().items())


@pytest.mark.parametrize("n", [2, 3, 5])
def test_negatives_are_derangements_and_every_roll_occurs(n: int) -> None:
    mimkd, _, _ = mimkd_of_dots()
    pair = mimkd.pairs[0]
    batch, labels = draw_batch([pair], n=n, dtype=torch.float64)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for _ in range(60):
            mimkd(batch, labels)
    shifts = [shift for critic in ("local", "feature_0") for _, shift in mimkd.critics[critic].shifts]
    assert set(shifts) == set(range(1, n))
    assert all(first == 0 for first, _ in mimkd.critics["local"].shifts)


@pytest.mark.parametrize("critic", sorted(MAP_CRITICS))
@pytest.mark.parametrize("pairs", [[EARLY, LAST], [VECTORS], [TOKENS]])
def test_the_terms_are_those_of_all_pairs_scored_by_a_slow_twin(critic: str, pairs: list[LayerPair]) -> None:
    mimkd = seeded_mimkd(pairs, critic=critic, global_critic=critic).double().eval()
    batch, labels = draw_batch(pairs, dtype=torch.float64)
    mimkd.bank.push(torch.randn(4, pairs[-1].teacher_channels, generator=torch.Generator().manual_seed(1)))
    mimkd(batch, labels)

    def places(x: torch.Tensor) -> torch.Tensor:
        return x[:, :, None] if x.ndim == 2 else x.transpose(1, 2) if x.ndim == 3 else x.flatten(2)

    def objective(name: str, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        scores = mimkd.critics[name](a, b)
        rows = torch.arange(5)
        positives, negatives = scores[:, rows, rows], scores[:, rows, (rows + 1) % 5]
        return -torch.nn.functional.softplus(-positives).mean() - torch.nn.functional.softplus(negatives).mean()

    sides = [
        (places(batch.teacher.layer(p.teacher_layer)), places(batch.student.layer(p.student_layer))) for p in pairs
    ]
    feature = sum(objective(f"feature_{k}", *side) for k, side in enumerate(sides)) / len(pairs)
    theirs, ours = sides[-1][0].mean(2), sides[-1][1].mean(2)
    overall = infonce(mimkd.critics["global"](ours, torch.cat([theirs, mimkd.bank.filled()]))[0])
    expected = {"global": overall, "local": objective("local", theirs, sides[-1][1]), "feature": feature}
    for name, value in expected.items():
        assert mimkd.last[name].item() == pytest.approx(value.item(), abs=1e-10), name


@given(st.integers(2, 6), st.integers(0, 1000))
def test_no_term_leaves_its_range(n: int, seed: int) -> None:
    mimkd, _, _ = mimkd_of_dots(bank_size=4)
    batch, labels = draw_batch(list(mimkd.pairs), n=n, seed=seed, dtype=torch.float64)
    with torch.random.fork_rng():
        for held in (0, min(n, 4)):
            mimkd(batch, labels)
            assert mimkd.last["global"] <= math.log(n + held) + 1e-12
            assert mimkd.last["local"] <= 0
            assert mimkd.last["feature"] <= 0


@pytest.mark.parametrize("critic", sorted(MAP_CRITICS))
def test_gradients(critic: str) -> None:
    mimkd = seeded_mimkd([TOKENS], critic=critic, global_critic=critic, width=3).double().eval()
    batch, labels = draw_batch([TOKENS], n=3, dtype=torch.float64)
    names = [name for name, _ in mimkd.named_parameters()]
    values = [mimkd.get_parameter(name).detach().clone().requires_grad_() for name in names]

    def loss(layer: torch.Tensor, *values: torch.Tensor) -> torch.Tensor:
        seen = Batch(Outputs(batch.student.logits, {"block": layer}), batch.teachers)
        return torch.func.functional_call(mimkd, dict(zip(names, values, strict=True)), (seen, labels))

    assert torch.autograd.gradcheck(loss, (batch.student.layer("block"), *values), atol=1e-6)


def test_critics_and_the_student_learn_and_the_teacher_does_not() -> None:
    mimkd = seeded_mimkd()
    batch, labels = draw_batch()
    theirs = batch.teacher.layer("conv2").requires_grad_()
    mimkd(batch, labels)
    mimkd(batch, labels).backward()  # the bank changed between the forward passes
    assert all(p.grad is not None for p in mimkd.parameters())
    assert all(layer.grad is not None for layer in batch.student.layers.values())
    assert theirs.grad is None
    assert set(mimkd.groups()) == {"critics"}
    assert len(mimkd.groups()["critics"]) == len(list(mimkd.parameters()))
    for phase in (Phase.WARM_UP, Phase.TEACHER_FILTER):
        assert mimkd(batch, labels, phase).item() == 0.0


def test_a_pair_of_any_sizes_can_be_the_global_one() -> None:
    apart = LayerPair("pool", "head", (7, 3, 3), (2,))
    mimkd = seeded_mimkd([EARLY], global_pair=apart)
    batch, labels = draw_batch([EARLY, apart])
    assert torch.isfinite(mimkd(batch, labels))
    pooled = batch.teacher.layer("pool").mean((2, 3))
    torch.testing.assert_close(mimkd.bank.filled(), pooled)


def test_state_and_random_state_go_on_where_they_were_saved() -> None:
    mimkd, twin = seeded_mimkd(), MIMKD([EARLY, LAST], width=8, bank_size=10)
    with torch.random.fork_rng():
        for seed in range(3):
            mimkd(*draw_batch(seed=seed))
        twin.load_state_dict(mimkd.state_dict())
        random_state = torch.get_rng_state()
        values = []
        for each in (mimkd, twin):
            torch.set_rng_state(random_state)
            values.append([each(*draw_batch(seed=seed)) for seed in range(5, 8)])
    assert values[0] == values[1]


@pytest.mark.parametrize("critic", sorted(MAP_CRITICS))
def test_under_autocast_the_bounds_are_single(critic: str) -> None:
    mimkd = seeded_mimkd(critic=critic, global_critic=critic).eval()
    batch, labels = draw_batch()
    exact = mimkd(batch, labels).item()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = mimkd(batch, labels)
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(exact, abs=0.05)


def test_the_bound_grows_as_student_and_critics_learn() -> None:
    generator = torch.Generator().manual_seed(0)
    pair = LayerPair("t", "s", (6,), (3,))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        student, mimkd = nn.Linear(8, 3), MIMKD([pair], width=16, bank_size=128)
        mix = torch.randn(8, 6, generator=generator)
        optimiser = torch.optim.Adam([*student.parameters(), *mimkd.parameters()], lr=0.01)
        history = []
        for _ in range(80):
            x = torch.randn(64, 8, generator=generator)
            layer = student(x)
            batch = Batch(Outputs(layer, {"s": layer}), {"teacher": Outputs(layer.detach(), {"t": x @ mix})})
            optimiser.zero_grad()
            mimkd(batch, torch.zeros(64).long()).backward()
            optimiser.step()
            history.append(mimkd.last["global"].item())
    assert history[0] < 0.3
    assert history[-1] > 1.0


def test_what_cannot_be_done_is_refused() -> None:
    with pytest.raises(InputError, match=r"^pairs must be LayerPairs, at least one, .* not none$"):
        MIMKD([])
    apart = LayerPair("conv2", "conv1", (3, 4, 4), (2, 2, 2))
    with pytest.raises(InputError, match=r"layer 'conv2' of shape \(3, 4, 4\) and student layer 'conv1' of shape"):
        MIMKD([apart])
    assert set(MIMKD([apart], weight_feature=0.0).critics) == {"global", "local"}
    choices = "'project-and-dot' or 'concatenate-and-convolve'"
    for option in ("critic", "global_critic"):
        with pytest.raises(InputError, match=rf"^{option} must be {choices}, not 'separable'$"):
            MIMKD([EARLY], **{option: "separable"})  # type: ignore[arg-type]
    for bad in (-1.0, math.nan):
        with pytest.raises(InputError, match=r"^weight_local must be a finite number >= 0, not"):
            MIMKD([EARLY], weight_local=bad)
    with pytest.raises(InputError, match=r"^weight_global, weight_local and weight_feature are all 0; give one of"):
        MIMKD([EARLY], weight_global=0.0, weight_local=0.0, weight_feature=0.0)
    with pytest.raises(InputError, match=r"^MIMKD needs at least 2 samples a batch, for negatives; this has 1: drop"):
        seeded_mimkd()(*draw_batch(n=1))
