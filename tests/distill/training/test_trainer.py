"""Whole runs: splits kept apart, the student that is kept, accumulation, compiled students, what is refused."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import Dataset

from pidkit import InputError
from pidkit.distill import (
    KD,
    CrossEntropy,
    EpochEnd,
    History,
    Linear,
    Phases,
    WeightedSum,
    tap,
)
from pidkit.distill.training.stepping import CountedLoss
from tests.distill.toys import blobs, network, same, tapped, weights
from tests.distill.training.short_runs import PHASES, cross_entropy, trainer


class Guarded(Dataset[Any]):
    """Samples that must not be read before they are unlocked."""

    def __init__(self, n: int) -> None:
        self.x, self.y = blobs(n)
        self.locked = True

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, row: int) -> tuple[torch.Tensor, int]:
        assert not self.locked, "test data were read"
        return self.x[row], int(self.y[row])


def test_a_run_through_all_phases() -> None:
    run = trainer(options={"epochs": 5, "learning_rates": {"sigma": 0.01}})
    history = run.fit()
    assert [record.phase for record in history.epochs] == [
        "warm-up",
        "teacher-filter",
        "student",
        "student",
        "teacher-filter",
    ]
    assert [record.epoch for record in history.epochs] == [0, 1, 2, 3, 4]
    assert history.kept_epoch == 4
    student = history.epochs[2]
    assert student.loss == pytest.approx(student.terms["labels"] + 0.5 * student.terms["followed"], rel=1e-5)
    assert history.epochs[1].terms["labels"] == 0.0
    assert history.epochs[0].learning_rates["sigma"] == 0.01
    assert history.epochs[3].validation_accuracy == run.evaluate("validation").accuracy
    assert all(record.seconds > 0 and record.gradient_norm > 0 for record in history.epochs)
    assert run.fit() is history  # it has ended


def test_it_learns() -> None:
    run = trainer(cross_entropy, phases=Phases(), options={"epochs": 20}, train=blobs(120))
    run.fit()
    assert run.test().accuracy > 0.8
    assert run.evaluate("train").accuracy > 0.8


def test_fit_does_not_touch_the_test_data() -> None:
    guarded = Guarded(30)
    run = trainer(cross_entropy, phases=Phases(), test=guarded, options={"keep": "best-validation"})
    with pytest.raises(InputError, match="test is called before fit has ended; only then is the student chosen"):
        run.test()
    run.fit()
    with pytest.raises(AssertionError, match="test data were read"):
        run.test()
    guarded.locked = False
    assert run.test().n_samples == 30


def test_the_test_data_have_no_part_in_the_result() -> None:
    found = []
    for test in (blobs(30, seed=2), (torch.full((5, 4), float("nan")), torch.zeros(5, dtype=torch.int64))):
        networks = tapped()
        trainer(networks=networks, test=test, options={"keep": "best-validation"}).fit()
        found.append(weights(networks.student))
    assert same(*found)


def test_evaluate_knows_train_and_validation_alone() -> None:
    run = trainer(validation=None, test=None)
    with pytest.raises(
        InputError, match=r"split must be 'train' or 'validation', not 'test'; for test data call test\(\)"
    ):
        run.evaluate("test")
    with pytest.raises(InputError, match="validation data are not given; pass validation= to Trainer"):
        run.evaluate("validation")
    history = run.fit()
    assert history.epochs[0].validation_accuracy is None
    with pytest.raises(InputError, match="test data are not given"):
        run.test()


def test_the_student_of_the_best_epoch_is_kept() -> None:
    """At a rate that makes the accuracy jump about, the best epoch is not the last."""
    networks, seen = tapped(), {}

    def remember(end: EpochEnd) -> None:
        seen[end.epoch] = weights(end.networks.student)

    options = {"epochs": 8, "keep": "best-validation", "learning_rate": 1.5}
    run = trainer(cross_entropy, phases=Phases(), networks=networks, options=options, on_epoch_end=[remember])
    history = run.fit()
    best = max(a for record in history.epochs if (a := record.validation_accuracy) is not None)
    first = next(record.epoch for record in history.epochs if record.validation_accuracy == best)
    assert history.kept_epoch == first != 7
    assert same(seen[first], weights(networks.student))
    assert run.evaluate("validation").accuracy == best


def test_the_best_on_validation_needs_validation_data() -> None:
    with pytest.raises(InputError, match="keep='best-validation' needs validation="):
        trainer(validation=None, options={"keep": "best-validation"})


def test_tensors_and_datasets_train_the_same() -> None:
    found = []
    x, y = blobs(36)
    guarded = Guarded(36)
    guarded.locked = False
    for train in ((x, y), torch.utils.data.TensorDataset(x, y), guarded):
        networks = tapped(dropout=0.5)
        torch.manual_seed(0)
        trainer(networks=networks, train=train).fit()
        found.append(weights(networks.student))
    assert same(found[0], found[1])
    assert same(found[0], found[2])


def test_accumulation_equals_a_larger_batch() -> None:
    found = []
    for options in ({"batch_size": 12}, {"batch_size": 6, "accumulate": 2}, {"batch_size": 4, "accumulate": 3}):
        networks = tapped(norm=False, dtype=torch.float64)
        x, y = blobs(36, dtype=torch.float64)
        given: dict[str, Any] = {
            "networks": networks,
            "train": (x, y),
            "validation": None,
            "test": None,
            "options": options,
        }
        history = trainer(cross_entropy, phases=Phases(), **given).fit()
        found.append(
            torch.cat([w.flatten() for w in weights(networks.student)] + [torch.tensor([history.epochs[-1].loss])])
        )
    assert torch.allclose(found[1], found[0], rtol=0.0, atol=1e-12)
    assert torch.allclose(found[2], found[0], rtol=0.0, atol=1e-12)


def test_global_state_is_left_alone_but_for_what_layers_draw() -> None:
    state = torch.get_rng_state()
    trainer().fit()  # no dropout: nothing is drawn
    assert torch.equal(state, torch.get_rng_state())
    assert torch.get_default_dtype() == torch.float32
    assert torch.is_grad_enabled()


def test_an_objective_of_ones_own_without_a_sum() -> None:
    history = trainer(cross_entropy, phases=Phases()).fit()
    assert history.epochs[0].terms == {}


def test_phases_that_have_begun_are_refused() -> None:
    phases = Phases(**PHASES)
    phases.advance()
    with pytest.raises(InputError, match="phases stands at epoch 1; a new run needs new Phases"):
        trainer(phases=phases)


def test_a_student_without_parameters_is_refused() -> None:
    networks = tap(teacher=network(3), student=nn.Identity(), example=torch.zeros(2, 4))
    with pytest.raises(InputError, match="networks holds a student without parameters"):
        trainer(cross_entropy, phases=Phases(), networks=networks)


def test_the_bar_is_shown_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    trainer(options={"progress": None}).fit()
    assert capsys.readouterr().err == ""  # no terminal
    trainer(options={"progress": True}).fit()
    assert "epoch 3 (student)" in capsys.readouterr().err


def test_a_wrapper_gets_the_whole_loss() -> None:
    wrapped = []

    def wrap(module: CountedLoss) -> CountedLoss:
        wrapped.append(module)
        return module

    run = trainer(wrap=wrap)
    assert {id(p) for p in run.objective.parameters()} <= {id(p) for p in wrapped[0].parameters()}
    run.fit()


def test_a_compiled_student_trains_and_its_checkpoint_fits_the_plain_one(tmp_path: Path) -> None:
    torch.compiler.reset()
    networks = tapped()
    compiled: Any = torch.compile(networks.student, backend="eager")
    networks.student = compiled
    trainer(networks=networks, path=tmp_path).fit()
    plain = tapped()
    trainer(networks=plain, path=tmp_path, resume=True, phases=Phases(**PHASES)).fit()
    assert same(weights(compiled._orig_mod), weights(plain.student))
    torch.compiler.reset()


@pytest.mark.parametrize("class_axis", [1, -1])
def test_accuracies_of_places_are_shares_and_choose_the_epoch(class_axis: int) -> None:
    """A linear classifier of every token; a count of tokens over the samples was 12 in place of a share."""

    class Places(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.classes = nn.Linear(4, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.classes(x) if class_axis == -1 else self.classes(x).movedim(-1, 1)

    x, y = blobs(60)
    sequences = x.reshape(12, 5, 4), y.reshape(12, 5)
    networks = tap(student=Places(), example=sequences[0][:1], class_axis=class_axis)
    run = trainer(
        cross_entropy,
        networks=networks,
        phases=Phases(),
        train=sequences,
        validation=sequences,
        test=sequences,
        options={"keep": "best-validation", "batch_size": 5},
    )
    history = run.fit()
    classifier: Any = networks.student
    share = float((classifier.classes(x).argmax(1) == y).double().mean())
    assert all(0.0 <= record.train_accuracy <= 1.0 for record in history.epochs)
    assert max(record.validation_accuracy or 0.0 for record in history.epochs) == pytest.approx(share)
    assert run.test().accuracy == pytest.approx(share)
    assert share > 0.5


def test_data_without_labels_train_by_the_teacher_alone() -> None:
    x, y = blobs(36)
    y[12:] = -100  # of many batches none has a label
    half = trainer(lambda networks: WeightedSum({"labels": CrossEntropy(), "kd": KD()}), phases=Phases(), train=(x, y))
    for record in half.fit().epochs:
        assert record.train_accuracy is not None
        assert (12 * record.train_accuracy) == pytest.approx(round(12 * record.train_accuracy))
    none = trainer(lambda networks: KD(), phases=Phases(), train=(x, None))
    history = none.fit()
    assert [record.train_accuracy for record in history.epochs] == [None] * 4
    assert "train accuracy" not in repr(history)
    assert History.from_dict(history.to_dict()) == history
    same_loss = trainer(lambda networks: KD(), phases=Phases(), train=(x, y)).fit()
    assert [record.loss for record in history.epochs] == [record.loss for record in same_loss.epochs]


def test_soft_labels_train_and_learning_rates_move_with_the_steps() -> None:
    x, y = blobs(36)
    soft = 0.7 * nn.functional.one_hot(y, 3) + 0.1
    rates: list[float] = []

    def augment(x: torch.Tensor, draws: torch.Generator) -> torch.Tensor:
        rates.append(run._run.optimiser.param_groups[0]["lr"])
        return x

    run: Any = trainer(
        cross_entropy,
        phases=Phases(),
        train=(x, soft),
        options={"schedule": Linear(length=4, per="step"), "learning_rate": 1.0, "epochs": 4},
        augment=augment,
    )
    history = run.fit()
    assert rates == pytest.approx([1.0 - step / 12 for step in range(12)])
    assert [record.learning_rates["student"] for record in history.epochs] == pytest.approx([1.0, 0.75, 0.5, 0.25])
    assert all(0.1 <= (record.train_accuracy or 0.0) <= 0.8 for record in history.epochs)
    assert run.test().accuracy > 0.8
