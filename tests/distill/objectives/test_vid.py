"""VID: values by hand, the closed form over sigma, and sigma in the optimiser."""

import math
from typing import Any

import pytest
import torch

from pidkit import InputError
from pidkit.distill import Batch, LayerPair, Outputs
from pidkit.distill.objectives.vid import VID, gaussian_nll

LABELS = torch.tensor([0])
PAIR = LayerPair("t", "s", (2, 1, 3), (2, 1, 3))


def batch_of(teacher: torch.Tensor, student: torch.Tensor) -> Batch:
    logits = torch.zeros(len(student), 2)
    return Batch(Outputs(logits, {"s": student}), {"teacher": Outputs(logits, {"t": teacher})})


def without_a_mean(objective: VID) -> VID:
    """The objective with mu = 0, so that the errors are the teacher's layer."""
    with torch.no_grad():
        for mean in objective.means:
            mean.layers[-1].weight.zero_()
            mean.layers[-1].bias.zero_()
    return objective


def test_the_likelihood_by_hand() -> None:
    # Channel 0: sigma 1, squares (1 + 9) / 2 = 5: 0 + 5/2. Channel 1: sigma 2, squares 4: log 2 + 4/8.
    error = torch.tensor([[[1.0, -3.0], [2.0, 2.0]]])
    found = gaussian_nll(error, torch.tensor([1.0, 2.0]))
    assert float(found) == pytest.approx((2.5 + math.log(2.0) + 0.5) / 2.0)


def test_the_objective_by_hand() -> None:
    # mu = 0 and sigma = 2 for both channels; all entries 4: log 2 + 16 / 8; two pairs add up.
    batch = batch_of(torch.full((4, 2, 1, 3), 4.0), torch.randn(4, 2, 1, 3))
    one, two = (without_a_mean(VID([PAIR] * n, initial_sigma=2.0)) for n in (1, 2))
    assert float(one(batch, LABELS).detach()) == pytest.approx(math.log(2.0) + 2.0, abs=1e-5)
    assert float(two(batch, LABELS).detach()) == pytest.approx(2 * (math.log(2.0) + 2.0), abs=1e-5)


def test_the_best_sigma_is_the_root_mean_square_with_value_log_sigma_plus_half() -> None:
    torch.manual_seed(0)
    error = torch.randn(50, 3, 4, dtype=torch.float64) * torch.tensor([0.5, 1.0, 4.0], dtype=torch.float64)[:, None]
    best = error.square().mean((0, 2)).sqrt()
    value = gaussian_nll(error, best)
    assert float(value) == pytest.approx(float(best.log().mean()) + 0.5)
    for factor in (0.9, 1.1):
        assert gaussian_nll(error, best * factor) > value


def test_learned_sigma_finds_the_closed_form() -> None:
    torch.manual_seed(0)
    teacher = torch.randn(64, 2, 1, 3) * torch.tensor([0.5, 3.0])[:, None, None]
    objective = without_a_mean(VID([PAIR]))
    batch = batch_of(teacher, torch.randn(64, 2, 1, 3))
    optimiser = torch.optim.Adam(objective.groups()["sigma"], lr=0.05)
    for _ in range(400):
        optimiser.zero_grad()
        loss = objective(batch, LABELS)
        loss.backward()
        optimiser.step()
    best = teacher.square().mean((0, 2, 3)).sqrt()
    assert torch.allclose(objective.scales[0]().detach(), best, rtol=1e-2)
    assert float(loss.detach()) == pytest.approx(float(best.log().mean()) + 0.5, abs=1e-3)


def test_one_step_over_the_groups_moves_sigma_and_mu() -> None:
    torch.manual_seed(0)
    objective = VID([PAIR])
    before = [
        parameter.detach().clone() for parameter in (objective.scales[0].raw, objective.means[0].layers[0].weight)
    ]
    assert objective.scales[0].raw in set(objective.groups()["sigma"])
    optimiser = torch.optim.SGD([{"params": group} for group in objective.groups().values()], lr=0.1)
    objective(batch_of(torch.randn(8, 2, 1, 3), torch.randn(8, 2, 1, 3)), LABELS).backward()
    optimiser.step()
    for old, new in zip(before, (objective.scales[0].raw, objective.means[0].layers[0].weight), strict=True):
        assert not torch.equal(old, new)


def test_gradcheck_of_the_likelihood() -> None:
    torch.manual_seed(0)
    error = torch.randn(3, 2, 2, dtype=torch.float64, requires_grad=True)
    sigma = torch.rand(2, dtype=torch.float64).add(0.5).requires_grad_(True)
    assert torch.autograd.gradcheck(gaussian_nll, (error, sigma))


def test_resolution_does_not_change_the_loss() -> None:
    torch.manual_seed(0)
    teacher, student = torch.randn(6, 2, 1, 3), torch.randn(6, 2, 1, 3)
    objective = VID([PAIR]).eval()
    fine = batch_of(teacher.repeat_interleave(4, 3), student.repeat_interleave(4, 3))
    assert torch.allclose(objective(batch_of(teacher, student), LABELS), objective(fine, LABELS))


def test_the_width_of_mu() -> None:
    pair = LayerPair("t", "s", (5,), (3,))
    assert VID([pair]).means[0].layers[0].weight.shape == (3, 3, 1)
    assert VID([pair], width=7).means[0].layers[-1].weight.shape == (5, 7, 1)


@pytest.mark.parametrize(
    ("pairs", "options", "message"),
    [
        ([], {}, r"pairs must be LayerPairs, at least one"),
        ([LayerPair("t", "s", (4, 8, 8), (2, 4, 4))], {}, r"'t' of shape \(4, 8, 8\) .* cannot be compared place by"),
        ([PAIR], {"initial_sigma": 0.0}, r"initial_sigma must be a finite number > 0\.001, not 0\.0"),
    ],
)
def test_what_is_refused(pairs: list[LayerPair], options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        VID(pairs, **options)


def test_the_printed_sum_is_channels_times_places_as_much_and_mu_may_be_deeper() -> None:
    torch.manual_seed(0)
    batch = batch_of(torch.randn(4, 2, 1, 3), torch.randn(4, 2, 1, 3))
    mean, total = VID([PAIR], depth=3).eval(), VID([PAIR], depth=3, reduction="sum").eval()
    total.load_state_dict(mean.state_dict())
    torch.testing.assert_close(total(batch, LABELS), 2 * 3 * mean(batch, LABELS))
    assert [tuple(p.shape) for p in mean.means.parameters() if p.ndim == 3] == [(2, 2, 1)] * 3
