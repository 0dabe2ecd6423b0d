"""SemCKD: each layer of the student follows a learned mixture of all layers of the teacher."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from pidkit.arguments import check_count
from pidkit.distill.batch import Batch
from pidkit.distill.objective import Objective
from pidkit.distill.pairing import checked_pairs, inner_products
from pidkit.distill.places import LayerPair, widened
from pidkit.errors import InputError


class SemCKD(Objective):
    """Semantic calibration: mean over samples and student layers of sum_t a_(s,t) mean (T_t - r_st(S_s))^2.

    The weights a_(s, t), which add up to 1 over the teacher's layers t for each sample and student layer s, are a
    softmax of q_s . k_t, unit vectors that small networks make of each sample's similarities to the batch, a row of F
    F^T with F the flattened layer. r_st are a 1x1, a 3x3 and a 1x1 convolution; of maps of different sizes the larger
    is averaged to the smaller.

    Parameters
    ----------
    pairs : sequence of LayerPair
        Maps. Which layers are paired does not matter: every student layer meets every teacher layer.
    batch_size : int
        The largest batch: the networks of the similarities have so many inputs, those of smaller batches padded by
        zeros.

    Attributes
    ----------
    regressors : nn.ModuleDict
        r_st under "s-t", group "student_filters".
    queries, keys : nn.ModuleList
        The networks of the similarities, group "critics".
    last_weights : Tensor, shape (n, n_student_layers, n_teacher_layers)
        The weights a in the last pass, detached.

    Raises
    ------
    InputError
        If there are no pairs, a layer is no map, or `batch_size` is below 1; from a batch that is larger.

    Source: Chen et al., "Cross-layer distillation with semantic calibration", AAAI 2021, eq. 5 to 9; the weight is 400.

    Examples
    --------
    >>> semckd = SemCKD([LayerPair(name, name, (4, 4, 4), (2, 4, 4)) for name in "ab"], batch_size=8)
    >>> sorted(semckd.regressors)
    ['0-0', '0-1', '1-0', '1-1']
    """

    def __init__(self, pairs: Sequence[LayerPair], *, batch_size: int) -> None:
        """Build the regressors and the networks of the similarities."""
        super().__init__()
        self.pairs, self.batch_size = checked_pairs(pairs), check_count("batch_size", batch_size)
        for pair in self.pairs:
            if not len(pair.teacher_shape) == len(pair.student_shape) == 3:
                raise InputError(f"pairs holds {pair}, which are not both maps; tap layers of maps")
        self.teacher_layers = tuple(dict.fromkeys(pair.teacher_layer for pair in self.pairs))
        self.student_layers = tuple(dict.fromkeys(pair.student_layer for pair in self.pairs))
        theirs = {pair.teacher_layer: pair.teacher_channels for pair in self.pairs}
        ours = {pair.student_layer: pair.student_channels for pair in self.pairs}
        self.regressors = nn.ModuleDict(
            {
                f"{s}-{t}": _regressor(ours[mine], theirs[told])
                for s, mine in enumerate(self.student_layers)
                for t, told in enumerate(self.teacher_layers)
            }
        )
        self.queries = nn.ModuleList(_embedding(self.batch_size) for _ in self.student_layers)
        self.keys = nn.ModuleList(_embedding(self.batch_size) for _ in self.teacher_layers)
        self.last_weights: Tensor | None = None

    def student_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return the weighted squared differences."""
        told = [widened(batch.teacher.layer(name).detach()) for name in self.teacher_layers]
        mine = [widened(batch.student.layer(name)) for name in self.student_layers]
        if len(mine[0]) > self.batch_size:
            raise InputError(f"batch_size is {self.batch_size}, but a batch has {len(mine[0])} samples; make it larger")
        queries = torch.stack([self._embedded(net, layer) for net, layer in zip(self.queries, mine, strict=True)], 1)
        keys = torch.stack([self._embedded(net, layer) for net, layer in zip(self.keys, told, strict=True)], 1)
        weights = inner_products(queries, keys).softmax(2)
        self.last_weights = weights.detach()
        errors = [
            torch.stack([self._error(f"{s}-{t}", theirs, ours) for t, theirs in enumerate(told)], 1)
            for s, ours in enumerate(mine)
        ]
        return (weights * torch.stack(errors, 1)).sum(2).mean()

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """Return the regressors, and the networks of the similarities."""
        return {
            "student_filters": list(self.regressors.parameters()),
            "critics": [*self.queries.parameters(), *self.keys.parameters()],
        }

    def _embedded(self, network: nn.Module, layer: Tensor) -> Tensor:
        """Return a unit vector for each sample, of its similarities to the batch."""
        rows = layer.flatten(1)
        similar = functional.pad(inner_products(rows, rows), (0, self.batch_size - len(rows)))
        return functional.normalize(widened(network(similar)), dim=1)

    def _error(self, key: str, teacher: Tensor, student: Tensor) -> Tensor:
        """Return the mean squared difference of each sample, shape (n,)."""
        size = min(teacher.shape[2], student.shape[2]), min(teacher.shape[3], student.shape[3])
        theirs, ours = (functional.adaptive_avg_pool2d(maps, size) for maps in (teacher, student))
        return (theirs - widened(self.regressors[key](ours))).square().flatten(1).mean(1)


def _regressor(n_in: int, n_out: int) -> nn.Sequential:
    """Return r: three convolutions, twice the teacher's channels wide."""
    width = 2 * n_out
    return nn.Sequential(
        *(nn.Conv2d(n_in, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()),
        *(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()),
        nn.Conv2d(width, n_out, 1, bias=False),
    )


def _embedding(n: int) -> nn.Sequential:
    """Return the network of the similarities to n samples: a quarter as long a vector, and twice that between."""
    length = max(1, n // 4)
    return nn.Sequential(nn.Linear(n, 2 * length), nn.ReLU(), nn.Linear(2 * length, length))
