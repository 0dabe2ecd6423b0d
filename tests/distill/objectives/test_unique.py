"""UniqueWeight: shares of known layers, the loss, that it leaves no trace, what is refused."""

from typing import Any

import pytest
import torch
from torch import nn

from pidkit import InputError
from pidkit.distill import Batch, FitNet, LayerPair, Networks, Outputs, Phase, UniqueWeight, tap
from pidkit.nn.seeding import own_random_state


class Shown(nn.Module):
    """Shows three columns of its input, and answers with them."""

    def __init__(self, start: int) -> None:
        super().__init__()
        self.start, self.layer, self.size = start, nn.Identity(), nn.Parameter(torch.tensor(3.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shown: torch.Tensor = self.layer(x[:, self.start : self.start + 3])
        return self.size * shown


def sample(n: int = 360) -> tuple[torch.Tensor, torch.Tensor]:
    """The label in the first three columns, another one in the next three; both with noise."""
    with own_random_state(0):
        y, other = torch.randperm(n) % 3, torch.randint(3, (n,))
        hot = torch.cat([nn.functional.one_hot(y, 3), nn.functional.one_hot(other, 3)], 1)
        return hot + 0.3 * torch.randn(n, 6), y


def weight_of(teacher: int, student: int, **options: Any) -> tuple[UniqueWeight, Networks]:
    networks = tap(teacher=Shown(teacher), student=Shown(student), layers=["layer"], example=torch.zeros(2, 6))
    return UniqueWeight(FitNet(networks.pairs), networks, networks.pairs[0], sample=sample(), **options), networks


def test_a_layer_of_the_task_counts_and_none_of_another_or_that_the_student_has() -> None:
    shares = {}
    for name, (teacher, student) in {"new": (0, 3), "another task": (3, 0), "known": (0, 0), "neither": (3, 3)}.items():
        unique, networks = weight_of(teacher, student)
        assert float(unique.share) == 0.0
        shares[name] = unique.measure()
        assert float(unique.share) == pytest.approx(shares[name])
        assert unique.measured["entropy"] == pytest.approx(1.585, abs=1e-3)
        assert networks.student.training
    assert shares["new"] == 1.0
    assert shares["another task"] == shares["known"] == shares["neither"] == 0.0


class Deep(nn.Module):
    """Shows another label's columns first, the label's own next, and answers with the latter."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.later, self.size = nn.Identity(), nn.Identity(), nn.Parameter(torch.tensor(3.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.layer(x[:, 3:])
        shown: torch.Tensor = self.later(x[:, :3])
        return self.size * shown


def test_what_the_student_tells_in_any_of_its_layers_does_not_count() -> None:
    networks = tap(teacher=Deep(), student=Deep(), layers=["layer", "later"], example=torch.zeros(2, 6))
    pair = LayerPair("later", "layer", (3,), (3,))  # the teacher's layer of the label, the student's of the other one
    own, everywhere = (
        UniqueWeight(FitNet([pair]), networks, pair, sample=sample(), student_layers=layers)
        for layers in (["layer"], None)
    )
    assert everywhere.student_layers == ("layer", "later")
    assert own.measure() == 1.0
    assert everywhere.measure() == 0.0
    for layers, found in (([], "none"), (["layer", "pool"], "'pool'")):
        with pytest.raises(InputError, match=f"^student_layers must be tapped layers .* layer, later; not {found}"):
            UniqueWeight(FitNet([pair]), networks, pair, sample=sample(), student_layers=layers)


def test_one_of_several_teachers_is_measured() -> None:
    teachers = {"task": Shown(0), "nuisance": Shown(3)}
    networks = tap(teacher=teachers, student=Shown(3), layers=["layer"], example=torch.zeros(2, 6))
    found = {}
    for name in teachers:
        pair = networks.pairs_of(name)[0]
        unique = UniqueWeight(FitNet([pair]), networks, pair, sample=sample(), teacher=name)
        assert unique.student_layers == ("layer",)
        found[name] = unique.measure()
    assert found == {"task": 1.0, "nuisance": 0.0}


def test_by_degrees_it_is_the_lower_end_of_what_the_teacher_alone_tells() -> None:
    unique, _ = weight_of(0, 3, gradual=True)
    share, found = unique.measure(), unique.measured
    assert share == pytest.approx(found["lower"] / found["entropy"])
    assert 0.0 < found["lower"] < found["unique_teacher"]
    # The student tells nothing; its held-out score is a little below zero.
    assert found["unique_teacher"] == pytest.approx(found["mi_teacher"], abs=0.1)


@pytest.mark.parametrize(("share", "counts", "by_degrees"), [(0.0, 0, 0), (0.0999, 0, 0), (0.1, 1, 0.1), (0.7, 1, 0.7)])
def test_a_share_below_the_least_does_not_count(
    share: float, counts: float, by_degrees: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pidkit.distill.objectives.unique.unique_share", lambda *_, **__: (share, {}))
    options: list[dict[str, Any]] = [{"least": 0.1}, {"least": 0.1, "gradual": True}, {"least": 0.0}]
    made = [weight_of(0, 3, **one) for one in options]  # networks too: they are only referred to
    expected = [counts, by_degrees, float(share > 0.0)]
    assert [unique.measure() for unique, _ in made] == pytest.approx(expected)


def test_the_loss_is_the_share_of_the_objectives_in_the_students_phase_alone() -> None:
    unique, _ = weight_of(0, 3)
    unique.share.fill_(0.25)
    layer = torch.tensor([[1.0, 0.0, 2.0]], requires_grad=True)
    batch = Batch(
        Outputs(torch.zeros(1, 3), {"layer": layer}),
        {"teacher": Outputs(torch.zeros(1, 3), {"layer": torch.tensor([[0.0, 1.0, 1.0]])})},
    )
    whole = unique.objective(batch, torch.tensor([0]), Phase.STUDENT)
    loss = unique(batch, torch.tensor([0]), Phase.STUDENT)
    torch.testing.assert_close(loss, 0.25 * whole)
    ours, theirs = (torch.autograd.grad(one, layer, retain_graph=True)[0] for one in (loss, whole))
    torch.testing.assert_close(ours, 0.25 * theirs)
    torch.testing.assert_close(
        unique(batch, torch.tensor([0]), Phase.WARM_UP), unique.objective(batch, torch.tensor([0]), Phase.WARM_UP)
    )


def test_no_pair_is_refused() -> None:
    networks = tap(teacher=Shown(0), student=Shown(0), layers=["layer"], example=torch.zeros(2, 6))
    with pytest.raises(InputError, match=r"^pair must be a LayerPair, one of networks\.pairs, not str"):
        UniqueWeight(FitNet(networks.pairs), networks, "layer", sample=sample())  # type: ignore[arg-type]
    assert isinstance(networks.pairs[0], LayerPair)
