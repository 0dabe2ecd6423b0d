"""SemCKD: a twin in loops, weights that add up to one, padding, and what is refused."""

import pytest
import torch
from torch import nn

from pidkit import InputError
from pidkit.distill import Batch, LayerPair, Outputs, SemCKD

PAIRS = [LayerPair("a", "a", (3, 4, 4), (2, 4, 4)), LayerPair("b", "b", (4, 2, 2), (3, 2, 2))]


def batch_of(n: int) -> Batch:
    generator = torch.Generator().manual_seed(0)
    theirs = {pair.teacher_layer: torch.randn(n, *pair.teacher_shape, generator=generator) for pair in PAIRS}
    ours = {pair.student_layer: torch.randn(n, *pair.student_shape, generator=generator) for pair in PAIRS}
    return Batch(Outputs(torch.zeros(n, 2), ours), {"teacher": Outputs(torch.zeros(n, 2), theirs)})


def made(batch_size: int) -> SemCKD:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return SemCKD(PAIRS, batch_size=batch_size).eval()


def test_the_loss_is_that_of_a_twin_in_loops() -> None:
    semckd, batch = made(3), batch_of(3)
    loss, total = semckd(batch, torch.zeros(3).long()), 0.0
    assert semckd.last_weights is not None
    torch.testing.assert_close(semckd.last_weights.sum(2), torch.ones(3, 2))
    for i in range(3):
        for s, name in enumerate("ab"):
            similar = batch.student.layer(name).flatten(1) @ batch.student.layer(name).flatten(1).T
            query = nn.functional.normalize(semckd.queries[s](similar), dim=1)[i]
            scores = []
            for t, other in enumerate("ab"):
                known = batch.teacher.layer(other).flatten(1)
                scores.append(query @ nn.functional.normalize(semckd.keys[t](known @ known.T), dim=1)[i])
            weights = torch.stack(scores).softmax(0)
            for t, other in enumerate("ab"):
                theirs, ours = batch.teacher.layer(other), batch.student.layer(name)
                size = min(theirs.shape[2], ours.shape[2])
                theirs, ours = (nn.functional.adaptive_avg_pool2d(maps, size) for maps in (theirs, ours))
                error = (theirs - semckd.regressors[f"{s}-{t}"](ours))[i].square().mean()
                total += float((weights[t] * error).detach()) / 6
    assert float(loss.detach()) == pytest.approx(total, rel=1e-5)


def test_one_layer_of_each_is_a_hint() -> None:
    """With a single teacher layer its weight is 1."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        semckd = SemCKD(PAIRS[1:], batch_size=4).eval()
    batch = batch_of(4)
    error = batch.teacher.layer("b") - semckd.regressors["0-0"](batch.student.layer("b"))
    torch.testing.assert_close(semckd(batch, torch.zeros(4).long()), error.square().mean())


def test_smaller_batches_are_padded_and_larger_ones_refused() -> None:
    wide = made(5)
    assert bool(torch.isfinite(wide(batch_of(3), torch.zeros(3).long())))
    with pytest.raises(InputError, match="batch_size is 5, but a batch has 6 samples; make it larger"):
        wide(batch_of(6), torch.zeros(6).long())


def test_vectors_are_refused() -> None:
    with pytest.raises(InputError, match="which are not both maps; tap layers of maps"):
        SemCKD([LayerPair("t", "s", (4,), (3,))], batch_size=4)
