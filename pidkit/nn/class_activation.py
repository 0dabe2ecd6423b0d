"""Class activation maps: where in a layer a network finds what speaks for a class."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pidkit.arguments import check_count
from pidkit.errors import InputError
from pidkit.nn.features import left_as_found
from pidkit.nn.taps import eager_model, find_layers


def class_activation_maps(
    model: nn.Module, layer: str, x: Tensor, classes: Tensor | None = None, *, batch_size: int = 64
) -> Tensor:
    """Return max(0, sum_c a_c A_c) of the maps A of a layer for a class of each sample (Grad-CAM).

    a_c is the mean over places of the derivative of the class's logit by A_c. Where the layer is followed by an average
    over places and a linear classifier w, a_c is w_c / n_places: these are the class activation maps that need such a
    network.

    Parameters
    ----------
    model : nn.Module
        Returns logits (n, n_classes); left as it was found.
    layer : str
        Name of a layer that puts out maps (n, channels, height, width).
    x : Tensor, shape (n, ...)
    classes : Tensor of int64, shape (n,), optional
        None takes the class with the largest logit of each sample.
    batch_size : int

    Returns
    -------
    Tensor, shape (n, height, width)
        On the CPU, in units of the logits per place; not scaled, so that samples and networks can be compared.

    Raises
    ------
    InputError
        If the name fits none or several layers, the layer puts out no maps or has no part in the logits, or `classes`
        do not fit.

    Source: Selvaraju et al., "Grad-CAM", ICCV 2017, eq. 1 and 2; Zhou et al., CVPR 2016, for the maps that it extends.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))
    >>> class_activation_maps(model, "0", torch.ones(4, 1, 6, 6)).shape
    torch.Size([4, 4, 4])
    """
    names = find_layers(model, layer)
    if len(names) != 1:
        raise InputError(f"layer must be one layer, and {layer!r} fits {', '.join(names)}")
    if classes is not None and (classes.shape != (len(x),) or classes.is_floating_point()):
        raise InputError(f"classes must be one class number a sample, ({len(x)},), not {tuple(classes.shape)}")
    model, batch_size = eager_model(model), check_count("batch_size", batch_size)
    kept: list[Tensor] = []
    found = []

    def keep(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        given: object = output
        if not isinstance(given, Tensor) or given.ndim != 4:
            raise InputError(f"layer {layer!r} puts out no maps (n, channels, height, width)")
        # A leaf of its own: the derivative is wanted by the maps, whether or not anything before them learns.
        kept.append(output.detach().requires_grad_(True))
        return kept[-1].clone()  # what follows may change it in place

    hook = model.get_submodule(names[0]).register_forward_hook(keep)
    try:
        with left_as_found(model), torch.enable_grad():
            first = next(iter([*model.parameters(), *model.buffers()]), x)
            for start in range(0, len(x), batch_size):
                rows = x[start : start + batch_size].to(first.device)
                logits = model(rows.clone())
                wanted = logits.argmax(1) if classes is None else classes[start : start + batch_size].to(logits.device)
                total = logits.gather(1, wanted[:, None]).sum()
                (maps,) = kept
                kept.clear()
                slope = torch.autograd.grad(total, maps, allow_unused=True)[0] if total.requires_grad else None
                if slope is None:
                    raise InputError(f"layer {layer!r} has no part in the logits")
                weighted = slope.mean((2, 3), keepdim=True) * maps.detach()
                found.append(weighted.sum(1).clamp_min(0.0).cpu())
    finally:
        hook.remove()
    return torch.cat(found)
