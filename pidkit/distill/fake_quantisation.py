"""Training that knows of few bits: weights and activations rounded in the forward pass, gradients straight through."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from pidkit.arguments import real_number, whole_number
from pidkit.distill.initialise import PROJECTABLE
from pidkit.errors import InputError
from pidkit.nn.taps import eager_model

ROUNDED_INPUT = "rounded_input"
"""The name under which a layer keeps what rounds its input."""


def fake_quantise(model: nn.Module, *, bits: int = 8, activation_bits: int | None = 8) -> nn.Module:
    """Round the weights of a model's linear and convolutional layers, and their inputs, whenever it runs; return it.

    A weight of an output channel c becomes ``s_c clamp(round(w / s_c), -L, L)``, L = 2^(bits - 1) - 1 and
    s_c = max abs(w_c) / L; an input ``s round(clamp(x, low, high) / s)`` of 2^bits values, low <= 0 <= high running
    averages of a batch's extremes. The gradient passes the rounding as if it were not there (straight-through), and is
    zero of inputs beyond the range. The optimiser keeps the unrounded weights. Distil as ever, with `QuantisationError`
    beside; `bake_weights` at the end.

    Parameters
    ----------
    model : nn.Module
        Changed in place, such as a student before `tap`.
    bits : int
        Of weights, 2 to 16.
    activation_bits : int, optional
        Of inputs; None leaves them alone.

    Raises
    ------
    InputError
        If a number of bits is out of its range, no layer can be rounded, or one is already.

    Notes
    -----
    torch's own tool, torch.ao.quantization, is deprecated (2.13 warns at every call) in favour of a package of its own.
    This has neither its fused layers nor its integer kernels: it tells what few bits do to accuracy, not to speed. Of
    modules that read the weights of their parts, such as `nn.MultiheadAttention`, only weights of linear layers are
    rounded, not the inputs, nor a weight that belongs to the module itself.

    Source: Goswami, "Notes on distillation", 2025, eq. 23; Jacob et al., "Quantization and training of neural networks
    for efficient integer-arithmetic-only inference", CVPR 2018; Bengio et al., 2013, for the gradient.

    Examples
    --------
    >>> layer = nn.Linear(2, 1, bias=False)
    >>> with torch.no_grad():
    ...     _ = layer.weight.copy_(torch.tensor([[1.0, 0.4]]))
    >>> fake_quantise(nn.Sequential(layer), bits=2, activation_bits=None)(torch.tensor([[2.0, 5.0]])).item()
    2.0
    """
    rounding = _RoundedWeight(whole_number("bits", bits, least=2, most=16))
    of_inputs = None if activation_bits is None else whole_number("activation_bits", activation_bits, least=2, most=16)
    layers = [layer for layer in eager_model(model).modules() if isinstance(layer, PROJECTABLE)]
    if not layers:
        raise InputError(f"model, a {type(model).__name__}, has no linear or convolutional layer to round")
    if any(parametrize.is_parametrized(layer, "weight") for layer in layers):
        raise InputError("model has weights that are parametrised already; call bake_weights first")
    for layer in layers:
        parametrize.register_parametrization(layer, "weight", rounding)
        if of_inputs is not None:
            layer.add_module(ROUNDED_INPUT, RoundedActivation(of_inputs).to(layer.weight.device))
            layer.register_forward_pre_hook(_round_input)
    return model


def bake_weights(model: nn.Module) -> nn.Module:
    """Replace the weights of a model that `fake_quantise` changed by their rounded values; inputs stay rounded.

    Raises
    ------
    InputError
        If it has none.
    """
    layers = rounded_layers(model)
    for layer in layers:
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)
    return model


def rounded_layers(model: nn.Module) -> list[nn.Module]:
    """Return the layers whose weights are rounded.

    Raises
    ------
    InputError
        If there are none.
    """
    found = [
        layer
        for layer in eager_model(model).modules()
        if parametrize.is_parametrized(layer, "weight")
        and any(isinstance(one, _RoundedWeight) for one in layer.parametrizations["weight"])  # type: ignore[index]
    ]
    if not found:
        raise InputError(f"model, a {type(model).__name__}, has no rounded weights; call fake_quantise(model) first")
    return found


def rounded(weight: Tensor, bits: int) -> Tensor:
    """Return a weight rounded to `bits` by output channel, axis 0; zeros stay zeros. No gradient.

    Examples
    --------
    >>> rounded(torch.tensor([[3.0, 1.4], [0.0, 0.0]]), bits=3)
    tensor([[3., 1.],
            [0., 0.]])
    """
    most = 2 ** (bits - 1) - 1
    with torch.no_grad():
        largest = weight.abs().flatten(1).amax(1) if weight.ndim > 1 else weight.abs()
        scale = (largest / most).reshape(-1, *[1] * (weight.ndim - 1))
        scale = torch.where(scale > 0, scale, torch.ones_like(scale))
        return (weight / scale).round().clamp(-most, most) * scale


class _RoundedWeight(nn.Module):
    """A parametrisation: the rounded weight forward, the gradient of the unrounded one backward."""

    def __init__(self, bits: int) -> None:
        """Keep the bits."""
        super().__init__()
        self.bits = bits

    def forward(self, weight: Tensor) -> Tensor:
        """Return the rounded weight."""
        return weight + (rounded(weight, self.bits) - weight).detach()


class RoundedActivation(nn.Module):
    """Rounds inputs to 2^bits evenly spaced values, 0 among them, between running averages of a batch's extremes.

    Parameters
    ----------
    bits : int
    momentum : float
        Weight of the past in the averages, which move in train mode alone; the first batch sets them.
    """

    low: Tensor
    high: Tensor
    n_seen: Tensor

    def __init__(self, bits: int, *, momentum: float = 0.9) -> None:
        """Begin without a range."""
        super().__init__()
        self.most = 2 ** whole_number("bits", bits, least=2, most=16) - 1
        self.momentum = real_number("momentum", momentum, least=0.0, below=1.0)
        for name in ("low", "high"):
            self.register_buffer(name, torch.zeros(()))
        self.register_buffer("n_seen", torch.zeros((), dtype=torch.int64))

    def forward(self, x: Tensor) -> Tensor:
        """Return the rounded inputs; as they are before any range is known."""
        if self.training:
            self._see(x.detach())
        low, high = self.low.to(x.dtype), self.high.to(x.dtype)
        scale = torch.where(high > low, (high - low) / self.most, torch.ones_like(high))
        # The zero of the integers: 0 is then met exactly, as padding and rectified units need.
        zero = (-low / scale).round()
        inside = x.clamp((0.0 - zero) * scale, (self.most - zero) * scale)
        found = inside + ((inside / scale).round() * scale - inside).detach()
        return torch.where(self.n_seen > 0, found, x)

    @torch.no_grad()
    def _see(self, x: Tensor) -> None:
        low, high = (end.float() for end in torch.aminmax(x))
        for running, end in ((self.low, low.clamp_max(0.0)), (self.high, high.clamp_min(0.0))):
            # No branch on the buffer, which would make a GPU wait.
            running.copy_(torch.where(self.n_seen > 0, running.lerp(end, 1.0 - self.momentum), end))
        self.n_seen.add_(1)


def _round_input(layer: Any, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Round the first input of a layer."""
    return layer.get_submodule(ROUNDED_INPUT)(inputs[0]), *inputs[1:]
