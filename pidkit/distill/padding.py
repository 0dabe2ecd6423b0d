"""Places that are padding, such as the tokens behind the end of a sequence: left out of what layers are compared by."""

from __future__ import annotations

import torch
from torch import Tensor

from pidkit.distill.places import as_places
from pidkit.distill.resizing import grid_of
from pidkit.errors import InputError


def counted_places(mask: Tensor | None, layer: Tensor) -> Tensor | None:
    """Return which places of a layer a mask keeps, bools (n, places); None where all count.

    All count without a mask, in vectors, and in layers whose places are of another kind than the mask's: maps beside a
    mask of tokens, tokens beside one of pixels.

    Parameters
    ----------
    mask : Tensor of bool, shape (n, ...), optional
    layer : Tensor, shape (n, channels), (n, length, channels) or (n, channels, ...)

    Raises
    ------
    InputError
        If the layer has places of the mask's kind, but other ones, or the mask keeps no place at all.

    Examples
    --------
    >>> counted_places(torch.tensor([[True, True, False]]), torch.ones(1, 3, 8))
    tensor([[ True,  True, False]])
    """
    places = grid_of(tuple(layer.shape[1:]))
    if mask is None or not places or mask.ndim != 1 + len(places):
        return None
    if tuple(mask.shape) != (len(layer), *places):
        advice = "tap layers with the places of the mask, the class token with reduce='class-token', or leave mask out"
        shapes = f"shape {tuple(mask.shape)}, and a layer the places {(len(layer), *places)}"
        raise InputError(f"mask has {shapes}, so that its padding is not known; {advice}")
    counted = _unless_all(mask)
    return None if counted is None else counted.flatten(1)


def counted_attention(mask: Tensor | None, maps: Tensor) -> Tensor | None:
    """Return which entries of attention maps count, (n, queries, keys): those of two tokens that do; None for all.

    Raises
    ------
    InputError
        If the mask has neither the queries nor the keys, or keeps no token.
    """
    if mask is None or mask.ndim != 2:
        return None
    n, queries, keys = len(maps), maps.shape[-2], maps.shape[-1]
    fits = [mask.shape == (n, length) for length in (queries, keys)]
    if not any(fits):
        shapes = f"shape {tuple(mask.shape)}, and the maps {queries} queries and {keys} keys of {n} samples"
        raise InputError(f"mask has {shapes}, so that their padding is not known; tap maps of the masked tokens")
    counted = _unless_all(mask)
    if counted is None:
        return None
    every = torch.ones_like(counted[:, :1])
    rows = counted[:, :, None] if fits[0] else every[:, :, None]
    columns = counted[:, None] if fits[1] else every[:, None]
    return (rows & columns).expand(n, queries, keys)


def _unless_all(mask: Tensor) -> Tensor | None:
    """Return a mask as bools, None where it keeps every place; refuse one that keeps none."""
    counted = mask.to(torch.bool)
    if bool(counted.all()):
        return None
    if not bool(counted.any()):
        raise InputError("mask keeps no place of the batch: there is nothing to compare; leave such batches out")
    return counted


def without_padding(layer: Tensor, mask: Tensor | None) -> Tensor:
    """Return a layer with zeros in the places that do not count; what stood there gets no gradient, NaN or not.

    Examples
    --------
    >>> without_padding(torch.tensor([[[1.0], [torch.nan]]]), torch.tensor([[True, False]]))
    tensor([[[1.],
             [0.]]])
    """
    counted = counted_places(mask, layer)
    if counted is None:
        return layer
    if layer.ndim == 3:
        return layer.masked_fill(~counted[:, :, None], 0.0)
    return layer.masked_fill(~counted.reshape(len(layer), 1, *layer.shape[2:]), 0.0)


def only_counted(places: Tensor, counted: Tensor | None) -> Tensor:
    """Return the places (n, channels, places) that count side by side, (1, channels, m); all as they are for None.

    Means over samples and places, and the statistics of batch normalisation, are then those of the m places that count.

    Examples
    --------
    >>> only_counted(torch.arange(6.0).reshape(2, 1, 3), torch.tensor([[True, True, False], [True, False, False]]))
    tensor([[[0., 1., 3.]]])
    """
    return places if counted is None else places.transpose(1, 2)[counted].T[None]


def put_back(places: Tensor, counted: Tensor | None) -> Tensor:
    """Return places side by side as (n, channels, places) again, zeros where nothing counts: the way `only_counted` came.

    Examples
    --------
    >>> put_back(torch.ones(1, 1, 3), torch.tensor([[True, True, False], [True, False, False]])).tolist()
    [[[1.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]]]
    """  # noqa: E501  (one sentence)
    if counted is None:
        return places
    whole = places.new_zeros(*counted.shape, places.shape[1])
    return whole.index_put((counted,), places[0].T).transpose(1, 2)


def mean_of_places(places: Tensor, counted: Tensor | None) -> Tensor:
    """Return the mean of each sample's places, (n, channels), those that count alone; zeros where none does.

    Examples
    --------
    >>> mean_of_places(torch.tensor([[[1.0, 3.0, 8.0]]]), torch.tensor([[True, True, False]]))
    tensor([[2.]])
    """
    if counted is None:
        return places.mean(2)
    kept = places.masked_fill(~counted[:, None], 0.0)
    return kept.sum(2) / counted.sum(1).clamp_min(1)[:, None]


def pooled_layer(layer: Tensor, mask: Tensor | None) -> Tensor:
    """Return the mean of a layer over the places that count, (n, channels), in single precision at least."""
    return mean_of_places(as_places(layer), counted_places(mask, layer))
