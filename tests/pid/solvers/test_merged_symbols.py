"""Merging symbols with one posterior changes no atom, and makes problems of codes that are met once small."""

from typing import Any

import numpy as np
import pytest

from pidkit import InputError, PidkitWarning, bivariate_pid, pid_from_samples
from pidkit.info import mutual_information
from pidkit.pid.solvers import merged_symbols
from pidkit.pid.solvers.merged_symbols import merge_symbols
from tests.pid.strategies import random_joint


@pytest.mark.parametrize("kind", ["dense", "sparse", "counts"])
def test_symbols_cut_to_pieces_are_put_together_again(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A law: p[y, x1 x2] with every symbol cut into pieces of random masses has the atoms of p."""
    rng = np.random.default_rng(0)
    p = random_joint(rng, (3, 4, 5), kind)
    cut = np.kron(p, np.ones((1, 3, 2)))
    cut *= np.concatenate(rng.dirichlet(np.ones(3), 4))[:, None] * np.concatenate(rng.dirichlet(np.ones(2), 5))
    whole = bivariate_pid(p)
    monkeypatch.setattr(merged_symbols, "MANY_SYMBOLS", 1)
    assert merge_symbols(cut.sum(2)).shape[1] <= 4
    assert mutual_information(merge_symbols(cut.sum(2))) == pytest.approx(whole.mi_1 * np.log(2.0), abs=1e-12)
    found = bivariate_pid(cut)
    for name, value in whole.atoms.items():
        assert found.atoms[name] == pytest.approx(value, abs=2.1e-9)


def test_posteriors_that_differ_stay_apart_and_few_symbols_are_left_alone() -> None:
    p = np.random.default_rng(1).dirichlet(np.ones(3 * 300)).reshape(3, 300)
    assert merge_symbols(p).shape == (3, 300)
    assert merge_symbols(np.full((2, 50), 0.01)).shape == (2, 50)
    assert merge_symbols(np.full((2, 500), 0.001)).shape == (2, 1)


def test_twenty_thousand_codes_take_seconds_and_a_warning() -> None:
    """They took 2 GB for each of several tables of pairs: MemoryError, once. Here most codes are met once."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 4, 20_000)
    x1, x2 = (y * 5000 + rng.integers(0, 8000, y.size) for _ in range(2))
    with pytest.warns(PidkitWarning, match=r"x1 has 1\d+ symbols, x2 has 1\d+ symbols in 20000 samples: .* Make codes"):
        found = pid_from_samples(y=y, x1=x1, x2=x2)
    assert found.report.gap <= 1e-5
    assert sum(found.atoms.values()) == pytest.approx(found.mi_joint, abs=1e-12)
    assert found.mi_joint <= np.log2(4.0) + 1e-12


def test_nearly_unique_symbols_are_told() -> None:
    """500 independent normals as names: 8.97 bits of redundancy, without a word, once. As numbers they are refused."""
    rng = np.random.default_rng(0)
    columns: dict[str, Any] = {name: rng.normal(size=500) for name in ("y", "x1", "x2")}
    with pytest.raises(InputError, match="y holds 500 distinct numbers in 500 samples: measurements, not symbols"):
        pid_from_samples(**columns)
    names: dict[str, Any] = {name: column.astype(str) for name, column in columns.items()}
    with pytest.warns(PidkitWarning, match="y has 500 symbols, x1 has 500 symbols, x2 has 500 symbols in 500 samples"):
        found = pid_from_samples(**names)
    assert found.redundancy == pytest.approx(np.log2(500.0), abs=1e-6)
