"""Small networks for the cases of objectives: maps, vectors, tokens, attention, class maps, a borrowed head."""

import torch
from torch import Tensor, nn

from pidkit.distill import ClassMaps, Networks, ReusedHead, tap

N_CLASSES = 3


class ConvNet(nn.Module):
    """Images (n, 1, 4, 4): maps of 4x4 and of 2x2, and their mean."""

    sample_shape = (1, 4, 4)

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, width, 3, padding=1)
        self.second = nn.Conv2d(width, 2 * width, 3, stride=2, padding=1)
        self.pooled = nn.Sequential(nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.classes = nn.Linear(2 * width, N_CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.classes(self.pooled(self.second(torch.relu(self.first(x)))))


class TokenNet(nn.Module):
    """Sequences (n, 5, 3): tokens, attention of two heads, and the mean token."""

    sample_shape = (5, 3)

    def __init__(self, width: int) -> None:
        super().__init__()
        self.embed = nn.Linear(3, width)
        self.attend = nn.MultiheadAttention(width, 2, batch_first=True)
        self.classes = nn.Linear(width, N_CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.embed(x)
        found, _ = self.attend(tokens, tokens, tokens, average_attn_weights=False)
        return self.classes(found.mean(1))


def conv_networks() -> Networks:
    """Two layers of maps and one of vectors."""
    student, teacher = ConvNet(2), ConvNet(3)
    return tap(teacher=teacher, student=student, layers=["first", "second"], example=torch.zeros(2, 1, 4, 4))


def vector_networks() -> Networks:
    return tap(teacher=ConvNet(3), student=ConvNet(2), layers="pooled", example=torch.zeros(2, 1, 4, 4))


def token_networks() -> Networks:
    return tap(teacher=TokenNet(6), student=TokenNet(4), layers="embed", example=torch.zeros(2, 5, 3))


def attention_networks() -> Networks:
    return tap(
        teacher=TokenNet(6),
        student=TokenNet(4),
        layers="attend",
        example=torch.zeros(2, 5, 3),
        reduce={"attend": lambda out: out[1]},
    )


class MapsNet(nn.Module):
    """Images (n, 1, 4, 4), and a classifier that puts out class activation maps."""

    sample_shape = (1, 4, 4)

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, width, 3, padding=1)
        self.classes = ClassMaps(width, N_CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.classes(torch.relu(self.first(x)))


class BorrowingNet(ReusedHead):
    """A student that ends in the head of a `ConvNet` of width 3."""

    sample_shape = (1, 4, 4)


def class_map_networks() -> Networks:
    teacher, student = MapsNet(3), MapsNet(2)
    return tap(teacher=teacher, student=student, layers=["classes.maps"], example=torch.zeros(2, 1, 4, 4))


def borrowing_networks() -> Networks:
    teacher = ConvNet(3)
    body, head = nn.Conv2d(1, 2, 3, stride=2, padding=1), nn.Sequential(teacher.pooled, teacher.classes)
    student = BorrowingNet(body, head, channels_in=2, channels_out=6)
    return tap(teacher=teacher, student=student, layers=[("second", "projector")], example=torch.zeros(2, 1, 4, 4))
