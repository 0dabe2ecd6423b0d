"""Recipes on networks for images with random weights: residual networks as torchvision has them, ViT and Swin."""

from collections import OrderedDict
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pidkit.distill import (
    KD,
    RID,
    AttentionTransfer,
    CrossEntropy,
    FitNet,
    HiddenStates,
    Networks,
    Objective,
    Phase,
    TeacherCache,
    WeightedSum,
    tap,
)
from tests.distill.toys import same, weights

X = torch.randn(6, 3, 32, 32, generator=torch.Generator().manual_seed(0))
Y = torch.arange(6) % 3


class BasicBlock(nn.Module):
    """Two convolutions and a way around them, with ReLUs in place, as torchvision writes it."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False), nn.BatchNorm2d(n_out)
        self.conv2, self.bn2 = nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False), nn.BatchNorm2d(n_out)
        self.relu = nn.ReLU(inplace=True)
        changes = stride != 1 or n_in != n_out
        way = nn.Sequential(nn.Conv2d(n_in, n_out, 1, stride, bias=False), nn.BatchNorm2d(n_out))
        self.downsample = way if changes else None

    def forward(self, x: Tensor) -> Tensor:
        identity = x if self.downsample is None else self.downsample(x)
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out += identity
        return self.relu(out)


def resnet(blocks: tuple[int, ...], width: int = 4, n_classes: int = 3) -> nn.Sequential:
    """ResNet-18 for (2, 2, 2, 2) and ResNet-34 for (3, 4, 6, 3), narrow, under torchvision's names."""
    stem = [nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
    parts: dict[str, nn.Module] = {"stem": nn.Sequential(*stem, nn.MaxPool2d(3, 2, 1))}
    n_in = width
    for k, n in enumerate(blocks):
        n_out = width * 2**k
        strides = [1 if k == 0 else 2, *[1] * (n - 1)]
        channels = [n_in, *[n_out] * n]
        parts[f"layer{k + 1}"] = nn.Sequential(*[BasicBlock(channels[i], n_out, s) for i, s in enumerate(strides)])
        n_in = n_out
    head = {"pool": nn.AdaptiveAvgPool2d(1), "flat": nn.Flatten(), "fc": nn.Linear(n_in, n_classes)}
    return nn.Sequential(OrderedDict(**parts, **head))


def step(networks: Networks, objective: Objective, x: Any, y: Tensor) -> None:
    """Take a step: the loss is finite, all of the student learns, and the teacher stays what it was."""
    teacher = weights(networks.teachers)
    optimiser = torch.optim.SGD([*networks.student.parameters(), *objective.parameters()], lr=0.01)
    loss = objective(networks(x), y, Phase.STUDENT)
    loss.backward()
    assert bool(torch.isfinite(loss))
    lost = [name for name, p in networks.student.named_parameters() if p.requires_grad and p.grad is None]
    assert not lost
    optimiser.step()
    assert same(weights(networks.teachers), teacher)


def test_resnet_34_to_18_by_rid_with_a_cache() -> None:
    torch.manual_seed(0)
    teacher, student, cache = resnet((3, 4, 6, 3)), resnet((2, 2, 2, 2), 3), TeacherCache()
    networks = tap(teacher=teacher, student=student, layers=["layer3", "layer4"], example=X[:2], cache=cache)
    assert [pair.n_places for pair in networks.pairs] == [4, 1]
    rid = WeightedSum({"labels": CrossEntropy(), "rid": RID(networks.pairs, n_classes=3)}, {"rid": 10.0})
    step(networks, rid, X, Y)
    step(networks, rid, X.flip(0), Y.flip(0))
    assert cache.hits == len(X)
    attention = AttentionTransfer(networks.pairs[:1])
    step(networks, WeightedSum({"labels": CrossEntropy(), "attention": attention}, {"attention": 1000.0}), X, Y)


def vit(width: int) -> nn.Module:
    transformers = pytest.importorskip("transformers")
    sizes = {"hidden_size": width, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 2 * width}
    config = transformers.ViTConfig(image_size=32, patch_size=8, num_labels=3, **sizes)
    return transformers.ViTForImageClassification(config)


@pytest.mark.slow
def test_vit_to_resnet_by_its_answers_its_class_token_and_its_grid() -> None:
    torch.manual_seed(0)
    student = resnet((2, 2, 2, 2), 3)
    layers = [("vit.layers.1", "pool"), ("vit.layers.0", "layer1")]

    def options(**given: Any) -> dict[str, Any]:
        return {"logits": {"teacher": "logits"}, "student": student, "example": X[:2], **given}

    networks = tap(
        teacher=vit(16),
        layers=layers,
        reduce={"vit.layers.1": "class-token", "vit.layers.0": "token-grid", "pool": "mean"},
        resize="interpolate",
        **options(),
    )
    shapes = [(pair.teacher_shape, pair.student_shape) for pair in networks.pairs]
    assert shapes == [((16,), (24,)), ((16, 8, 8), (3, 8, 8))]
    step(networks, WeightedSum({"labels": CrossEntropy(), "kd": KD(), "hint": FitNet(networks.pairs)}), X, Y)


@pytest.mark.slow
def test_swin_to_swin_whose_channels_are_last() -> None:
    transformers = pytest.importorskip("transformers")

    def swin(width: int) -> nn.Module:
        config = transformers.SwinConfig(
            image_size=32, patch_size=4, embed_dim=width, depths=[1, 1], num_heads=[1, 2], window_size=4, num_labels=3
        )
        return transformers.SwinForImageClassification(config)

    torch.manual_seed(0)
    networks = tap(
        teacher=swin(12),
        student=swin(8),
        layers="swin.encoder.layers.?",
        reduce=lambda out: out[0] if isinstance(out, tuple) else out,
        logits="logits",
        example=X[:2],
    )
    assert [len(pair.teacher_shape) for pair in networks.pairs] == [2, 2]
    step(networks, WeightedSum({"labels": CrossEntropy(), "kd": KD(), "hidden": HiddenStates(networks.pairs)}), X, Y)
