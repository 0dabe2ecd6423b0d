"""Codes of representations inside torch: the interface, codes of logits, and a head that learns soft codes."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from pidkit.arguments import flag, real_number, whole_number
from pidkit.distill.batch import Outputs
from pidkit.distill.filters import ClassHead
from pidkit.distill.padding import counted_places
from pidkit.distill.places import LayerPair, as_places
from pidkit.errors import InputError


class Codes(nn.Module):
    """The interface of codes: a module that maps the outputs of a network to code probabilities, shape (n, n_codes).

    Attributes
    ----------
    n_codes : int
        Size of the alphabet.
    """

    n_codes: int

    def forward(self, outputs: Outputs) -> Tensor:
        """Return the rows of a batch, float64; each sums to one."""
        raise NotImplementedError(f"{type(self).__name__} must define forward(outputs) -> (n, n_codes)")


class LogitCodes(Codes):
    """Code a network by its prediction: the class of the largest logit, or softmax(logits / temperature).

    For a teacher, and for a student whose outputs are the logits of codes themselves.

    Parameters
    ----------
    n_codes : int
        Number of logits.
    temperature : float, optional
        None gives the predicted class: hard codes, through which nothing learns.

    Raises
    ------
    InputError
        If a number is out of its range, or a batch has another number of logits.

    Examples
    --------
    >>> logits = torch.tensor([[0.0, 2.0], [1.0, 0.0]])
    >>> LogitCodes(2)(Outputs(logits, {})).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """

    def __init__(self, n_codes: int, *, temperature: float | None = None) -> None:
        """Check the numbers."""
        super().__init__()
        self.n_codes = whole_number("n_codes", n_codes, least=2, remedy="one code holds no information")
        self.temperature = check_temperature(temperature)

    def forward(self, outputs: Outputs) -> Tensor:
        """Return the codes of the logits, shape (n, n_codes), float64."""
        logits = outputs.logits
        if logits.ndim != 2 or logits.shape[1] != self.n_codes:
            raise InputError(f"logits must have shape (n, {self.n_codes}), n_codes of them, not {tuple(logits.shape)}")
        if self.temperature is None:
            return nn.functional.one_hot(logits.argmax(1), self.n_codes).double()
        return torch.softmax(logits.double() / self.temperature, 1)


class SoftCodes(Codes):
    """A head on the student's layer that learns soft codes: softmax(linear(channels) / temperature).

    Parameters
    ----------
    pair : LayerPair
        Of `networks.pairs`; the student's layer is read.
    n_codes : int
        More codes than classes let the student keep what distinguishes the teacher's codes within a class.
    temperature : float
    pool : bool
        Average the channels over the places first; False flattens them.

    Raises
    ------
    InputError
        If a number is out of its range.

    Examples
    --------
    >>> codes = SoftCodes(LayerPair("block3", "block2", (16, 8, 8), (3, 4, 4)), n_codes=5)
    >>> maps = torch.randn(7, 3, 4, 4)
    >>> codes(Outputs(maps, {"block2": maps})).shape
    torch.Size([7, 5])
    """

    def __init__(self, pair: LayerPair, n_codes: int = 10, *, temperature: float = 1.0, pool: bool = True) -> None:
        """Build the head."""
        super().__init__()
        self.n_codes = whole_number("n_codes", n_codes, least=2, remedy="one code holds no information")
        self.layer, self.temperature = pair.student_layer, real_number("temperature", temperature, above=0.0)
        places = math.prod(pair.student_shape) // pair.student_channels
        self.head = ClassHead(pair.student_channels, places, self.n_codes, pool=flag("pool", pool))

    def forward(self, outputs: Outputs) -> Tensor:
        """Return the codes of the student's layer, shape (n, n_codes), float64, with a graph."""
        layer = outputs.layer(self.layer)
        logits = self.head(as_places(layer), counted_places(outputs.mask, layer))
        return torch.softmax(logits.double() / self.temperature, 1)


def check_temperature(temperature: object) -> float | None:
    """Return `temperature` if it is None or a positive number, else raise InputError."""
    remedy = "None gives hard codes"
    return None if temperature is None else real_number("temperature", temperature, above=0.0, remedy=remedy)
