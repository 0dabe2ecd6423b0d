"""Curricula: values and gradients of the easy samples alone, by the published pace, in a Trainer too."""

from dataclasses import replace

import pytest
import torch

from pidkit.distill import KD, CrossEntropy, Curriculum, Trainer, TrainerOptions, difficulties_by, evaluate, tap
from pidkit.errors import InputError
from tests.distill.objectives.by_hand import answers, slope
from tests.distill.toys import blobs, network

LABELS = torch.tensor([0, 1, 1, 0])
DIFFICULTIES = [0.3, 9.0, 0.1, 9.0, 0.2, 4.0, 7.0, 8.0]


def test_value_and_gradient_are_those_of_the_easy_samples() -> None:
    generator = torch.Generator().manual_seed(0)
    student, teacher = torch.randn(2, 4, 2, generator=generator, dtype=torch.float64)
    student.requires_grad_(True)
    batch = replace(answers(student, teacher), indices=torch.tensor([7, 4, 1, 2]))
    curriculum = Curriculum(KD(), DIFFICULTIES, n_epochs=5, start=0.375)
    # Of 8 samples the easiest 3: 2, 4 and 0, of which the batch has rows 1 and 3.
    easy = answers(student[[1, 3]], teacher[[1, 3]])
    assert float(curriculum(batch, LABELS).detach()) == pytest.approx(float(KD()(easy, LABELS[[1, 3]]).detach()))
    gradient = slope(curriculum, batch, LABELS, student)
    assert gradient[[0, 2]].tolist() == [[0.0, 0.0]] * 2
    torch.testing.assert_close(gradient, slope(KD(), easy, LABELS[[1, 3]], student))
    curriculum.set_epoch(4)
    assert curriculum.share == 1.0
    assert torch.equal(curriculum(batch, LABELS), KD()(batch, LABELS))


def test_masks_and_layers_of_tokens_are_cut_to_the_easy_samples_as_well() -> None:
    generator = torch.Generator().manual_seed(0)
    student, teacher = torch.randn(2, 3, 4, 5, generator=generator, dtype=torch.float64)
    mask = torch.arange(5) < torch.tensor([[2], [5], [3]])
    batch = replace(answers(student, teacher), indices=torch.tensor([0, 1, 2]), mask=mask)
    labels = torch.zeros(3, 5, dtype=torch.int64)
    easy = replace(answers(student[[0, 2]], teacher[[0, 2]]), mask=mask[[0, 2]])
    found = Curriculum(KD(), [0.1, 5.0, 0.2], n_epochs=3, start=0.6)(batch, labels)
    assert float(found) == pytest.approx(float(KD()(easy, labels[[0, 2]])))
    assert float(found) != pytest.approx(float(KD()(batch, labels)))


def test_equal_difficulties_come_in_by_number_and_a_batch_of_hard_samples_has_a_zero_with_a_graph() -> None:
    curriculum = Curriculum(CrossEntropy(), [1.0, 1.0, 1.0, 1.0], n_epochs=2, start=0.5)
    assert curriculum.ranks.tolist() == [0, 1, 2, 3]
    logits = torch.zeros(2, 2, requires_grad=True)
    batch = replace(answers(logits, logits.detach()), indices=torch.tensor([2, 3]))
    loss = curriculum(batch, LABELS[:2])
    loss.backward()
    assert float(loss.detach()) == 0.0
    assert logits.grad is not None
    assert not bool(logits.grad.any())


def test_in_a_trainer_the_first_epochs_are_of_easy_samples() -> None:
    """Mislabelled samples are the hard ones for a teacher that knows the task: they never count here."""
    x, y = blobs(120)
    wrong = y.clone()
    wrong[::4] = (y[::4] + 1) % 3
    teacher = network(8)
    options = TrainerOptions(epochs=10, batch_size=30, learning_rate=0.1, progress=False)
    Trainer(tap(student=teacher, example=x[:2]), CrossEntropy(), options=options, train=(x, y)).fit()
    hard = difficulties_by(teacher, x, wrong)
    easiest = hard.argsort()[:84]
    assert int((easiest % 4 == 0).sum()) <= 2, "of the 30 that are mislabelled"
    accuracies = []
    for start in (0.7, 1.0):
        networks = tap(teacher=teacher, student=network(5, seed=1), example=x[:2])
        curriculum = Curriculum(CrossEntropy(), hard, n_epochs=1000, start=start)
        Trainer(networks, curriculum, options=options, train=(x, wrong)).fit()
        accuracies.append(evaluate(networks.student, blobs(300, seed=9)).accuracy)
    assert accuracies[0] > accuracies[1]


def test_what_does_not_fit_is_refused() -> None:
    logits = torch.zeros(2, 2)
    with pytest.raises(InputError, match="difficulties must be one finite number a sample"):
        Curriculum(KD(), [1.0, float("nan")], n_epochs=2)
    with pytest.raises(InputError, match="n_epochs must be a whole number >= 2"):
        Curriculum(KD(), [1.0], n_epochs=1)
    curriculum = Curriculum(KD(), [1.0, 2.0], n_epochs=2)
    with pytest.raises(InputError, match="batch has no indices, by which Curriculum knows its samples"):
        curriculum(replace(answers(logits, logits), indices=None), LABELS[:2])
    with pytest.raises(InputError, match="batch has index 2, and difficulties has 2 samples"):
        curriculum(replace(answers(logits, logits), indices=torch.tensor([0, 2])), LABELS[:2])
