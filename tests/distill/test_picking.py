"""Logits in what networks put out, masks among their inputs, and networks of several inputs."""

from collections import namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from pidkit import InputError
from pidkit.distill import KD, CrossEntropy, TeacherCache, Trainer, TrainerOptions, WeightedSum, evaluate, tap
from tests.distill.toys import same, weights

Named = namedtuple("Named", ["loss", "logits"])
WORDS, LENGTH = 11, 7
TOKENS = torch.randint(1, WORDS, (24, LENGTH), generator=torch.Generator().manual_seed(0))
MASK = (torch.arange(LENGTH) < torch.arange(24)[:, None] % 4 + 4).long()
INPUTS = {"input_ids": TOKENS * MASK, "attention_mask": MASK}
TARGETS = TOKENS.roll(-1, 1)


@dataclass
class Output:
    logits: Tensor
    loss: None = None


class Language(nn.Module):
    """Words in context, of several inputs by name; padding changes nothing but its own places."""

    def __init__(self, width: int, pack: Any = Output, seed: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.embed, self.mix, self.words = (
                nn.Embedding(WORDS, width),
                nn.Linear(width, width),
                nn.Linear(width, WORDS),
            )
        self.pack = pack

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Any:
        hidden = self.embed(input_ids) * attention_mask[..., None]
        return self.pack(self.words(torch.relu(self.mix(hidden + hidden.mean(1, keepdim=True)))))


def language(logits: Any = "logits", pack: Any = Output, **options: Any) -> Any:
    given = {"example": INPUTS, "class_axis": -1, "logits": logits, "mask": "attention_mask", **options}
    return tap(teacher=Language(8, pack), student=Language(4, pack, 1), layers="mix", **given)


PACKED = [
    ("logits", Output),
    ("logits", lambda z: {"loss": None, "logits": z}),
    ("logits", lambda z: Named(None, z)),
    (1, lambda z: (None, z)),
    (-1, lambda z: [None, z]),
    (0, lambda z: {"logits": z}),
    (lambda out: out.logits, Output),
    ({"teacher": "logits", "student": 0}, lambda z: {"logits": z}),
    (None, lambda z: z),
]


@pytest.mark.parametrize(("logits", "pack"), PACKED)
def test_logits_by_name_index_or_function(logits: Any, pack: Any) -> None:
    batch = language(logits, pack)(INPUTS)
    assert batch.teacher.logits.shape == batch.student.logits.shape == (24, WORDS, LENGTH)
    plain = Language(4, lambda z: z, 1)(**INPUTS)
    assert torch.equal(batch.student.logits, plain.movedim(-1, 1))
    assert torch.equal(batch.mask, MASK.bool())


@pytest.mark.parametrize(
    ("logits", "pack", "message"),
    [
        (
            "logit",
            Output,
            r"logits is 'logit', which the Output that teacher 'teacher' puts out does not have; it",
        ),
        ("logits", lambda z: {"z": z}, r"which the dict that teacher 'teacher' puts out does not have; it has 'z'"),
        (
            2,
            lambda z: (z, z),
            r"logits is 2, which the tuple that .* puts out does not have; it has the indices 0",
        ),
        ({"tutor": 0}, Output, r"logits names 'tutor', which is no network; there are 'teacher', 'student'"),
        (True, Output, r"logits must be a name, an index or a callable, or map networks to these, not True"),
        (None, Output, r"puts out a Output, not a tensor with one row a sample; pass logits=, a name such as 'logits'"),
    ],
)
def test_logits_that_are_not_there(logits: Any, pack: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        language(logits, pack)


def test_masks_that_are_not_there() -> None:
    with pytest.raises(InputError, match="mask is 'padding', which is no input; there is 'input_ids', 'att"):
        language(mask="padding")
    with pytest.raises(InputError, match="mask must be the name of an input or a callable of the inputs, not 3"):
        language(mask=3)
    with pytest.raises(InputError, match="mask must give a tensor of the places that count, not a int"):
        language(mask=lambda x: 3)
    networks = language(mask=lambda x: x["attention_mask"][:, 1:])
    with pytest.raises(InputError, match=r"mask has shape \(24, 6\), and the logits have the places \(24, 7\)"):
        KD()(networks(INPUTS), TARGETS)


def test_inputs_by_name_must_be_rows_of_the_same_samples() -> None:
    with pytest.raises(InputError, match=r"example must hold inputs with one row a sample each; .*mask \(3, 7"):
        language(example={"input_ids": TOKENS, "attention_mask": MASK[:3]})
    with pytest.raises(InputError, match="example must hold tensors with one row a sample; it holds input_ids list"):
        language(example={"input_ids": [1]})


@pytest.mark.parametrize("objective", [KD(2.0), CrossEntropy(), KD(2.0, chunk=5), KD(2.0, top_k=3)])
def test_padding_has_no_part_in_a_loss(objective: Any) -> None:
    networks = language()
    batch = networks(INPUTS)
    loss = objective(batch, TARGETS)
    loss.backward(retain_graph=True)
    counted = MASK.bool().flatten()
    rows = batch.student.logits.movedim(1, -1).flatten(0, 1)[counted], batch.teacher.logits.movedim(1, -1).flatten(0, 1)
    if isinstance(objective, CrossEntropy):
        by_hand = nn.functional.cross_entropy(rows[0], TARGETS.flatten()[counted])
    else:
        teacher = rows[1][counted]
        if objective.top_k is not None:
            teacher = torch.where(teacher >= teacher.topk(3, 1).values[:, -1:], teacher, -torch.inf)
        p, log_q = (teacher / 2).softmax(1), (rows[0] / 2).log_softmax(1)
        per_token = (torch.xlogy(p, p) - p * log_q).sum(1)
        by_hand = 4.0 * per_token.mean()
    assert float(loss.detach()) == pytest.approx(float(by_hand.detach()), abs=1e-5)
    before = [p.grad.clone() for p in networks.student.parameters()]
    networks.student.zero_grad()
    by_hand.backward()
    for grad, parameter in zip(before, networks.student.parameters(), strict=True):
        assert torch.allclose(grad, parameter.grad, atol=1e-6)


class Samples(Dataset[Any]):
    """Sequences of their own lengths, as mappings with labels."""

    def __len__(self) -> int:
        return 24

    def __getitem__(self, row: int) -> dict[str, Tensor]:
        length = int(MASK[row].sum())
        return {"input_ids": TOKENS[row, :length], "labels": TARGETS[row, :length]}


def padded(samples: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Pad to the length of the longest sample of the batch."""
    longest = max(len(sample["labels"]) for sample in samples)
    found = {
        name: torch.stack([nn.functional.pad(sample[name], (0, longest - len(sample[name]))) for sample in samples])
        for name in ("input_ids", "labels")
    }
    return {**found, "attention_mask": (found["input_ids"] > 0).long()}


OPTIONS = TrainerOptions(epochs=2, batch_size=8, learning_rate=0.05, progress=False)


def test_a_trainer_takes_mappings_numpy_and_loaders() -> None:
    found = []
    as_numpy = {name: part.numpy() for name, part in INPUTS.items()}
    of_torch = {"train": (INPUTS, TARGETS), "test": (INPUTS, TARGETS)}
    of_numpy = {"train": (as_numpy, TARGETS.numpy().astype(np.int32)), "test": (as_numpy, TARGETS.numpy())}
    for data in (of_torch, of_numpy):
        networks = language()
        objective = WeightedSum({"labels": CrossEntropy(), "kd": KD()})
        trainer = Trainer(networks, objective, options=OPTIONS, **data)
        trainer.fit()
        result = trainer.test()
        assert result.n_samples == 24
        found.append([*weights(networks.student), torch.tensor([result.accuracy, result.cross_entropy])])
    assert same(*found)
    loader = DataLoader(Samples(), batch_size=3, collate_fn=padded)
    networks = language()
    trainer = Trainer(networks, WeightedSum({"kd": KD()}), options=OPTIONS, train=loader, validation=loader)
    assert trainer.fit().epochs[-1].validation_accuracy == trainer.evaluate("validation").accuracy


def test_a_metric_counts_no_padding() -> None:
    student = Language(4)
    found = evaluate(student, (INPUTS, TARGETS), class_axis=-1, logits="logits", mask="attention_mask")
    rows, targets = student(**INPUTS).logits[MASK.bool()].detach(), TARGETS[MASK.bool()]
    assert found.accuracy == pytest.approx(float((rows.argmax(1) == targets).float().mean()))
    assert found.cross_entropy == pytest.approx(float(nn.functional.cross_entropy(rows, targets)), abs=1e-6)
    # Words in the padding change nothing.
    other = {**INPUTS, "input_ids": INPUTS["input_ids"] + 3 * (1 - MASK)}
    assert evaluate(student, (other, TARGETS), class_axis=-1, logits="logits", mask="attention_mask") == found


def test_a_cache_serves_inputs_by_name() -> None:
    cache = TeacherCache()
    plain, cached = language(), language(cache=cache)
    for _ in range(2):
        ours, theirs = plain(INPUTS).teacher, cached(INPUTS).teacher
        assert torch.equal(ours.logits, theirs.logits)
        assert ours.logits.stride() == theirs.logits.stride()
        assert torch.equal(ours.layer("mix"), theirs.layer("mix"))
    assert cache.hits == 24
    shorter = {name: part[:, :5] for name, part in INPUTS.items()}
    assert torch.equal(plain(shorter).teacher.logits, cached(shorter).teacher.logits)
    assert cache.hits == 24
