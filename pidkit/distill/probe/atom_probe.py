"""`AtomProbe`: what teacher and student share about the labels, measured every few epochs of a distillation."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import torch
from torch import nn

from pidkit.arguments import Rng, check_count, flag, integer_seed, real_number, whole_number
from pidkit.distill.batch import LOGITS, Batch
from pidkit.distill.networks import STUDENT, Networks
from pidkit.distill.phases import Phases
from pidkit.distill.probe.assumption import FilteredPairs, find_filters, measure_assumption
from pidkit.distill.probe.choices import Pairs, check_decoding, check_schedule, choose_pairs, phase_spans
from pidkit.distill.probe.outputs import RowCollector, passes, row_of, undisturbed
from pidkit.distill.probe.recipes import Coding, Decoding, Recipe, read_teachers
from pidkit.errors import InputError
from pidkit.info import entropy
from pidkit.nn.inputs import Inputs, n_samples, named_tensors
from pidkit.nn.sample import check_named_sample, fingerprint
from pidkit.quantise import RepresentationCodes
from pidkit.records.atom_history import AtomRecords
from pidkit.records.atom_record import AtomRecord
from pidkit.records.resume import RunFile, provenance_of, start_run
from pidkit.representations.coding import Quantiser, check_fit_fraction, copy_quantisers, split_rows
from pidkit.representations.decoder_kinds import Decoder
from pidkit.units import from_nats


class AtomProbe:
    """Track the atoms of pairs of layers about the labels over a distillation: a context manager and a callback.

    For every pair it records, in bits, redundancy, unique_teacher, unique_student and synergy, I(Y;T), I(Y;S) and
    I(Y;T,S) as decoders read them, each with its 95 % interval: the numbers of `representation_pid`. With `quantiser`
    they are those of codes, each with its shuffled null: `coded_pid`, up to the certified gap, which is kept.
    Where the objective has RID's filters, also I(eps; Y | f_s(S)) (`measure_assumption`), the spread of f_t(T), sigma.

    The networks run in eval mode, without gradients and in full precision; afterwards modes, buffers, gradients, random
    states (torch, numpy, Python), autocast and hooks are as they were, also after an exception and between a forward
    and a backward pass, so that a run that is measured and one that is not are bit-identical. In several processes,
    measure in one.

    Parameters
    ----------
    networks : Networks
    sample : tuple
        (x, y): inputs, shape (n, ...) or by name as in `tap`, and labels, length n. Held-out samples.
    pairs : sequence of (str, str), or mapping of these by teacher, optional
        Pairs (layer of the teacher, layer of the student); None: all that the networks tap.
    logits : bool
        Also measure the pair of what the networks return, where `tap(logits=)` finds it, recorded as "(logits)". Where
        the networks have a mask, padding counts as zero here and in layers.
    objective : Objective, or mapping of these by teacher, optional
        Its filters are measured where it has some: RID itself, or a WeightedSum that holds it.
    schedule : int or collection of float
        Every so many epochs from 0, or the epochs to measure; at others `step` returns at once.
    decoder : str or classifier
        As in `representation_pid`. Folds and draws are the same at every epoch. The teachers, who are frozen, are
        decoded once; the student, and both together, at every step.
    folds : int, optional
        As in `representation_pid`.
    learning_curve : bool
        Whether decoders are also fitted to half of the rows, which tells what more rows would teach them; without it
        the intervals hold the sample's error alone.
    quantiser : transformer or pair of transformers, optional
        Codes without labels in place of decoders, the recipe of the RID paper: as in `coded_pid`, the teacher's first,
        which is fitted once. It also codes the filters, which nothing decodes; None is `RepresentationCodes(n_init=3)`.
    fit_fraction : float, optional
        Fit quantisers on this random share of the sample and measure on the rest; None: both on all, as RID's authors.
    n_null : int
        Permutations for the nulls of codes and of the assumption.
    phases : Phases, optional
        Of the run, to shade them in figures.
    batch_size : int
    rng : int or numpy.random.Generator
        Seeds the split and the permutations. Of a Generator one integer is drawn, which the records' provenance keeps,
        so that a run can be resumed: resume with that integer.
    path : path, optional
        A .json file, written whole after every step.
    resume : bool
        Continue the run in `path`, where there is one: epochs that it holds are returned, not measured again.

    Attributes
    ----------
    seconds : float
        Time that the steps of this object took.

    Raises
    ------
    InputError
        If an argument cannot be used, a class has fewer rows than there are folds, a layer is unknown, or `path`
        exists and is no run with these settings.

    Notes
    -----
    A step for a pair of layers of 64 and 32 channels, ten classes, takes 1.5, 1.7 and 2.0 CPU seconds for 500, 1000 and
    2000 rows where they are pooled, and 2.5, 4.9 and 12 where 4x4 maps are flattened. learning_curve=False halves that;
    with folds=3 too it takes a third to two thirds. Codes take .03 to .15.

    Examples
    --------
    >>> from pidkit.distill import tap
    >>> y = torch.arange(200) % 2
    >>> x = torch.nn.functional.one_hot(y).float()
    >>> teacher, student = nn.Sequential(nn.Linear(2, 3)), nn.Sequential(nn.Linear(2, 2))
    >>> networks = tap(teacher=teacher, student=student, layers="0", example=x)
    >>> with AtomProbe(networks, sample=(x, y), logits=False, n_null=0) as probe:
    ...     for epoch in range(3):
    ...         probe(epoch)
    >>> [round(value, 3) for value in probe.records.curve("redundancy")[1].tolist()]
    [1.0, 1.0, 1.0]
    """

    def __init__(
        self,
        networks: Networks,
        *,
        sample: tuple[Any, Any],
        pairs: Pairs | None = None,
        logits: bool = True,
        objective: nn.Module | Mapping[str, nn.Module] | None = None,
        schedule: int | Collection[float] = 1,
        decoder: Decoder = "linear",
        folds: int | None = None,
        learning_curve: bool = True,
        quantiser: Quantiser | tuple[Quantiser | None, Quantiser | None] | None = None,
        fit_fraction: float | None = None,
        n_null: int = 10,
        phases: Phases | None = None,
        batch_size: int = 256,
        rng: Rng = 0,
        path: str | os.PathLike[str] | None = None,
        resume: bool = False,
    ) -> None:
        """Check everything before training begins, read the teachers, and find the run to resume."""
        self._n_null, self._seed, self._phases = whole_number("n_null", n_null), integer_seed(rng), phases
        flag("logits", logits)
        flag("resume", resume)
        self._networks: Networks | None = networks
        self._x: Inputs
        self._x, y = check_named_sample(sample)
        self._batch_size = check_count("batch_size", batch_size)
        self._schedule = check_schedule(schedule)
        self._quantisers = copy_quantisers(RepresentationCodes(n_init=3) if quantiser is None else quantiser)
        # The split first, then the permutations, from one generator: as `coded_pid` draws them.
        draws = np.random.default_rng(self._seed)
        fit_fraction = check_fit_fraction(fit_fraction)
        coded = quantiser is not None
        decoding = check_decoding(
            decoder, folds=folds, learning_curve=learning_curve, coded=coded, fit_fraction=fit_fraction
        )
        self._split = split_rows(len(y), fit_fraction, draws)
        # The classes of what is measured, without gaps: a rare one may have gone to the fit.
        measured = y if self._split is None else y[self._split[1]]
        self._y = np.unique(measured, return_inverse=True)[1].astype(np.int64)
        self._pairs = choose_pairs(networks, pairs, logits=logits)
        self._filters = find_filters(objective, tuple(networks.teachers))
        self._recipe: Recipe = (
            Coding(self._y, self._quantisers, self._split, self._n_null, draws)
            if decoding is None
            else Decoding(self._y, decoding, self._seed)
        )
        self._of_teachers = read_teachers(
            networks, self._pairs, self._x, self._recipe.of_teacher, batch_size=self._batch_size
        )
        settings = {
            "pairs": [list(pair) for pair in self._pairs],
            "decoding": None if decoding is None else {**decoding._asdict(), "decoder": repr(decoder)},
            "quantisers": [repr(one) for one in self._quantisers],
            "fit_fraction": fit_fraction,
            "n_null": self._n_null,
            "rng": self._seed,
            "sample": fingerprint(*named_tensors(self._x).values(), torch.from_numpy(y)),
            **({} if isinstance(self._x, torch.Tensor) else {"inputs": list(named_tensors(self._x))}),
            "teachers": {
                name: fingerprint(*model.parameters(), *model.buffers()) for name, model in networks.teachers.items()
            },
            "filters": [teacher for teacher, _ in self._filters],
        }
        h_y = from_nats(entropy(np.bincount(self._y) / self._y.size), "bits")
        fresh = AtomRecords((), h_y, self._y.size, (), provenance_of(settings))
        run_path = None if path is None else Path(path)
        self._records = start_run(run_path, resume=resume, fresh=fresh, load=AtomRecords.load)
        self._file = RunFile(run_path)
        self.seconds = 0.0

    @property
    def records(self) -> AtomRecords:
        """What was recorded so far."""
        return self._records

    def table(self) -> list[dict[str, float | str]]:
        """Return one flat row for every epoch and pair, for a data frame or a log."""
        return self._records.table()

    def __repr__(self) -> str:
        """Show the table."""
        return repr(self._records).replace("AtomRecords", "AtomProbe", 1)

    def __enter__(self) -> Self:
        """Return the probe."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release the networks and the sample; the records stay."""
        self._networks = None
        self._filters.clear()
        self._x = torch.empty(0)

    def __call__(self, epoch: float) -> None:
        """Measure after an epoch: the probe as a callback of a training loop."""
        self.step(epoch)

    def step(self, epoch: float) -> tuple[AtomRecord, ...]:
        """Measure all pairs, record and save them, and return their records.

        Nothing is measured at an epoch outside the schedule (no records), or recorded before (its records).

        Parameters
        ----------
        epoch : float
            How many epochs have been trained; 0 before any.

        Raises
        ------
        InputError
            If the probe is closed, the epoch is not finite or negative, outputs are not finite, or another probe has
            written to `path`. Nothing of the epoch is then recorded.
        """
        if self._networks is None:
            raise InputError("step is called on a probe whose with block has ended; make a new one, with resume=True")
        epoch = real_number("epoch", epoch, least=0.0)
        recorded = self._records.select(epoch=epoch).records
        if recorded or not self._is_due(epoch):
            return recorded
        began = time.perf_counter()
        records = self._measure(self._networks, epoch)
        extended = self._records.extended(records)
        if self._phases is not None:
            extended = extended.with_phases(phase_spans(self._phases, math.ceil(extended.epochs[-1])))
        self._file.save(extended)
        self._records = extended
        self.seconds += time.perf_counter() - began
        return records

    def _is_due(self, epoch: float) -> bool:
        return epoch % self._schedule == 0 if isinstance(self._schedule, int) else epoch in self._schedule

    def _measure(self, networks: Networks, epoch: float) -> tuple[AtomRecord, ...]:
        """Run the student once, and the teachers only where filters need them, and measure every pair."""
        outputs = list(dict.fromkeys(ours for _, _, ours in self._pairs))
        rows, filtered = RowCollector(), FilteredPairs(self._filters)
        with undisturbed(networks, *(module for _, module in self._filters)):
            layers = [name for name in outputs if name != LOGITS]
            forward = networks if self._filters else None
            outputs_of_batches = passes(
                networks.student,
                layers,
                self._x,
                batch_size=self._batch_size,
                forward=forward,
                tapped=networks.kept.taps,
            )
            for batch, tapped, returned in outputs_of_batches:
                for name in outputs:
                    output = returned if name == LOGITS else tapped[name]
                    rows.add(name, row_of(networks, STUDENT, name, output, batch), n_samples(batch))
                if isinstance(returned, Batch):
                    filtered.add(returned)
            of_student = {
                name: self._recipe.of_student(layer_rows, f"student: {name!r} at epoch {epoch:g}")
                for name, layer_rows in rows.take().items()
            }
            whole = filtered.take()
            records = []
            for teacher, theirs, ours in self._pairs:
                filtered_pair = whole.get((teacher, theirs, ours))
                assumption = filtered_pair and measure_assumption(
                    filtered_pair,
                    self._y,
                    quantiser=self._quantisers[1],
                    split=self._split,
                    n_null=self._n_null,
                    rng=self._seed,
                    name=f"filters of {theirs!r} and {ours!r} at epoch {epoch:g}",
                )
                measured = self._recipe.measure(self._of_teachers[teacher, theirs], of_student[ours])
                records.append(AtomRecord(epoch, teacher, theirs, ours, **measured, assumption=assumption))
        return tuple(records)
