"""How good are decoded atoms of layers? Error, coverage and false alarms on layers whose atoms are known.

`python benchmarks/bench_layers.py` prints the tables of docs/meaning/what-to-believe.md: `representation_pid` by
default beside the RID paper's recipe (10 principal components, 10 k-means codes, plug-in). Seeds are fixed. Cells hold
redundancy, unique_1, unique_2 and synergy in bits; `covered` is the share of samples whose 95 % interval has the truth,
`with bracket` that whose interval does once the bracket of the codes and the decoder's gap I(Y;X) - decoded, which is
known here, are added to it; `real` the share in which an atom is called above chance. `--save FILE` keeps what every
sample gave, a line each, and a second run with the same file takes up where the first ended.

The layers are those of layer_cases.py, which says what they are.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from layer_cases import CASES, Case

from pidkit import PidkitWarning, RepresentationCodes, coded_pid, representation_pid

ATOMS = ("redundancy", "unique_1", "unique_2", "synergy")
SIZES = (500, 1000, 2000, 5000)


@dataclass
class Trial:
    """What one sample gave: atoms by method, and what pidkit says of its own."""

    decoded: np.ndarray
    recipe: np.ndarray
    covered: np.ndarray
    with_bracket: np.ndarray
    real: np.ndarray
    seconds: float


def trial(case: Case, decoder: str, truth: np.ndarray, n: int, seed: int) -> Trial:
    """Measure one sample."""
    layers = case.draw(n, np.random.default_rng([seed, n]))
    options: dict[str, Any] = {"labels": layers.labels, "x1": layers.x1, "x2": layers.x2}
    with warnings.catch_warnings(category=PidkitWarning, action="ignore"):
        began = time.process_time()
        found = representation_pid(**options, decoder=decoder, groups=layers.groups, rng=seed)
        seconds = time.process_time() - began
        recipe = coded_pid(**options, quantiser=RepresentationCodes())
    low, high = np.array([found.interval[name] for name in ATOMS]).T
    slack = 1e-3  # bits; a truth of exactly 0 or H(Y), and the Monte Carlo error of the others
    covered = (low - slack <= truth) & (truth <= high + slack)
    wider = np.array([found.bracket.get(name, (found.synergy, found.synergy)) for name in ATOMS])
    red, unique_1, unique_2, _ = truth
    gaps = np.array([red + unique_1 - found.mi_1, red + unique_2 - found.mi_2, truth.sum() - found.mi_joint])
    room = np.abs(gaps[:2]).sum() + np.array([0.0, 0.0, 0.0, abs(gaps[2])])
    low, high = np.minimum(low, wider[:, 0]) - room, np.maximum(high, wider[:, 1]) + room
    return Trial(
        decoded=np.array([found.atoms[name] for name in ATOMS]),
        recipe=np.array([recipe.pid.atoms[name] for name in ATOMS]),
        covered=covered,
        with_bracket=(low - slack <= truth) & (truth <= high + slack),
        real=np.array([found.p_value[name] <= 0.05 for name in ATOMS]),
        seconds=seconds,
    )


class Saved:
    """What samples gave, in a file of a line each; without a file, nothing is kept."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        lines = path.read_text().splitlines() if path is not None and path.exists() else []
        self._found = {tuple(key): values for key, values in map(json.loads, lines)}

    def trial(self, key: tuple[str, str, int, int], truth: np.ndarray) -> Trial:
        """Return the trial of a case, decoder, number of rows and seed, from the file or measured now."""
        if key not in self._found:
            name, decoder, n, seed = key
            measured = trial(CASES[name], decoder, truth, n, seed)
            values = {one.name: np.asarray(getattr(measured, one.name)).tolist() for one in fields(Trial)}
            self._found[key] = values
            if self.path is not None:
                with self.path.open("a") as file:  # a line is written at once, so that processes may share the file
                    file.write(json.dumps([key, values]) + "\n")
        return Trial(**{part: np.asarray(values) for part, values in self._found[key].items()})


def row(values: np.ndarray, spec: str) -> str:
    """Return four numbers as one cell of a table."""
    return " ".join(format(float(value) + 0.0, spec) for value in values)


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", action="append", choices=CASES, help="may be repeated; all by default")
    parser.add_argument("--decoder", action="append", help="of a case's decoders only these; may be repeated")
    parser.add_argument("--size", action="append", type=int, help="number of rows; may be repeated; all by default")
    parser.add_argument("--samples", type=int, default=20, help="samples of each case and size")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--save", type=Path, help="file that keeps what every sample gave; an old one is continued")
    options = parser.parse_args()
    saved = Saved(options.save)
    print("| layers | decoder | n | truth | error | s.d. | covered | with bracket | real | recipe's error | CPU s |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for name in options.case or CASES:
        case = CASES[name]
        truth = case.truth()
        for decoder in (one for one in case.decoders if one in (options.decoder or case.decoders)):
            for n in options.size or SIZES:
                tasks = (delayed(saved.trial)((name, decoder, n, seed), truth) for seed in range(options.samples))
                trials: list[Trial] = Parallel(n_jobs=options.jobs)(tasks)
                mean = {
                    part: np.mean([getattr(one, part) for one in trials], axis=0)
                    for part in ("decoded", "recipe", "covered", "with_bracket", "real", "seconds")
                }
                scatter = np.std([one.decoded for one in trials], axis=0)
                print(
                    f"| {name} | {decoder} | {n} | {row(truth, '.2f')} | {row(mean['decoded'] - truth, '+.3f')} |",
                    f"{row(scatter, '.3f')} | {row(mean['covered'], '.2f')} | {row(mean['with_bracket'], '.2f')} |",
                    f"{row(mean['real'], '.2f')} | {row(mean['recipe'] - truth, '+.2f')} |",
                    f"{mean['seconds']:.1f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
