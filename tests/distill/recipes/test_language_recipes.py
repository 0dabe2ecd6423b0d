"""Recipes on transformers' language models with random weights: BERT pairs and GPT-2 pairs, padded batches."""

from typing import Any

import pytest
import torch
from torch import nn

from pidkit.distill import (
    KD,
    AttentionMaps,
    CrossEntropy,
    HiddenStates,
    TeacherCache,
    Trainer,
    TrainerOptions,
    WeightedSum,
    tap,
)
from tests.distill.recipes.test_vision_recipes import step

pytestmark = pytest.mark.slow

WORDS, LENGTH = 37, 9
TOKENS = torch.randint(3, WORDS, (16, LENGTH), generator=torch.Generator().manual_seed(0))
MASK = (torch.arange(LENGTH) < torch.arange(16)[:, None] % 5 + 5).long()
INPUTS = {"input_ids": TOKENS * MASK, "attention_mask": MASK}
CLASSES = TOKENS[:, 0] % 3


def bert(width: int) -> nn.Module:
    transformers = pytest.importorskip("transformers")
    config = transformers.BertConfig(
        vocab_size=WORDS,
        hidden_size=width,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=2 * width,
        max_position_embeddings=16,
        num_labels=3,
        attn_implementation="eager",
    )
    return transformers.BertForSequenceClassification(config)


def gpt2(width: int) -> nn.Module:
    transformers = pytest.importorskip("transformers")
    config = transformers.GPT2Config(
        vocab_size=WORDS,
        n_embd=width,
        n_layer=2,
        n_head=2,
        n_positions=16,
        bos_token_id=1,
        eos_token_id=2,
        attn_implementation="eager",
    )
    return transformers.GPT2LMHeadModel(config)


def first(out: Any) -> Any:
    return out[0] if isinstance(out, tuple) else out


def test_bert_by_attention_hidden_states_and_answers() -> None:
    torch.manual_seed(0)
    networks = tap(
        teacher=bert(16),
        student=bert(8),
        layers=["bert.encoder.layer.?.attention.self", "bert.encoder.layer.?"],
        reduce={"*.self": lambda out: out[1], "bert.encoder.layer.?": first},
        logits="logits",
        example={name: part[:2] for name, part in INPUTS.items()},
    )
    attention, hidden = networks.pairs[:2], networks.pairs[2:]
    assert [pair.teacher_shape for pair in networks.pairs] == [(2, 9, 9)] * 2 + [(9, 16)] * 2
    terms = {"labels": CrossEntropy(), "kd": KD(), "att": AttentionMaps(attention), "hidden": HiddenStates(hidden)}
    step(networks, WeightedSum(terms), INPUTS, CLASSES)


def test_a_bert_pair_by_the_trainer_with_a_cache() -> None:
    found = []
    for cache in (None, TeacherCache()):
        torch.manual_seed(0)
        networks = tap(
            teacher=bert(16),
            student=bert(8),
            layers="bert.encoder.layer.?",
            reduce=first,
            logits="logits",
            cache=cache,
            example={name: part[:2] for name, part in INPUTS.items()},
        )
        hidden = HiddenStates(networks.pairs)
        options = TrainerOptions(epochs=3, batch_size=8, optimiser="adamw", learning_rate=1e-3, progress=False)
        objective = WeightedSum({"labels": CrossEntropy(), "kd": KD(), "hidden": hidden})
        trainer = Trainer(networks, objective, options=options, train=(INPUTS, CLASSES), test=(INPUTS, CLASSES))
        trainer.fit()
        found.append([*(p.detach().clone() for p in networks.student.parameters())])
        assert trainer.test().n_samples == 16
    assert all(map(torch.equal, *found))
    assert networks.cache is not None
    assert networks.cache.hits == 32


def test_gpt2_by_its_words_where_they_are_no_padding() -> None:
    torch.manual_seed(0)
    teacher, student = gpt2(16), gpt2(8)
    networks = tap(
        teacher=teacher,
        student=student,
        layers=["transformer.h.?.attn", "transformer.h.?"],
        reduce={"*.attn": lambda out: out[1], "transformer.h.?": first},
        logits="logits",
        mask="attention_mask",
        class_axis=-1,
        example={name: part[:2] for name, part in INPUTS.items()},
    )
    following = torch.cat([INPUTS["input_ids"][:, 1:], torch.full((16, 1), -100)], 1)
    attention, hidden = networks.pairs[:2], networks.pairs[2:]
    kd = KD(2.0, chunk=16)
    terms = {"labels": CrossEntropy(), "kd": kd, "att": AttentionMaps(attention), "hidden": HiddenStates(hidden)}
    step(networks, WeightedSum(terms), INPUTS, following)
    # The mean over tokens: every sequence by itself, without padding, weighed by its length.
    student.eval()  # no dropout
    batch, alone = networks(INPUTS), []
    with torch.no_grad():
        for row, n in enumerate(MASK.sum(1).tolist()):
            cut = {name: part[row : row + 1, :n] for name, part in INPUTS.items()}
            alone.append(n * KD(2.0)(networks(cut), following[row : row + 1, :n]))
        whole = kd(batch, following)
    assert float(whole) == pytest.approx(float(sum(alone)) / int(MASK.sum()), rel=1e-4)
