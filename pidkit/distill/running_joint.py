"""The joint of labels and codes over the steps and the processes of a run."""

from __future__ import annotations

import torch
from torch import Tensor, distributed, nn

from pidkit.distill.soft_labels import check_soft
from pidkit.errors import InputError


def one_hot_labels(labels: Tensor, n_classes: int) -> Tensor:
    """Return class numbers (n,) as rows (n, n_classes) of zeros and a one, in double precision; soft ones as they are.

    Raises
    ------
    InputError
        If they are no class numbers from 0 to n_classes - 1 nor probabilities of these, or there are none.

    Examples
    --------
    >>> one_hot_labels(torch.tensor([1, 0]), 2)
    tensor([[0., 1.],
            [1., 0.]], dtype=torch.float64)
    """
    if labels.is_floating_point() and labels.ndim == 2 and labels.shape[1] == n_classes and len(labels):
        check_soft(labels)
        if bool((labels == 0.0).all(1).any()):
            raise InputError("labels hold rows of zeros, which stand for no label; every sample of the joint needs one")
        return labels.double()
    if labels.ndim != 1 or len(labels) == 0 or labels.is_floating_point():
        raise InputError(f"labels must be class numbers of shape (n,), not {labels.dtype} {tuple(labels.shape)}")
    low, high = torch.stack(torch.aminmax(labels)).tolist()
    if low < 0 or high >= n_classes:
        raise InputError(f"labels must lie in 0..{n_classes - 1}, as n_classes says; they reach {low}..{high}")
    return nn.functional.one_hot(labels.long(), n_classes).double()


def counted(classes: Tensor, rows: Tensor, n_codes: int, name: str) -> Tensor:
    """Return how often each class meets each code, sum_n [y_n = y] rows_n, shape (n_classes, n_codes).

    Raises
    ------
    InputError
        If there is not one row of codes a label, or an entry is not finite, before any average takes it in.
    """
    if rows.shape != (len(classes), n_codes):
        raise InputError(f"{name} must give one row a label, {(len(classes), n_codes)}, not {tuple(rows.shape)}")
    counts = classes.T @ rows.double()
    if not bool(counts.isfinite().all()):
        raise InputError(f"{name} holds NaN or infinite entries in this batch; the training has diverged")
    return counts


def summed_over_processes(n_yt: Tensor, n_ys: Tensor, total: float) -> tuple[Tensor, Tensor, float, float]:
    """Return both tables of counts and the number of samples over all processes, and the number of processes."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return n_yt, n_ys, total, 1.0
    counts = torch.cat([n_yt.flatten(), n_ys.flatten(), n_yt.new_tensor([total])])
    distributed.all_reduce(counts)
    n_t, n_s = n_yt.numel(), n_ys.numel()
    tables = counts[:n_t].view_as(n_yt), counts[n_t : n_t + n_s].view_as(n_ys)
    return *tables, float(counts[-1]), float(distributed.get_world_size())


def averaged(running: Tensor, new: Tensor, momentum: float | None, *, keep: bool) -> Tensor:
    """Return a table averaged into the running one, (1 - m) sum_k m^k P_{now-k}, and `keep` it there.

    The running average began at zero: its mass says how much of it has been filled. Without momentum the table itself.
    """
    if momentum is None:
        return new
    table = running.double().lerp(new, 1.0 - momentum)
    if keep:
        running.copy_(table)
    return table
