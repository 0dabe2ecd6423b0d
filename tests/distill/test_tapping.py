"""tap(reduce=...): what is kept of layers that put out several tensors, by layer of either network."""

from typing import Any

import pytest
import torch
from torch import nn

from pidkit import InputError
from pidkit.distill import Networks, tap

X = torch.zeros(2, 5, 3)


class Attending(nn.Module):
    def __init__(self, width: int, name: str) -> None:
        super().__init__()
        self.embed = nn.Linear(3, width)
        self.add_module(name, nn.MultiheadAttention(width, 2, batch_first=True))
        self.name = name

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = self.embed(x)
        return getattr(self, self.name)(tokens, tokens, tokens)[0].mean(1)


def networks(layers: list[str | tuple[str, str]], **options: Any) -> Networks:
    return tap(teacher=Attending(6, "attend"), student=Attending(4, "look"), layers=layers, example=X, **options)


def test_one_callable_for_all_layers() -> None:
    (pair,) = networks([("attend", "look")], reduce=lambda out: out[1]).pairs
    assert (pair.teacher_shape, pair.student_shape) == ((5, 5), (5, 5))


def test_a_mapping_names_layers_of_both_networks_by_name_or_glob() -> None:
    both = networks(["embed", ("attend", "look")], reduce={"attend": lambda out: out[0], "l*k": lambda out: out[1]})
    embedded, attended = both.pairs
    assert (embedded.teacher_shape, embedded.student_shape) == ((5, 6), (5, 4))
    assert (attended.teacher_shape, attended.student_shape) == ((5, 6), (5, 5))
    batch = both(torch.randn(3, 5, 3))
    assert batch.student.layer("look").requires_grad
    assert not batch.teacher.layer("attend").requires_grad


def test_without_it_a_layer_of_several_outputs_is_refused_with_the_remedy() -> None:
    with pytest.raises(InputError, match=r"puts out tuple, not a tensor .*; pass reduce="):
        networks([("attend", "look")])


def test_a_mapping_must_name_tapped_layers() -> None:
    with pytest.raises(InputError, match=r"reduce names 'atend', which fits no tapped layer; tapped are 'embed'"):
        networks(["embed"], reduce={"atend": lambda out: out[1]})
    with pytest.raises(InputError, match=r"reduce names 'embed', which fits no tapped layer; tapped are none"):
        networks([], reduce={"embed": "mean"})
