"""A rival for bench_layers: the BATCH scheme of Liang et al. (NeurIPS 2023), written from the paper, in torch.

Two classifiers p(y|x1) and p(y|x2) are trained first. Two encoders then give, within a batch and for every class, the
matrix A_y = exp(f(x1) g(x2)'), which Sinkhorn's iterations scale until its rows sum to p(y|x1) and its columns to
p(y|x2): a joint q of Delta_P, up to where the iterations stop. The encoders are trained to lower I_q(Y;X1,X2), which at
the best q is the union information U. As in the paper the informations of single layers, and that of both from a third
classifier, are those that the classifiers' own confidence claims:

    redundancy = I1 + I2 - U,  unique_1 = U - I2,  unique_2 = U - I1,  synergy = I12 - U.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

BATCH, HIDDEN, WIDTH = 256, 64, 32
EPOCHS, LEARNING_RATE = 30, 1e-3
SINKHORN_STEPS, SINKHORN_TOL = 100, 0.01
TEST_SHARE = 0.25


def batch_atoms(labels: np.ndarray, x1: np.ndarray, x2: np.ndarray, *, seed: int) -> np.ndarray:
    """Return redundancy, unique_1, unique_2 and synergy in bits, of rows that nothing was trained on."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        y = torch.as_tensor(np.unique(labels, return_inverse=True)[1])
        layers = [torch.as_tensor((x - x.mean(0)) / x.std(0), dtype=torch.float32) for x in (x1, x2)]
        layers.append(torch.cat(layers, 1))
        order = torch.randperm(len(y))
        test, train = order[: round(TEST_SHARE * len(y))], order[round(TEST_SHARE * len(y)) :]
        n_classes = int(y.max()) + 1
        classifiers = [_trained(_network(x.shape[1], n_classes), x[train], y[train]) for x in layers]
        with torch.no_grad():
            posteriors = [torch.softmax(net(x), 1) for net, x in zip(classifiers, layers, strict=True)]
        encoders = [_network(x.shape[1], WIDTH * n_classes) for x in layers[:2]]
        optimiser = torch.optim.Adam([p for net in encoders for p in net.parameters()], LEARNING_RATE)
        for _ in range(EPOCHS):
            for rows in torch.randperm(len(train)).split(BATCH):
                optimiser.zero_grad()
                _union(encoders, layers, posteriors, train[rows], n_classes).backward()
                optimiser.step()
        with torch.no_grad():
            parts = [_union(encoders, layers, posteriors, rows, n_classes) for rows in test.split(BATCH)]
            union = float(torch.stack(parts).mean())
        claimed = [_claimed(q[test]) for q in posteriors]
    mi_1, mi_2, mi_joint = claimed
    return np.array([mi_1 + mi_2 - union, union - mi_2, union - mi_1, mi_joint - union]) / math.log(2.0)


def _network(n_in: int, n_out: int) -> nn.Sequential:
    """Return a perceptron of one hidden layer."""
    return nn.Sequential(nn.Linear(n_in, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, n_out))


def _trained(net: nn.Sequential, x: Tensor, y: Tensor) -> nn.Sequential:
    """Train a classifier by cross-entropy."""
    optimiser = torch.optim.Adam(net.parameters(), LEARNING_RATE)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(y)).split(BATCH):
            optimiser.zero_grad()
            functional.cross_entropy(net(x[rows]), y[rows]).backward()
            optimiser.step()
    return net


def _union(
    encoders: list[nn.Sequential], layers: list[Tensor], posteriors: list[Tensor], rows: Tensor, n_classes: int
) -> Tensor:
    """Return I_q(Y;X1,X2) in nats of the joint q that the encoders make of a batch."""
    first, second = (net(x[rows]).view(len(rows), n_classes, WIDTH) for net, x in zip(encoders, layers, strict=False))
    log_q = torch.einsum("iyk,jyk->yij", first, second) / math.sqrt(WIDTH)
    rows_1, rows_2 = ((q[rows].T / len(rows)).clamp_min(1e-12).log() for q in posteriors[:2])
    for _ in range(SINKHORN_STEPS):
        log_q = log_q + (rows_1 - log_q.logsumexp(2))[:, :, None]
        log_q = log_q + (rows_2 - log_q.logsumexp(1))[:, None, :]
        if float((log_q.detach().logsumexp(2).exp() - rows_1.exp()).abs().sum()) < SINKHORN_TOL:
            break
    log_q = log_q - log_q.logsumexp((0, 1, 2))
    log_pair, log_y = log_q.logsumexp(0, keepdim=True), log_q.logsumexp((1, 2), keepdim=True)
    return (log_q.exp() * (log_q - log_pair - log_y)).sum()


def _claimed(q: Tensor) -> float:
    """Return the information that posteriors say of themselves: the entropy of their mean less their mean entropy."""
    mean = q.mean(0)
    return float((q * q.clamp_min(1e-30).log()).sum(1).mean() - (mean * mean.clamp_min(1e-30).log()).sum())


def main() -> None:
    """Print the atoms of samples of 2000 rows of bench_layers, beside the truth."""
    from layer_cases import CASES  # a sibling, as a script finds it

    torch.set_num_threads(1)
    for name in ("degraded", "looks"):
        case = CASES[name]
        layers = case.draw(2000, np.random.default_rng([0, 2000]))
        found = batch_atoms(layers.labels, layers.x1, layers.x2, seed=0)
        print(name, "truth", case.truth().round(2), "BATCH", found.round(2), flush=True)


if __name__ == "__main__":
    main()
