"""How far a batch's statistics in front of every batch normalisation are from those that a network was trained on."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from pidkit.distill.places import widened
from pidkit.errors import InputError
from pidkit.nn.taps import eager_model


class StatisticsGap:
    """Reads sum_l ||m_l(x) - mu_l||_2 + ||v_l(x) - s_l||_2 of a pass: a context manager with hooks on a network.

    l goes over the layers of batch normalisation, m_l and v_l are the mean and the variance of their inputs by channel,
    over samples and places, and mu_l and s_l the running averages of the data that the network was trained on, which
    are all that it keeps of them. The variance is divided by n - 1, as the running one is.

    Parameters
    ----------
    model : nn.Module
        In eval mode when it runs: in train mode a pass would change the running averages.

    Raises
    ------
    InputError
        If no layer keeps running averages; from a pass in train mode, or of a single value a channel.

    Source: Yin et al., "Dreaming to distill: data-free knowledge transfer via DeepInversion", CVPR 2020, eq. 4 (whose
    code divides the variance by n).

    Examples
    --------
    >>> model = nn.Sequential(nn.BatchNorm1d(1)).eval()
    >>> with StatisticsGap(model) as gap:
    ...     _ = model(torch.tensor([[3.0], [5.0]]))
    ...     float(gap.take())  # mean 4 and variance 2, against 0 and 1
    5.0
    """

    def __init__(self, model: nn.Module) -> None:
        """Find the layers."""
        self._norms = [
            layer
            for layer in eager_model(model).modules()
            if isinstance(layer, _BatchNorm) and layer.running_mean is not None
        ]
        if not self._norms:
            raise InputError(
                f"model, a {type(model).__name__}, has no batch normalisation with running averages, which are all "
                "that is known of its data; train on data, or on another network"
            )
        self._gaps: list[Tensor] = []
        self._hooks: list[Any] = []

    def __enter__(self) -> Self:
        """Attach the hooks."""
        self._hooks = [norm.register_forward_pre_hook(self._read) for norm in self._norms]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the hooks."""
        for hook in self._hooks:
            hook.remove()
        self._gaps = []

    def take(self) -> Tensor:
        """Return the sum over the layers that ran since the last call, a scalar with a graph; then forget it.

        Raises
        ------
        InputError
            If none ran.
        """
        if not self._gaps:
            raise InputError("model has not run since StatisticsGap was entered or read; call model(x) first")
        gaps, self._gaps = self._gaps, []
        return torch.stack(gaps).sum()

    def _read(self, norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(norm, _BatchNorm)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        if norm.training:
            raise InputError("model is in train mode, in which a pass changes its running averages; call model.eval()")
        channels = widened(inputs[0]).transpose(0, 1).flatten(1)
        if channels.shape[1] < 2:
            raise InputError("x must hold two samples at least: the variance of a single value is not defined")
        variance, mean = torch.var_mean(channels, 1)
        gap = torch.linalg.vector_norm(mean - norm.running_mean)
        self._gaps.append(gap + torch.linalg.vector_norm(variance - norm.running_var))
