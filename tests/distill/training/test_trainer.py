"""Whole runs: splits kept apart, the student that is kept, callbacks, interruptions, divergence, the bar."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import Dataset

from pidkit import DivergenceError, InputError
from pidkit.distill import (
    AtomProbe,
    Batch,
    CrossEntropy,
    EpochEnd,
    Networks,
    Objective,
    Phase,
    Phases,
    Trainer,
    TrainerOptions,
    WeightedSum,
    tap,
)
from pidkit.distill.training.stepping import CountedLoss
from tests.distill.toys import blobs, composed, network, same, tapped, weights

OPTIONS = {"epochs": 4, "batch_size": 12, "progress": False}
PHASES: dict[str, Any] = {"warm_up": 1, "cycle": 3, "teacher_share": 1 / 3}


def trainer(
    objective: Callable[..., Any] | None = None,
    *,
    phases: Phases | None = None,
    networks: Networks | None = None,
    **given: Any,
) -> Trainer:
    networks = networks or tapped()
    options = TrainerOptions(**{**OPTIONS, **given.pop("options", {})})
    given = {"train": blobs(36), "validation": blobs(30, seed=1), "test": blobs(30, seed=2), **given}
    return Trainer(networks, (objective or composed)(networks), phases or Phases(**PHASES), options, **given)


def cross_entropy(networks: Networks) -> CrossEntropy:
    return CrossEntropy()


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


def test_a_callback_sees_the_epoch_and_does_not_perturb() -> None:
    seen = []

    def disturb(end: EpochEnd) -> None:
        seen.append((end.epoch, end.phase, end.record.epoch, torch.is_grad_enabled(), end.networks.student.training))
        torch.rand(7)
        end.networks.student.train()
        end.networks.student(blobs(12)[0])  # batch normalisation learns, dropout draws
        end.networks(blobs(12)[0])
        end.objective.terms["followed"].mean_v.fill_(9.0)

    found = []
    for callbacks in ((), (disturb,)):
        networks = tapped(dropout=0.5)
        torch.manual_seed(0)
        run = trainer(networks=networks, on_epoch_end=callbacks)
        run.fit()
        found.append(weights(networks.student, run.objective))
    assert same(*found)
    phases = [Phase.WARM_UP, Phase.TEACHER_FILTER, Phase.STUDENT, Phase.STUDENT]
    assert seen == [(epoch, phase, epoch, False, False) for epoch, phase in enumerate(phases)]


class Once(Objective):
    """Cross-entropy that raises, or turns to NaN, in one step of an epoch."""

    def __init__(self, epoch: int, step: int, error: Any = None) -> None:
        super().__init__()
        self._at: tuple[int, int] | None = (epoch, step)
        self._error, self._epoch, self._step = error, 0, 0

    def set_epoch(self, epoch: int) -> None:
        self._epoch, self._step = epoch, 0

    def student_loss(self, batch: Batch, labels: torch.Tensor) -> torch.Tensor:
        loss = nn.functional.cross_entropy(batch.student.logits, labels)
        at, self._step = (self._epoch, self._step), self._step + 1
        if at != self._at:
            return loss
        if self._error is not None:
            self._at = None
            raise self._error
        return loss * float("nan")


def test_an_interruption_leaves_the_last_epoch_and_can_be_taken_up(tmp_path: Path) -> None:
    plain = tapped(dropout=0.3)
    torch.manual_seed(0)
    trainer(lambda networks: Once(9, 9), phases=Phases(), networks=plain).fit()

    networks = tapped(dropout=0.3)
    torch.manual_seed(0)
    run = trainer(lambda n: Once(2, 1, KeyboardInterrupt()), phases=Phases(), networks=networks, path=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        run.fit()
    assert networks(blobs(6)[0]).student.layer("1").shape == (6, 5)  # the hooks still work
    assert len(json.loads((tmp_path / "history.json").read_text())["epochs"]) == 2
    torch.rand(3)  # what is drawn in between does not count
    history = run.fit()
    assert [record.epoch for record in history.epochs] == [0, 1, 2, 3]
    assert same(weights(plain.student), weights(networks.student))


def test_an_interruption_without_a_path_cannot_be_taken_up() -> None:
    run = trainer(lambda networks: Once(2, 1, KeyboardInterrupt()), phases=Phases())
    with pytest.raises(KeyboardInterrupt):
        run.fit()
    with pytest.raises(InputError, match="fit was interrupted within an epoch, and there is no checkpoint in path"):
        run.fit()


def test_divergence_names_its_place_and_leaves_the_checkpoint(tmp_path: Path) -> None:
    networks = tapped()
    summed = lambda n: WeightedSum({"labels": CrossEntropy(), "odd": Once(2, 1)})  # noqa: E731
    run = trainer(summed, phases=Phases(), networks=networks, path=tmp_path)
    message = r"epoch 2 \(student phase\), not finite in step 1: loss = nan, term odd = nan, gradient norm = nan; lower"
    with pytest.raises(DivergenceError, match=message):
        run.fit()
    assert all(torch.isfinite(p).all() for p in networks.student.parameters())  # the step was not taken
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert saved["phases"]["epoch"] == 2
    assert len(saved["history"]["epochs"]) == 2


def test_a_rate_that_is_too_high_diverges_with_a_clear_message() -> None:
    class Quartic(Objective):
        def student_loss(self, batch: Batch, labels: torch.Tensor) -> torch.Tensor:
            return batch.student.logits.pow(4).mean()

    options = {"learning_rate": 10.0, "clip_norm": None, "epochs": 50}
    with pytest.raises(DivergenceError, match=r"lower the learning rate \(now student 10\) or set clip_norm"):
        trainer(lambda networks: Quartic(), phases=Phases(), networks=tapped(norm=False), options=options).fit()


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


def test_an_atom_probe_is_a_callback() -> None:
    found = []
    for probed in (False, True):
        networks = tapped(dropout=0.5)
        torch.manual_seed(0)
        with AtomProbe(networks, sample=blobs(60, seed=3), logits=False, n_null=0) as probe:
            callbacks = [lambda end, probe=probe: probe.step(end.epoch)] if probed else []
            trainer(networks=networks, on_epoch_end=callbacks).fit()
        found.append(weights(networks.student))
    assert same(*found)
    assert len(probe.records.curve("redundancy")[1]) == 4
