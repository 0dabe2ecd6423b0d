"""Does the bracket of decoded atoms hold the truth where posteriors are exact, and does it shrink with the codes?

`python benchmarks/bench_bracket.py` draws rows whose posteriors are known, gives them to the market and the codes in
place of a decoder's, and prints how often the brackets of the redundancy and of both unique atoms hold the truth, and
how wide that of the redundancy is, in bits, for a growing number of codes. `population` is the same without what
`bracket` adds for the sample's error: its ends are those of the population up to that error, and a truth that lies at
an end, such as the redundancy of a garbled layer, is missed by half of the samples.

four       four classes that overlap, x2 a garbled x1: redundancy = I(Y;X2).
two        two classes in the plane, x2 a garbled x1.
ten        ten classes, x2 a garbled x1 (case A of the study).
symbols    3 classes, 12 symbols a layer, any joint: the truth is BROJA's of the joint itself.
too sure   `four`, the posteriors squared and normalised: they tell the same and claim more.
too timid  `four`, their square roots.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from scipy.special import softmax

from pidkit import bivariate_pid
from pidkit.pid.result import ATOMS
from pidkit.representations.bracket import atom_bracket
from pidkit.representations.decoded import DecodedScores, score_decoded
from pidkit.representations.estimate import atoms_from, by_name

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.representations.known_layers import CASE_A, FOUR_CLASSES, gaussian_classes

CLASSES = {"four": FOUR_CLASSES, "two": {"n_classes": 2, "apart": 1.5, "blur": 1.6}, "ten": CASE_A}
POWERS = {"too sure": 2.0, "too timid": 0.5}
LAYERS = (*CLASSES, "symbols", *POWERS)


def rows(name: str, n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return labels, the posteriors of both layers, and the true redundancy and unique atoms in nats."""
    if name == "symbols":
        rng = np.random.default_rng(seed)
        p = rng.dirichlet(np.full(3 * 12 * 12, 0.3)).reshape(3, 12, 12)
        y, x1, x2 = np.unravel_index(rng.choice(p.size, size=n, p=p.ravel()), p.shape)
        first, second = ((pair / pair.sum(0)).T for pair in (p.sum(2), p.sum(1)))
        exact = bivariate_pid(p, unit="nats")
        truth = np.array([exact.redundancy, exact.unique_1, exact.unique_2])
        return y, _inside(first)[x1], _inside(second)[x2], truth
    case = gaussian_classes(n, seed, **CLASSES.get(name, FOUR_CLASSES))
    power = POWERS.get(name, 1.0)
    first, second = (_inside(softmax(power * np.log(q), axis=1)) for q in (case.posteriors_1, case.posteriors_2))
    return case.labels, first, second, np.array([case.mi_2, case.mi_1 - case.mi_2, 0.0])


def _inside(q: np.ndarray) -> np.ndarray:
    """Return posteriors without zeros."""
    return (1.0 - 1e-6) * q + 1e-6 / q.shape[1]


def of_population(scored: DecodedScores, estimate: dict[str, float]) -> np.ndarray:
    """Return the brackets, shape (3, 2), as they would be without the sample's error."""
    of_codes = min(scored.coded_redundancy(), estimate["redundancy"])
    return np.array(
        [
            [of_codes, estimate["redundancy"]],
            [estimate["unique_1"], estimate["mi_1"] - of_codes],
            [estimate["unique_2"], estimate["mi_2"] - of_codes],
        ]
    )


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", action="append", choices=LAYERS, help="may be repeated; all by default")
    parser.add_argument("--size", action="append", type=int, help="number of rows; may be repeated; 2000 and 10000")
    parser.add_argument("--codes", action="append", type=int, help="may be repeated; 4, 10 and 40 by default")
    parser.add_argument("--samples", type=int, default=20, help="samples of each")
    options = parser.parse_args()
    print("| layers | n | codes | redundancy | bracket | its width | holds: Red, Uni_1, Uni_2 | population holds |")
    print("|---|---|---|---|---|---|---|---|")
    for name in options.layers or LAYERS:
        for n in options.size or (2000, 10_000):
            for n_codes in options.codes or (4, 10, 40):
                held, population, ends, truths = [], [], [], []
                for seed in range(options.samples):
                    y, first, second, truth = rows(name, n, seed)
                    scored = score_decoded(
                        y, (first, second, first), n_codes, np.arange(n) % 5, np.random.default_rng(seed)
                    )
                    informations, _ = scored.informations()
                    estimate = {**by_name(informations), **atoms_from(informations)}
                    bracket = atom_bracket(scored, estimate)
                    both = np.array([bracket[atom] for atom in ATOMS[:3]]), of_population(scored, estimate)
                    for found, one in zip((held, population), both, strict=True):
                        found.append((one[:, 0] - 1e-6 <= truth) & (truth <= one[:, 1] + 1e-6))
                    ends.append(both[0][0] / np.log(2))
                    truths.append(truth[0] / np.log(2))
                low, high = np.mean(ends, axis=0)
                cells = [" ".join(f"{share:.2f}" for share in np.mean(part, axis=0)) for part in (held, population)]
                print(
                    f"| {name} | {n} | {n_codes} | {np.mean(truths):.3f} | {low:.3f} to {high:.3f} |",
                    f"{high - low:.3f} | {' | '.join(cells)} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
