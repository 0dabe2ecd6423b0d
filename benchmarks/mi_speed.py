"""CPU seconds of KSG, beside scikit-learn's and NPEET's way, and of "calibrated" as a multiple of KSG's.

    python benchmarks/mi_speed.py [--samples 10000] [--rounds 5]

scikit-learn's `mutual_info_regression` takes one column a side. NPEET (Ver Steeg), which is not on the package index,
is timed by its way of computing: a k-d tree of scikit-learn in each space, all columns together. The times are the
least CPU times of rounds that take turns.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import digamma
from sklearn.feature_selection import mutual_info_regression
from sklearn.neighbors import KDTree

from pidkit import PidkitWarning
from pidkit.mi import BEYOND_NORMAL, KSG, Calibrated, Gao

Rows = np.ndarray[Any, np.dtype[np.float64]]


def npeet(x: Rows, y: Rows, k: int = 3) -> float:
    """Return KSG's estimate in nats, computed as NPEET does."""
    rng = np.random.default_rng(0)
    x, y = (side + 1e-10 * rng.random(side.shape) for side in (x, y))
    together = np.hstack([x, y])
    radius = KDTree(together, metric="chebyshev").query(together, k=k + 1)[0][:, k] - 1e-15
    means = [digamma(KDTree(s, metric="chebyshev").query_radius(s, radius, count_only=True)).mean() for s in (x, y)]
    return float(digamma(k) + digamma(len(x)) - means[0] - means[1])


def scikit_learn(x: Rows, y: Rows) -> float:
    """Return scikit-learn's estimate in nats of one column a side."""
    return float(mutual_info_regression(x, y.ravel(), random_state=0)[0])


def terms(x: Rows, y: Rows) -> float:
    """Return KSG's estimate in nats without what looks for doubts in it."""
    return float(KSG().terms(x, y).mean())


def of(estimator: KSG | Calibrated | Gao) -> Callable[[Rows, Rows], float]:
    """Return what gives an estimator's value in nats."""
    return lambda x, y: estimator.estimate(x, y, unit="nats").value


def main(n: int, rounds: int) -> None:
    """Print a table for one and two columns a side."""
    ways: dict[str, Callable[[Rows, Rows], float]] = {
        "KSG, terms alone": terms,
        "KSG": of(KSG()),
        "Gao": of(Gao()),
        "calibrated": of(Calibrated()),
        "NPEET's way": npeet,
        "scikit-learn": scikit_learn,
    }
    for task in ("normal 1x1", "2-pair 2x2", "2-pair 5x5"):
        x, y = (np.asarray(side, dtype=np.float64) for side in BEYOND_NORMAL[task].sample(n))
        some = {name: way for name, way in ways.items() if x.shape[1] == 1 or name != "scikit-learn"}
        least, values = dict.fromkeys(some, np.inf), {}
        for _ in range(rounds):
            for name, way in some.items():
                began = time.process_time()
                values[name] = way(x, y)
                least[name] = min(least[name], time.process_time() - began)
        print(f"{task}, n = {n}, {BEYOND_NORMAL[task].mi:.3f} nats")
        for name in some:
            print(f"  {name:<18}{values[name]:.3f}  {least[name]:.3f} s  {least[name] / least['KSG']:.2f} of KSG")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    warnings.simplefilter("ignore", PidkitWarning)
    main(chosen.samples, chosen.rounds)
