"""Generations, peers and several students of one teacher, as docs/howto/recipes.md trains them."""

import pytest
import torch
from torch import nn

from pidkit.distill import KD, Batch, CrossEntropy, Outputs, Trainer, TrainerOptions, WeightedSum, evaluate, tap
from tests.distill.toys import blobs, network, same, weights

X, Y = blobs(90)
OPTIONS = TrainerOptions(epochs=4, batch_size=30, learning_rate=0.05, progress=False)


def taught(student: nn.Module, teacher: nn.Module | None) -> None:
    terms = {"labels": CrossEntropy()} if teacher is None else {"labels": CrossEntropy(), "kd": KD()}
    networks = tap(teacher=teacher, student=student, example=X[:2])
    Trainer(networks, WeightedSum(terms), options=OPTIONS, train=(X, Y)).fit()
    networks.remove()


def test_generations_born_again_learn_from_the_one_before_and_freeze_it() -> None:
    generations: list[nn.Module] = []
    for seed in range(3):
        after = network(6, seed=seed)
        taught(after, generations[-1] if generations else None)
        generations.append(after)
        kept = [weights(one) for one in generations[:-1]]
        if seed:
            alone = network(6, seed=seed)
            taught(alone, None)
            assert not same(weights(after), weights(alone)), "the teacher has a say"
        assert all(same(now, weights(one)) for now, one in zip(kept, generations, strict=False))
    frozen = [not any(p.requires_grad for p in one.parameters()) for one in generations]
    assert frozen == [True, True, False]
    assert evaluate(generations[-1], blobs(300, seed=8)).accuracy > 0.8


def test_peers_follow_each_others_answers_of_the_same_step() -> None:
    """Each peer's gradient is that of its own labels and of the other's answers, which are fixed; by hand."""
    logits = [torch.tensor([[1.0, 0.0]], requires_grad=True), torch.tensor([[0.0, 2.0]], requires_grad=True)]
    labels, loss = torch.tensor([0]), torch.zeros(())
    for own, other in (logits, logits[::-1]):
        batch = Batch(Outputs(own, {}), {"peer": Outputs(other.detach(), {})})
        loss = loss + nn.functional.cross_entropy(own, labels) + KD(1.0)(batch, labels)
    loss.backward()
    p, q = (torch.softmax(one.detach(), 1) for one in logits)
    for one, own, other in ((logits[0], p, q), (logits[1], q, p)):
        assert one.grad is not None
        # softmax - one-hot of the labels, and softmax - the peer's answers.
        by_hand = (own - torch.tensor([[1.0, 0.0]])) + (own - other)
        assert one.grad.flatten().tolist() == pytest.approx(by_hand.flatten().tolist(), abs=1e-6)


def test_several_students_of_one_teacher_are_those_that_learn_alone() -> None:
    teacher = network(8)
    before = weights(teacher)
    together = [network(width, seed=1) for width in (3, 5)]
    for student in together:
        taught(student, teacher)
    assert same(before, weights(teacher))
    for student, width in zip(together, (3, 5), strict=True):
        alone = network(width, seed=1)
        taught(alone, network(8))
        assert same(weights(student), weights(alone))
