"""Callbacks: they see the epoch that has ended, an atom probe among them, and do not perturb the run."""

import torch

from pidkit.distill import (
    AtomProbe,
    EpochEnd,
    Phase,
)
from tests.distill.toys import blobs, same, tapped, weights
from tests.distill.training.short_runs import trainer


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
