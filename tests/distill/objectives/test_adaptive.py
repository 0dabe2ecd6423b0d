"""AdaptiveWeight: shares of known teachers, when it measures, that it leaves no trace, resumption, what is refused."""

import copy

import pytest
import torch
from torch import nn

from pidkit import InputError
from pidkit.distill import (
    KD,
    AdaptiveWeight,
    Batch,
    CrossEntropy,
    Networks,
    Outputs,
    Phase,
    Trainer,
    TrainerOptions,
    WeightedSum,
    tap,
)
from pidkit.distill.training.settings import describe_objective
from pidkit.nn.seeding import own_random_state
from tests.distill.toys import blobs, network, same, weights

LABEL = torch.tensor([0])


class Told(nn.Module):
    """Answers with three columns of its input."""

    def __init__(self, start: int) -> None:
        super().__init__()
        self.start, self.size = start, nn.Parameter(torch.tensor(3.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.size * x[:, self.start : self.start + 3]


def sample(n: int = 240) -> tuple[torch.Tensor, torch.Tensor]:
    """The label in the first three columns, another one in the next three; both with noise."""
    with own_random_state(0):
        y, other = torch.arange(n) % 3, torch.randint(3, (n,))
        hot = torch.cat([nn.functional.one_hot(y, 3), nn.functional.one_hot(other, 3)], 1)
        return hot + 0.2 * torch.randn(n, 6), y


def networks_of(teacher: int, student: int = 0) -> Networks:
    return tap(teacher=Told(teacher), student=Told(student), example=torch.zeros(2, 6))


def test_a_teacher_of_the_task_counts_and_one_of_another_does_not() -> None:
    shares = {}
    for name, start in (("task", 0), ("nuisance", 3)):
        networks = networks_of(start)
        adaptive = AdaptiveWeight(KD(), networks, sample=sample())
        assert float(adaptive.share) == 0.0
        shares[name] = adaptive.measure()
        assert adaptive.measured["mi_student"] > 1.0
        assert float(adaptive.share) == pytest.approx(shares[name])
    assert shares["task"] > 0.8
    assert shares["nuisance"] < 0.05


def test_beside_a_student_that_knows_nothing_it_is_what_the_teacher_tells() -> None:
    networks = networks_of(0, student=3)
    assert AdaptiveWeight(KD(), networks, sample=sample()).measure() > 0.8


def test_the_loss_is_the_share_of_the_objectives_and_so_is_the_gradient() -> None:
    networks = networks_of(0)
    adaptive = AdaptiveWeight(KD(2.0), networks, sample=sample())
    adaptive.share.fill_(0.25)
    student = torch.zeros(1, 3, requires_grad=True)
    batch = Batch(Outputs(student, {}), {"teacher": Outputs(torch.tensor([[2.0, 0.0, 1.0]]), {})})
    loss, whole = adaptive(batch, LABEL, Phase.STUDENT), KD(2.0)(batch, LABEL)
    torch.testing.assert_close(loss, 0.25 * whole)
    ours, theirs = (torch.autograd.grad(one, student, retain_graph=True)[0] for one in (loss, whole))
    torch.testing.assert_close(ours, 0.25 * theirs)


def test_it_measures_every_so_many_epochs_and_leaves_no_other_trace() -> None:
    networks = networks_of(0)
    networks.train()
    adaptive = AdaptiveWeight(KD(), networks, sample=sample(), every=2)
    before, state = weights(networks), torch.get_rng_state()
    found = []
    for epoch in range(4):
        adaptive.share.fill_(-1.0)
        adaptive.set_epoch(epoch)
        found.append(float(adaptive.share) >= 0.0)
    assert found == [True, False, True, False]
    assert same(before, weights(networks))
    assert torch.equal(state, torch.get_rng_state())
    assert networks.student.training
    assert float(copy.deepcopy(adaptive).share) == -1.0


def test_in_one_epoch_it_asks_the_same_networks_once(monkeypatch: pytest.MonkeyPatch) -> None:
    networks = networks_of(0)
    adaptive = AdaptiveWeight(KD(), networks, sample=sample(), every=2)
    asked: list[float] = []

    def share_of(*_: object) -> tuple[float, dict[str, float]]:
        asked.append(float(networks.student.size.detach()))
        return 1.0 / asked[-1], {}

    monkeypatch.setattr(adaptive, "share_of", share_of)
    shares = []
    for epoch in range(5):
        adaptive.set_epoch(epoch)
        adaptive.share.fill_(0.5)  # as a checkpoint does
        adaptive.set_epoch(epoch)
        shares.append(float(adaptive.share))
        with torch.no_grad():
            networks.student.size.add_(1.0)
    assert asked == [3.0, 5.0, 7.0]  # before the epochs 0, 2 and 4
    assert shares == pytest.approx([1 / 3, 0.5, 1 / 5, 0.5, 1 / 7])
    adaptive.measure()
    adaptive.measure()
    assert asked[3:] == [8.0, 8.0]


def test_a_trainer_measures_and_keeps_the_share() -> None:
    x, y = blobs(90)
    networks = tap(teacher=network(8), student=network(5, seed=1), example=x[:2])
    adaptive = AdaptiveWeight(KD(), networks, sample=(x, y), every=2)
    objective = WeightedSum({"labels": CrossEntropy(), "kd": adaptive}, {"kd": 10.0})
    options = TrainerOptions(epochs=2, batch_size=30, progress=False)
    Trainer(networks, objective, options=options, train=(x, y)).fit()
    assert set(adaptive.measured) == {"redundancy", "lower", "mi_teacher", "mi_student", "entropy"}
    twin = AdaptiveWeight(KD(), networks, sample=(x, y))
    twin.load_state_dict(adaptive.state_dict())
    assert float(twin.share) == float(adaptive.share)


def test_what_is_refused() -> None:
    networks = networks_of(0)
    with pytest.raises(InputError, match=r"sample must be a pair \(inputs, labels\) of tensors"):
        AdaptiveWeight(KD(), networks, sample=(torch.zeros(3), [0, 1, 2]))  # type: ignore[arg-type]
    adaptive = AdaptiveWeight(KD(), networks, sample=sample())
    del networks
    with pytest.raises(InputError, match="networks of AdaptiveWeight are gone"):
        adaptive.measure()


def test_what_is_measured_is_no_setting_of_a_run() -> None:
    """Else a run could not be resumed: its student has other weights by then."""
    adaptive = AdaptiveWeight(KD(), networks := networks_of(0), sample=sample())
    described = [describe_objective(adaptive)]
    with torch.no_grad():
        networks.student.size.fill_(0.5)
    assert describe_objective(adaptive) == described[0]
