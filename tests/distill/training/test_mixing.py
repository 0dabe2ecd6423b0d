"""Mixup and CutMix by their formulas; a run with either is resumed bit by bit."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pidkit import InputError
from pidkit.distill import KD, CrossEntropy, Curriculum, CutMix, Mixup, Networks, Phases, Trainer, WeightedSum
from pidkit.distill.training.mixing import cut_box
from tests.distill.toys import blobs, same, weights
from tests.distill.training.short_runs import cross_entropy, trainer


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def shares(mixing: Mixup | CutMix, n: int, *shape: int) -> np.ndarray:
    """The own shares of n batches of one of each of two classes, where the partner is the other one."""
    draws, found = generator(), list[float]()
    x, labels = torch.stack([torch.zeros(shape), torch.ones(shape)]), torch.tensor([0, 1])
    while len(found) < n:
        mixed, soft = mixing(x, labels, draws)
        assert torch.allclose(mixed.flatten(1).mean(1), soft[:, 1], atol=1e-5)  # inputs and labels in one proportion
        assert torch.allclose(soft.sum(1), torch.ones(2))
        if not torch.equal(soft[0], torch.tensor([1.0, 0.0])):  # a partner of its own class
            found.append(float(soft[0, 0]))
    return np.array(found)


@pytest.mark.parametrize("alpha", [0.4, 1.0, 3.0])
def test_the_share_is_drawn_from_a_beta_distribution(alpha: float) -> None:
    """Mean 1/2 and variance 1 / (4 (2 alpha + 1)); 2000 draws, four standard errors."""
    found = shares(Mixup(n_classes=2, alpha=alpha), 2000, 3)
    variance = 1.0 / (4.0 * (2.0 * alpha + 1.0))
    assert abs(found.mean() - 0.5) < 4.0 * (variance / 2000) ** 0.5
    # The fourth moment is at most variance / 4: that of a variable in [0, 1] about its middle.
    assert abs(found.var() - variance) < 4.0 * (variance / 4.0 / 2000) ** 0.5


def test_mixup_by_hand() -> None:
    x, labels = torch.randn(6, 2, 3, generator=generator(1)), torch.tensor([0, 1, 2, 0, 1, 2])
    mixed, soft = Mixup(n_classes=4)(x, labels, generator())
    # Of the first sample: x0' - x_p = l (x0 - x_p), y0' = l e_0 + (1 - l) e_p, for one partner and one l of the batch.
    own = torch.nn.functional.one_hot(labels, 4).float()
    draws = generator()
    seed = int(torch.randint(2**62, (), generator=draws))
    order = torch.randperm(6, generator=draws)
    rng = np.random.default_rng(seed)
    rng.random()
    share = rng.beta(1.0, 1.0)
    assert torch.allclose(mixed, share * x + (1.0 - share) * x[order], atol=1e-6)
    assert torch.allclose(soft, share * own + (1.0 - share) * own[order], atol=1e-6)


@pytest.mark.parametrize(("height", "width"), [(8, 8), (5, 9)])
def test_cutmix_replaces_one_box_and_mixes_labels_by_its_area(height: int, width: int) -> None:
    n = 6
    x = torch.arange(n * 2 * height * width, dtype=torch.float32).reshape(n, 2, height, width)
    for seed in range(20):
        mixed, soft = CutMix(n_classes=n)(x, torch.arange(n), generator(seed))
        changed = mixed != x
        partner = (soft * (1 - torch.eye(n))).argmax(1)
        moved = changed.flatten(1).any(1)
        assert torch.equal(mixed[changed], x[partner][changed])
        box = changed[moved][:1].any(1)[0] if moved.any() else torch.zeros(height, width, dtype=torch.bool)
        assert all(torch.equal(one.any(0), box) for one in changed[moved])  # the same for all, and all channels
        if moved.any():
            rows, columns = box.any(1), box.any(0)
            assert torch.equal(box, rows[:, None] & columns)  # a box
        own = torch.diagonal(soft)[moved]
        assert torch.allclose(own, torch.full_like(own, 1.0 - float(box.double().mean())), atol=1e-6)


def test_the_area_of_a_box_by_hand() -> None:
    """A share of .75 leaves sides of a half; around every centre of 8 pixels, cut off at the borders."""
    rng = np.random.default_rng(0)
    found = {cut_box(8, 8, 0.75, rng)[:2] for _ in range(300)}
    assert found == {(max(centre - 2, 0), min(centre + 2, 8)) for centre in range(8)}
    assert cut_box(8, 6, 0.0, np.random.default_rng(1))[0] < cut_box(8, 6, 0.0, np.random.default_rng(1))[1]
    top, bottom, left, right = cut_box(8, 6, 1.0, rng)
    assert (bottom - top, right - left) == (0, 0)


def test_batches_are_mixed_as_often_as_asked_and_are_soft_always() -> None:
    x, labels = blobs(12)
    draws, n = generator(), 0
    for _ in range(400):
        mixed, soft = Mixup(n_classes=3, probability=0.25)(x, labels, draws)
        n += not torch.equal(mixed, x)
        assert soft.shape == (12, 3)
    assert abs(n - 100) < 4 * (400 * 0.25 * 0.75) ** 0.5
    mixed, soft = CutMix(n_classes=3, probability=0.0)(torch.ones(12, 1, 2, 2), labels, draws)
    assert torch.equal(soft.argmax(1), labels)


def test_a_mixture_with_an_unlabelled_sample_has_no_label() -> None:
    labels = torch.tensor([0, -100, 1, -100, 0, 1])
    draws = generator()
    _, soft = Mixup(n_classes=2)(torch.randn(6, 2), labels, draws)
    again = generator()
    torch.randint(2**62, (), generator=again)
    order = torch.randperm(6, generator=again)
    assert torch.equal(soft.sum(1) > 0, (labels != -100) & (labels[order] != -100))


def test_soft_labels_dense_labels_and_inputs_by_name_are_mixed_too() -> None:
    x = {"a": torch.randn(4, 3), "b": torch.randn(4, 2)}
    labels = torch.randint(3, (4, 5))
    mixed, soft = Mixup(n_classes=3)(x, labels, generator())
    assert isinstance(mixed, dict)
    assert soft.shape == (4, 3, 5)
    one_mixed, again = Mixup(n_classes=3)(x["a"], torch.nn.functional.one_hot(labels[:, 0], 3).float(), generator())
    assert torch.equal(one_mixed, mixed["a"])
    assert torch.equal(again, soft[:, :, 0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Mixup(n_classes=1), "n_classes must be a whole number >= 2"),
        (lambda: Mixup(n_classes=2, alpha=0.0), "alpha must be a finite number > 0"),
        (lambda: CutMix(n_classes=2, probability=1.5), r"probability must be a number in \[0, 1\]"),
        (lambda: mixed_by(Mixup, torch.ones(2, 3).long(), [0, 1]), "x holds torch.int64, whose averages mean nothing"),
        (lambda: mixed_by(Mixup, {"ids": torch.ones(2, 3).long()}, [0, 1]), "input 'ids' holds torch.int64"),
        (lambda: mixed_by(Mixup, torch.ones(2, 3), [0, 2]), "labels must lie in 0..1, or be -100; they reach 2"),
        (lambda: mixed_by(Mixup, torch.ones(2, 3), [0.5, 0.5]), r"shape \(2,\), and soft ones need 2 classes on axis"),
        (
            lambda: mixed_by(CutMix, torch.ones(2, 3), [0, 1]),
            r"images must have shape .* to be cut, not shape \(2, 3\)",
        ),
        (lambda: mixed_by(CutMix, {"a": torch.ones(2, 3)}, [0, 1]), "to be cut, not dict"),
        (
            lambda: mixed_by(CutMix, torch.ones(2, 1, 2, 2), [[0], [1]]),
            r"shape \(2, 1\), and CutMix takes one label an",
        ),
    ],
)
def test_what_cannot_be_mixed_is_refused(make: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()


def mixed_by(how: Any, x: Any, labels: list[Any]) -> None:
    how(n_classes=2)(x, torch.tensor(labels), generator())


def both(networks: Networks) -> WeightedSum:
    return WeightedSum({"labels": CrossEntropy(), "teacher": KD()})


def mixing_run(path: Path | None = None, *, epochs: int = 4, resume: bool = False, alpha: float = 0.4) -> Trainer:
    return trainer(
        both,
        path=path,
        resume=resume,
        mix=Mixup(n_classes=3, alpha=alpha),
        phases=Phases(),
        options={"epochs": epochs, "rng": 3},
    )


def test_a_run_of_mixtures_is_resumed_bit_by_bit_with_the_same_mixing_alone(tmp_path: Path) -> None:
    torch.manual_seed(0)
    whole = mixing_run()
    history = whole.fit()
    assert all(0.0 < (record.train_accuracy or 0.0) < 1.0 for record in history.epochs)
    torch.manual_seed(0)
    mixing_run(tmp_path, epochs=2).fit()
    with pytest.raises(InputError, match=r"mix was 'Mixup\(n_classes=3, alpha=0.4, probability=1.0\)' and is"):
        mixing_run(tmp_path, resume=True, alpha=1.0)
    resumed = mixing_run(tmp_path, resume=True)
    assert [record.loss for record in resumed.fit().epochs] == [record.loss for record in history.epochs]
    assert same(weights(whole.networks.student), weights(resumed.networks.student))


def test_the_augmented_batch_is_what_is_mixed_and_its_samples_have_no_number() -> None:
    seen: list[torch.Tensor] = []

    def mix(x: torch.Tensor, labels: torch.Tensor, draws: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        seen.append(x)
        return x, torch.nn.functional.one_hot(labels, 3).float()

    run = trainer(cross_entropy, augment=lambda x, draws: torch.zeros_like(x), mix=mix, phases=Phases())
    run.fit()
    assert seen
    assert all(torch.equal(x, torch.zeros(12, 4)) for x in seen)
    remembering = trainer(
        lambda networks: Curriculum(KD(), [0.0] * 36, n_epochs=9, start=0.5), mix=mix, phases=Phases()
    )
    with pytest.raises(InputError, match="by which Curriculum knows its samples, and a mixed one has none"):
        remembering.fit()
