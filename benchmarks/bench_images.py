"""Layers of image networks: is what a decomposition says of a layer what the label probe reads out of it?

    python benchmarks/bench_images.py --data-dir DIR [--rows 5000] [--epochs 3]

DIR holds CIFAR-10 as its authors publish it (cifar-10-batches-py). A network of four convolutions is read as it is
initialised and after a short training on other images, layer by layer, as maps (n, c, h, w) and averaged over space.
Each layer is decomposed by `representation_pid` against the same layer of the other network. A row has
I(Y;T) of the decomposition, the label probe of `estimate_mi` on the same rows, and what the recipe of 10 principal
components and 10 k-means codes keeps of it, all in bits, and CPU seconds. Maps of more than 1000 features are projected
before they are decoded, and are probed as they are.
"""

from __future__ import annotations

import argparse
import pickle
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pidkit import PidkitWarning, RepresentationCodes, coded_pid, estimate_mi, representation_pid
from pidkit.mi import LabelDecoder

SEED = 0
WIDTH = 16
N_TRAIN = 10_000
BATCH = 64


def images(folder: Path, names: tuple[str, ...], n: int) -> tuple[Tensor, np.ndarray]:
    """Return the first n images of some batches, standardised, and their classes."""
    pixels, labels = [], []
    for name in names:
        with (folder / "cifar-10-batches-py" / name).open("rb") as file:
            batch = pickle.load(file, encoding="bytes")  # the format in which CIFAR-10 is published
        pixels.append(batch[b"data"])
        labels += batch[b"labels"]
    found = torch.from_numpy(np.concatenate(pixels)[:n]).float().reshape(-1, 3, 32, 32) / 255.0
    return (found - 0.47) / 0.25, np.array(labels[:n])


def network() -> nn.Sequential:
    """Return four convolutions, each halving the image but the last, and a linear layer."""
    blocks, n_in = [], 3
    for n_out, pooled in ((WIDTH, 2), (2 * WIDTH, 2), (4 * WIDTH, 2), (4 * WIDTH, 1)):
        convolution = nn.Conv2d(n_in, n_out, 3, padding=1, bias=False)
        blocks.append(nn.Sequential(convolution, nn.BatchNorm2d(n_out), nn.ReLU(), nn.MaxPool2d(pooled)))
        n_in = n_out
    return nn.Sequential(*blocks, nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(n_in, 10)))


def train(model: nn.Sequential, x: Tensor, y: np.ndarray, epochs: int) -> None:
    """Minimise the cross-entropy for some epochs."""
    labels = torch.from_numpy(y)
    rng = np.random.default_rng(SEED)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
    model.train()
    for _ in range(epochs):
        for rows in np.array_split(rng.permutation(len(x)), len(x) // BATCH):
            optimiser.zero_grad()
            functional.cross_entropy(model(x[rows]), labels[rows]).backward()
            optimiser.step()


def layers(model: nn.Sequential, x: Tensor) -> dict[str, np.ndarray]:
    """Return what each layer makes of the images: maps, their means over space, and the logits."""
    model.eval()
    found, values = {}, x
    with torch.no_grad():
        for number, block in enumerate(model, start=1):
            values = torch.cat([block(part) for part in values.split(500)])
            if values.ndim == 4:
                found[f"block {number}, maps"] = values.numpy().astype(np.float16)
                found[f"block {number}, pooled"] = values.mean((2, 3)).numpy()
            else:
                found["logits"] = values.numpy()
    return found


def main() -> None:
    """Read the command line, train, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, required=True, help="folder that holds cifar-10-batches-py")
    parser.add_argument("--rows", type=int, default=5000, help="test images that are measured")
    parser.add_argument("--epochs", type=int, default=3, help="of the training on 10 000 other images")
    options = parser.parse_args()
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    x, y = images(options.data_dir, ("test_batch",), options.rows)
    model = network()
    found = {"untrained": layers(model, x)}
    train(model, *images(options.data_dir, ("data_batch_1",), N_TRAIN), options.epochs)
    found["trained"] = layers(model, x)
    right = float((found["trained"]["logits"].argmax(1) == y).mean())
    print(f"{options.rows} test images; the trained network is right on {right:.1%} of them\n")
    print("| layer | features | network | decomposition | ± | label probe | ± | difference | the recipe's | CPU s |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name in sorted(found["trained"], key=lambda one: found["trained"][one][0].size):  # the wide ones last
        pair = {"x1": found["trained"][name], "x2": found["untrained"][name]}
        began = time.process_time()
        with warnings.catch_warnings(category=PidkitWarning, action="ignore"):
            result = representation_pid(labels=y, **pair)
            seconds = time.process_time() - began
            recipe = coded_pid(labels=y, **pair, quantiser=RepresentationCodes())
        for source, network_name in (("x1", "trained"), ("x2", "untrained")):
            report = result.decoders[source]
            probe = estimate_mi(pair[source], y, estimator=LabelDecoder(folds=1))
            coded = recipe.pid.mi_1 if source == "x1" else recipe.pid.mi_2
            print(
                f"| {name} | {pair[source][0].size} | {network_name} | {report.calibrated:.3f} |",
                f"{report.standard_error:.3f} | {probe.value:.3f} | {probe.stderr or 0.0:.3f} |",
                f"{report.calibrated - probe.value:+.3f} | {coded:.3f} | {seconds:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
