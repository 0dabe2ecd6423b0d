"""How much of a wide layer is read with as many principal components as are chosen, and with fixed numbers of them?

`python benchmarks/bench_wide.py` prints the information that cross-fitted decoders read out of layers of 2500 features
with five classes, in bits, the mean of some seeds. `chosen` is what `representation_pid` does (`kept_columns`), the
other columns keep 0, 8 or 64 principal components beside the label scores. 64 was what every layer kept before, chosen
on the layer of tests/representations/test_wide_layers.py; none of the layers here was looked at before.

quiet     the label shifts 60 quiet features, under 30 loud directions.
sparse    features are zero but for one in fifteen; a class adds to a block of 20.
loud      the label lies in the loudest directions.
spread    the label shifts all features a little.
rings     the radius of a loud plane: nothing for a linear decoder.
cleared   a quiet score under a nuisance that other directions hold too, and can clear.
noise     nothing.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
from joblib import Parallel, delayed

from pidkit import PidkitWarning
from pidkit.mi.splits import three_way_splits
from pidkit.representations import components, fold_rows
from pidkit.representations.decoders import decode_layers

N_CLASSES, N_FEATURES = 5, 2500
LAYERS = ("quiet", "sparse", "loud", "spread", "rings", "cleared", "noise")
NUMBERS = {"chosen": components.COMPONENTS, "0": (0,), "8": (8,), "64": (64,)}


def layer(name: str, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and labels."""
    rng = np.random.default_rng([seed, LAYERS.index(name)])
    y = rng.permutation(np.arange(n) % N_CLASSES)
    x = rng.normal(size=(n, N_FEATURES))
    match name:
        case "quiet":
            x[:, :60] += 0.5 * rng.normal(size=(N_CLASSES, 60))[y]
            x += 15.0 * rng.normal(size=(n, 30)) @ rng.normal(size=(30, N_FEATURES)) / np.sqrt(30)
        case "sparse":
            x = np.maximum(x - 1.5, 0.0)
            for k in range(N_CLASSES):
                x[np.ix_(y == k, np.arange(20) + 20 * k)] += rng.random(((y == k).sum(), 20)) < 0.2
        case "loud":
            x += 0.6 * rng.normal(size=(N_CLASSES, 4))[y] @ rng.normal(size=(4, N_FEATURES)) / 2.0
        case "spread":
            x += 0.07 * rng.normal(size=(N_CLASSES, N_FEATURES))[y]
        case "rings":
            angle = rng.uniform(0.0, 2.0 * np.pi, n)
            plane = (1.0 + y)[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
            x = 0.5 * x + plane @ rng.normal(size=(2, N_FEATURES))
        case "cleared":
            nuisance = rng.normal(size=(n, 5))
            x += 10.0 * nuisance @ rng.normal(size=(5, N_FEATURES)) / np.sqrt(5.0)
            x[:, :40] = 0.4 * rng.normal(size=(N_CLASSES, 40))[y] + 3.0 * nuisance @ rng.normal(size=(5, 40))
            x[:, :40] += 0.5 * rng.normal(size=(n, 40))
    return x.astype(np.float32), y


def read(name: str, n: int, seed: int, decoder: str, numbers: tuple[int, ...]) -> float:
    """Return what is read of one layer, in bits."""
    x, y = layer(name, n, seed)
    fold_rows.kept_columns = lambda train, stop, n_scores: components.kept_columns(train, stop, n_scores, numbers)
    splits = three_way_splits(n, np.random.default_rng(seed), folds=3, labels=y)
    with warnings.catch_warnings(category=PidkitWarning, action="ignore"):
        found = decode_layers({"x": x}, y, splits, decoder=decoder, rng=np.random.default_rng(seed))
    return found["x"].report.calibrated / np.log(2.0)


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layer", action="append", choices=LAYERS, help="may be repeated; all by default")
    parser.add_argument("--decoder", action="append", help="may be repeated; linear and knn by default")
    parser.add_argument("--rows", type=int, default=600)
    parser.add_argument("--samples", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    options = parser.parse_args()
    print(f"| layer | decoder | {' | '.join(NUMBERS)} |")
    print("|---|---|" + "---|" * len(NUMBERS))
    for name in options.layer or LAYERS:
        for decoder in options.decoder or ("linear", "knn"):
            cells = []
            for numbers in NUMBERS.values():
                tasks = (delayed(read)(name, options.rows, 200 + k, decoder, numbers) for k in range(options.samples))
                cells.append(f"{np.mean(Parallel(n_jobs=options.jobs)(tasks)):.3f}")
            print(f"| {name} | {decoder} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
