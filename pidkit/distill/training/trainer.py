"""The training loop: epochs in their phases, checkpoints, and a student chosen on validation data alone."""

from __future__ import annotations

import contextlib
import functools
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tqdm import tqdm

from pidkit.arguments import flag, items_of, one_of
from pidkit.distill.distillation import Distillation
from pidkit.distill.networks import STUDENT, Networks
from pidkit.distill.objective import Objective
from pidkit.distill.phases import Phases
from pidkit.distill.training.callbacks import Callback, EpochEnd, call_back
from pidkit.distill.training.data import Augment, as_split
from pidkit.distill.training.epoch import epoch_rows, train_epoch
from pidkit.distill.training.evaluation import Evaluation, evaluate
from pidkit.distill.training.folder import RunFolder
from pidkit.distill.training.history import EpochRecord, History
from pidkit.distill.training.mixing import Mix
from pidkit.distill.training.optimisers import learning_rates, make_optimiser, parameter_groups, set_learning_rates
from pidkit.distill.training.options import TRAINING_DTYPES, TrainerOptions
from pidkit.distill.training.processes import barrier, rank_and_size, share_buffers, wrap_distributed
from pidkit.distill.training.random_state import check_random_state, set_random_state
from pidkit.distill.training.run import Run
from pidkit.distill.training.settings import check_filters_learn, describe_run
from pidkit.distill.training.stepping import Stepper, Wrap
from pidkit.errors import InputError


class Trainer:
    """Trains a student through all phases; resumable, in one process or several.

    Only `train` is learnt from, only `validation` chooses between epochs, and `test` is not touched before `test()`.

    Parameters
    ----------
    networks : Networks
        From `tap`. Teachers and objective are moved to the device of the student.
    objective : Objective
    phases : Phases, optional
        At epoch 0; None is the student's phase throughout, for objectives that know no other.
    options : TrainerOptions, optional
    train, validation, test : (x, labels), TensorDataset, Dataset or DataLoader
        x is a tensor or numpy array, or a mapping of these where the networks take several inputs by name; labels are
        int64, probabilities (n, n_classes, ...), or None where there are none. Tensors are indexed in place, on
        whatever device they lie; other datasets go through a DataLoader, their samples being pairs (x, label) or
        mappings with an entry "labels". Of a DataLoader the dataset, the collating function, the workers and their
        options are taken; order and batch size are those of the options.
    augment, mix : callable, optional
        augment(x, generator) -> x and then mix(x, labels, generator) -> (x, soft labels), such as `Mixup`, on training
        batches, after they reached the device; draw from the generator.
    path : path, optional
        A folder of this run alone, for checkpoint.pt and history.json; made if need be. While `fit` runs, a lock in it
        keeps other Trainers out.
    resume : bool
        Go on from the checkpoint in `path`; where there is none yet, start.
    on_epoch_end : iterable of callable
        Each called with an `EpochEnd` before the epoch is saved, in the first process. The networks are in eval mode
        and without gradients meanwhile; modes, buffers and random state are put back. After a kill, an epoch may be
        seen twice.
    wrap : callable
        Makes a module work in several processes: by default DistributedDataParallel where torch.distributed is
        initialised; or Accelerate's `prepare`.

    Attributes
    ----------
    history : History

    Raises
    ------
    InputError
        If an argument cannot be used, `phases` never trains filters that the objective has, `path` holds a run that is
        not to be resumed, or one with other settings (the first difference is named).

    Notes
    -----
    On the CPU a resumed run is bit-identical to one that was never interrupted. Order, loading and augmentation draw
    from generators made of `options.rng` and the epoch; dropout and its like from torch's global generator, whose
    state is in the checkpoint.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from pidkit.distill import CrossEntropy, tap
    >>> x, y = torch.randn(40, 4), torch.arange(40) % 2
    >>> networks = tap(teacher=nn.Linear(4, 2), student=nn.Linear(4, 2), example=x)
    >>> options = TrainerOptions(epochs=2, batch_size=10)
    >>> trainer = Trainer(networks, CrossEntropy(), options=options, train=(x[:20], y[:20]), test=(x[20:], y[20:]))
    >>> [record.phase for record in trainer.fit().epochs], trainer.test().n_samples
    (['student', 'student'], 20)
    """

    def __init__(
        self,
        networks: Networks,
        objective: Objective,
        phases: Phases | None = None,
        options: TrainerOptions | None = None,
        *,
        train: object,
        validation: object | None = None,
        test: object | None = None,
        augment: Augment | None = None,
        mix: Mix | None = None,
        path: str | os.PathLike[str] | None = None,
        resume: bool = False,
        on_epoch_end: Iterable[Callback] = (),
        wrap: Wrap = wrap_distributed,
    ) -> None:
        """Check everything, and take up the run in `path` if it is to be resumed."""
        flag("resume", resume)
        self.networks, self.objective = networks, objective
        self.phases, self.options = phases or Phases(), options or TrainerOptions()
        check_filters_learn(objective, self.phases, self.options.epochs)
        self._train = as_split(train, "train", workers=self.options.workers)
        self._validation, self._test = (
            None if data is None else as_split(data, name, workers=self.options.workers)
            for data, name in ((validation, "validation"), (test, "test"))
        )
        if self.options.keep == "best-validation" and validation is None:
            raise InputError("keep='best-validation' needs validation=, the data to choose the epoch on")
        distillation = Distillation(networks, objective)
        first = next(networks.student.parameters(), None)
        if first is None:
            raise InputError("networks holds a student without parameters; there is nothing to train")
        distillation.to(first.device)
        optimiser = make_optimiser(parameter_groups(networks.student, objective), self.options)
        self._stepper = Stepper(distillation, optimiser, self.options, augment=augment, mix=mix)
        self._run = Run(networks, objective, optimiser, self._stepper.scaler, self.phases, History())
        self._callbacks = items_of("on_epoch_end", on_epoch_end)
        self._steps_an_epoch = -(-len(epoch_rows(self._train, self.options, 0)) // self.options.accumulate)
        settings = describe_run(
            student=networks.student,
            objective=objective,
            phases=self.phases,
            options=self.options,
            train=self._train,
            validation=self._validation,
            augment=augment,
            mix=mix,
        )
        self._folder = RunFolder(None if path is None else Path(path), settings)
        self._random: dict[str, Any] | None = None
        self._between_epochs, self._ended = True, False
        state = self._folder.open(resume=resume)
        if state is not None:
            self._restore(state)
        elif self.phases.epoch:
            raise InputError(f"phases stands at epoch {self.phases.epoch}; a new run needs new Phases")
        # Wrapped last: wrappers send the first process's weights to the others.
        self._stepper.wrap(wrap)
        barrier()

    @property
    def history(self) -> History:
        """Return what the epochs so far were like."""
        return self._run.history

    def fit(self) -> History:
        """Train until the last epoch, and leave the student that `options.keep` says in `networks.student`.

        An interruption (Ctrl-C, an error, a kill) leaves the checkpoint of the last finished epoch. Called again, or in
        a new Trainer with resume=True, it goes on from there.

        Raises
        ------
        DivergenceError
            If a loss or the norm of the gradients is not finite.
        InputError
            If the run was interrupted within an epoch and has no `path` to go back to, another Trainer is at work in
            `path` (its process is named) or has written to it, or the objective has nothing to learn in a phase.
        """
        with self._folder.held(), self._bar() as bar:
            if not self._between_epochs:
                self._go_back()
            if self._random is not None:
                # Only now: what the caller drew since the trainer was made does not count.
                set_random_state(self._random)
                self._random = None
            elif not self.history.epochs:
                self._folder.save(self._run)
            while self.phases.epoch < self.options.epochs:
                self._between_epochs = False
                self._run_epoch(bar)
                self._between_epochs = True
            if not self._ended:
                self._run.choose(self.options.keep)
                self._folder.save_history(self.history)
                self._ended = True
        return self.history

    def evaluate(self, split: str) -> Evaluation:
        """Return how good the student is now on "train" (not augmented) or "validation"; call it in every process.

        Raises
        ------
        InputError
            If `split` is another (for test data there is `test()`), or was not given.
        """
        one_of("split", split, ("train", "validation"), remedy="for test data call test()")
        return self._evaluate(self._train if split == "train" else self._validation, split)

    def test(self) -> Evaluation:
        """Return how good the student that `fit` left is on the test data: at the end, in all processes.

        Raises
        ------
        InputError
            If `fit` has not ended, or there are no test data.
        """
        if not self._ended:
            raise InputError("test is called before fit has ended; only then is the student chosen")
        return self._evaluate(self._test, "test")

    def _evaluate(self, data: object | None, name: str) -> Evaluation:
        if data is None:
            raise InputError(f"{name} data are not given; pass {name}= to Trainer")
        share_buffers(self.networks)
        return evaluate(
            self.networks.student,
            data,
            precision=TRAINING_DTYPES[self.options.precision],
            class_axis=self.networks.class_axis,
            logits=self.networks.pick_of(STUDENT),
            mask=self.networks.mask,
            metrics=self.options.metrics,
        )

    def _run_epoch(self, bar: Any) -> None:
        """Train an epoch, record it, tell the callbacks, move on and save."""
        epoch, phase, began = self.phases.epoch, self.phases.current, time.perf_counter()
        bar.set_description(f"epoch {epoch} ({phase.value})")
        set_rates = functools.partial(set_learning_rates, self._run.optimiser, self.options, self.phases, epoch)
        set_rates(0.0)
        rates = learning_rates(self._run.optimiser)
        self.objective.set_epoch(epoch)
        self.networks.train()
        self.objective.train()
        before_step = set_rates if self.options.schedules[phase].per == "step" else None
        means = train_epoch(
            self._stepper, self._train, epoch=epoch, phase=phase, before_step=before_step, on_step=bar.update
        )
        self._run.optimiser.zero_grad(set_to_none=True)
        validated = None if self._validation is None else self._evaluate(self._validation, "validation")
        record = EpochRecord(
            epoch=epoch,
            phase=phase.value,
            loss=means.loss,
            terms=means.terms,
            gradient_norm=means.gradient_norm,
            train_accuracy=means.accuracy,
            validation_accuracy=None if validated is None else validated.accuracy,
            learning_rates=rates,
            seconds=time.perf_counter() - began,
            validation_metrics={} if validated is None else validated.metrics,
        )
        self._run.record(record)
        bar.set_postfix(loss=record.loss, train=record.train_accuracy, validation=record.validation_accuracy)
        call_back(self._callbacks, EpochEnd(epoch, phase, self.networks, self.objective, record))
        self.phases.advance()
        self._folder.save(self._run)
        if self.networks.cache is not None:
            self.networks.cache.save()

    def _restore(self, state: dict[str, Any]) -> None:
        try:
            self._run.load_state_dict(state)
            self._random = check_random_state(state["random"])
        except (InputError, AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise InputError(f"path holds a checkpoint that does not fit this run ({reason}); move it away") from error
        self._between_epochs = True

    def _go_back(self) -> None:
        """Return to the last finished epoch after an interruption."""
        state = self._folder.load()
        if state is None:
            raise InputError("fit was interrupted within an epoch, and there is no checkpoint in path to go back to")
        self._restore(state)

    def _bar(self) -> contextlib.AbstractContextManager[Any]:
        steps, shown = self._steps_an_epoch, self.options.progress
        # None lets tqdm show itself in a terminal alone.
        silent = True if rank_and_size()[0] else None if shown is None else not shown
        done = self.phases.epoch * steps
        return tqdm(total=self.options.epochs * steps, initial=done, disable=silent, unit="step", leave=False)
