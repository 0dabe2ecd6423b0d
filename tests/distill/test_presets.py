"""Presets: values against formulas worked by hand, schedules epoch by epoch, what differs by paper, what is refused."""

import math
from typing import Any

import pytest
import torch

from pidkit import InputError
from pidkit.distill import Batch, LayerPair, Outputs, Phase, SalientMask, preset
from pidkit.distill.presets import WEIGHTS
from pidkit.distill.training.schedules import factor_at

PAIR = LayerPair("t", "s", (4, 2, 2), (2, 2, 2))
N_CLASSES = 10
LABELS = torch.arange(6) % N_CLASSES


def constant(filters: Any, value: float) -> None:
    """Let every filter put out one number."""
    with torch.no_grad():
        for one in filters:
            one.layers[-1].weight.zero_()
            one.layers[-1].bias.fill_(value)


def batch_of(teacher: float, student: float) -> Batch:
    """Layers of one value; logits of zero, whose cross-entropy is log 10."""
    logits = torch.zeros(6, N_CLASSES)
    ours = Outputs(logits, {"s": torch.full((6, 2, 2, 2), student)})
    return Batch(ours, {"teacher": Outputs(logits, {"t": torch.full((6, 4, 2, 2), teacher)})}, torch.arange(6))


@pytest.mark.parametrize(("reduction", "wanted"), [("mean", 25.0 + 9.0 / 5.0), ("sum", 2 * 25.0 + 8 * 9.0 / 5.0)])
def test_rid_by_hand(reduction: Any, wanted: float) -> None:
    # sigma 5, V = 3, two channels of four places: mean sigma^2 + V^2 / sigma; or the sums. Weight 10, beside log 10.
    objective = preset("rid", "rid-cifar-10", pairs=[PAIR], n_classes=N_CLASSES, reduction=reduction).objective.eval()
    rid = objective.terms["rid"]
    constant(rid.teacher_filters, 3.0)
    constant(rid.student_filters, 0.0)
    loss = objective(batch_of(1.0, 1.0), LABELS, Phase.STUDENT)
    assert float(loss.detach()) == pytest.approx(math.log(10.0) + 10.0 * wanted, rel=1e-5)
    # f_s is twice as wide as the student, and heads see flattened maps.
    assert rid.student_filters[0].layers[0].weight.shape == (4, 2, 1)
    assert rid.heads[0].linear.weight.shape == (N_CLASSES, 2 * 4)


@pytest.mark.parametrize(
    ("paper", "weight"), [("rid-cifar-10", 100.0), ("rid-cub", 100.0), ("rid-cifar-100", 100.0), ("crd-cifar-100", 1.0)]
)
@pytest.mark.parametrize(("reduction", "size"), [("mean", 1), ("sum", 16)])
def test_vid_by_hand(paper: Any, weight: float, reduction: Any, size: int) -> None:
    # mu = 0, T = 2, sigma^2 = 5: log 5 / 2 + 4 / 10, times 4 channels x 4 places for the sum.
    objective = preset("vid", paper, pairs=[PAIR], n_classes=N_CLASSES, reduction=reduction).objective.eval()
    constant(objective.terms["vid"].means, 0.0)
    loss = objective(batch_of(2.0, 1.0), LABELS)
    wanted = math.log(10.0) + weight * size * (math.log(5.0) / 2.0 + 0.4)
    assert float(loss.detach()) == pytest.approx(wanted, rel=1e-5)
    assert sum(p.ndim == 3 for p in objective.terms["vid"].means.parameters()) == 3


def test_ted_by_hand() -> None:
    chosen = preset("ted", "rid-cifar-10", pairs=[PAIR], n_classes=N_CLASSES)
    objective = chosen.objective.eval()
    constant(objective.terms["ted"].teacher_filters, 3.0)
    constant(objective.terms["ted"].student_filters, 1.0)
    loss = objective(batch_of(1.0, 1.0), LABELS, Phase.STUDENT)
    assert float(loss.detach()) == pytest.approx(math.log(10.0) + 10.0 * 4.0, rel=1e-5)
    assert [chosen.phases.at(epoch) for epoch in (29, 30, 299)] == [Phase.WARM_UP, Phase.STUDENT, Phase.STUDENT]


def test_sfkd_and_mimkd_by_their_parts() -> None:
    masked = preset("sfkd", "crd-cifar-100", pairs=[PAIR], n_classes=N_CLASSES).objective.terms["sfkd"]
    assert isinstance(masked, SalientMask)
    assert masked.keep == 0.5
    assert [str(masked.fill), str(masked.logits)] == ["zero", "magnitude"]
    assert repr(masked.objective) == "KD(temperature=4)"
    pair = LayerPair("t", "s", (4, 2, 2), (4, 2, 2))
    mimkd = preset("mimkd", "crd-cifar-100", pairs=[pair], n_classes=N_CLASSES).objective.terms["mimkd"]
    assert mimkd.weights == {"global": 1.0, "local": 0.75, "feature": 1.0}
    assert {name: type(critic).__name__ for name, critic in mimkd.critics.items()} == {
        "global": "ProjectAndDot",
        "local": "ConcatenateAndConvolve",
        "feature_0": "ConcatenateAndConvolve",
    }


@pytest.mark.parametrize(
    ("paper", "epochs", "rates"),
    [
        ("rid-cifar-10", 300, {0: 0.05, 149: 0.05, 150: 0.01, 200: 0.002}),
        ("rid-cifar-100", 250, {0: 0.1, 60: 0.02, 120: 0.004, 160: 0.0008}),
        ("rid-cub", 250, {149: 0.1, 150: 0.02, 200: 0.004}),
        ("crd-cifar-100", 240, {149: 0.05, 150: 0.005, 180: 0.0005, 210: 0.00005}),
    ],
)
def test_schedules_by_epoch(paper: Any, epochs: int, rates: dict[int, float]) -> None:
    chosen = preset("vid", paper, pairs=[PAIR], n_classes=N_CLASSES)
    assert chosen.options.epochs == epochs
    assert chosen.options.weight_decay == 5e-4
    schedules = chosen.options.schedules
    for epoch, rate in rates.items():
        factor = factor_at(schedules, chosen.phases, epoch)
        assert chosen.options.learning_rate * factor == pytest.approx(rate)


def test_rids_phases_are_those_of_its_algorithm() -> None:
    phases = preset("rid", "rid-cifar-10", pairs=[PAIR], n_classes=N_CLASSES).phases
    counts = {phase: sum(phases.at(epoch) is phase for epoch in range(300)) for phase in Phase}
    # 30 of warm-up; 270 = 9 cycles of 30 with ceil(30 / 4) = 8 for the teacher's filter.
    assert counts == {Phase.WARM_UP: 30, Phase.TEACHER_FILTER: 72, Phase.STUDENT: 198}


@pytest.mark.parametrize(("name", "paper"), WEIGHTS)
def test_every_preset_has_its_weights_and_a_finite_loss(name: Any, paper: Any) -> None:
    maps = LayerPair("t", "s", (N_CLASSES, 2, 2), (N_CLASSES, 2, 2)) if name == "catkd" else PAIR
    with torch.random.fork_rng():
        torch.manual_seed(0)
        chosen = preset(name, paper, pairs=[maps], n_classes=N_CLASSES, labels=torch.arange(6))
        ours, theirs = torch.randn(6, *maps.student_shape), torch.randn(6, *maps.teacher_shape)
        logits = torch.randn(2, 6, N_CLASSES)
        batch = Batch(Outputs(logits[0], {"s": ours}), {"teacher": Outputs(logits[1], {"t": theirs})}, torch.arange(6))
        loss = chosen.objective(batch, LABELS, Phase.STUDENT)
    assert bool(torch.isfinite(loss))
    assert chosen.objective.weights == WEIGHTS[name, paper]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"name": "rid", "paper": "rid-cub"},
            "paper 'rid-cub' has no settings of name 'rid'; there are 'rid' of 'rid-cif",
        ),
        ({"name": "sp", "reduction": "sum"}, "reduction='sum' is printed for rid, vid, ted and fitnet, not for 'sp'"),
        ({"name": "crd"}, "labels are missing: 'crd' remembers every training sample"),
    ],
)
def test_what_is_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        preset(**{"paper": "crd-cifar-100", "pairs": [PAIR], "n_classes": N_CLASSES, **changed})
