"""The bad-input table: every kind of unusable argument of a public function, with the one line it is answered with."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import pidkit
from pidkit import (
    bivariate_pid,
    bivariate_pid_batch,
    gate,
    joint_from_samples,
    pid_from_samples,
    solve_broja,
    solve_broja_batch,
)

AND = gate("AND").joint
PAIR_1, PAIR_2 = AND.sum(2), AND.sum(1)
SOLVED = solve_broja(PAIR_1, PAIR_2)
LAM, MU, WEIGHTS = SOLVED.start


def pid(p: Any = AND, **options: Any) -> Callable[..., Any]:
    return partial(bivariate_pid, p, **options)


def samples(**columns: Any) -> Callable[..., Any]:
    return partial(pid_from_samples, **{"y": [0, 1], "x1": [0, 1], "x2": [0, 1], **columns})


def broja(first: np.ndarray = PAIR_1, second: Any = PAIR_2, **options: Any) -> Callable[..., Any]:
    return partial(solve_broja, first, second, **options)


def batch(p: Any = None, **options: Any) -> Callable[..., Any]:
    return partial(bivariate_pid_batch, AND[None] if p is None else p, **options)


def pairs(first: np.ndarray = PAIR_1[None], second: Any = PAIR_2[None], **options: Any) -> Callable[..., Any]:
    return partial(solve_broja_batch, first, second, **options)


def changed(value: float, cell: tuple[int, int, int] = (0, 0, 0)) -> np.ndarray:
    p = AND.copy()
    p[cell] = value
    return p


TABLE: dict[str, tuple[Callable[..., Any], str]] = {
    # the joint
    "not numbers": (pid([[["a"]]]), "p must hold real numbers, not dtype <U1"),
    "nothing": (pid(None), "p must hold real numbers, not dtype object"),
    "ragged": (pid([[[1.0], [0.0, 0.0]]]), "p cannot be read as an array: setting an array element with a sequence..."),
    "complex": (pid(AND.astype(complex)), "p must hold real numbers, not dtype complex128"),
    "two axes": (pid(PAIR_1), "p must have 3 axes p[y, x1, x2], target first; it has shape (2, 2)"),
    "empty": (pid(np.zeros((0, 2, 2))), "p is empty: shape (0, 2, 2)"),
    "NaN": (pid(changed(np.nan)), "p holds NaN or infinite entries; a joint needs finite probabilities"),
    "infinity": (pid(changed(np.inf)), "p holds NaN or infinite entries; a joint needs finite probabilities"),
    "negative": (pid(changed(-0.25)), "p holds negative mass (-0.25); a joint needs probabilities >= 0"),
    "counts": (pid(4 * AND), "p sums to 4, not 1; divide it by its sum first (p / p.sum()), in float64"),
    "nearly one": (pid(AND * (1 + 1e-6)), "p sums to 1.000001, not 1; divide it by its sum first..."),
    # options
    "solver": (pid(solver="simplex"), "solver must be one of 'auto', 'interior-point', 'scaling', ..., not 'simplex'"),
    "solver type": (pid(solver=["conic"]), "solver must be one of 'auto', ..., not ['conic']"),
    "unit": (pid(unit="bit"), "unit must be 'bits' or 'nats', not 'bit'"),
    "unit of samples": (samples(unit=None), "unit must be 'bits' or 'nats', not None"),
    "zero tol": (pid(tol=0.0), "tol must be a finite number of bits > 0, not 0.0"),
    "negative tol": (samples(tol=-1e-9), "tol must be a finite number of bits > 0, not -1e-09"),
    "NaN tol": (broja(tol=np.nan), "tol must be a finite number of bits > 0, not nan"),
    "text tol": (pid(tol="1e-9"), "tol must be a finite number of bits > 0, not '1e-9'"),
    "flag as tol": (pid(tol=True), "tol must be a finite number of bits > 0, not True"),
    "no iterations": (pid(max_iter=0), "max_iter must be a whole number >= 1, not 0"),
    "flag as iterations": (broja(max_iter=True), "max_iter must be a whole number >= 1, not True"),
    "half iterations": (pid(max_iter=2.5), "max_iter must be a whole number >= 1, not 2.5; pass an int"),
    # samples
    "no samples": (samples(y=[], x1=[], x2=[]), "y is empty: at least one sample is needed"),
    "lengths": (samples(x2=[0]), "y, x1 and x2 must have one entry a sample; their lengths are 2, 2 and 1"),
    "a scalar": (samples(x1=3), "x1 must be a sequence of symbols, one a sample, not int"),
    "features": (
        samples(x1=np.full((2, 5), 0.3)),
        "x1 must have one axis (one symbol a sample), not shape (2, 5); features are coded first: ...",
    ),
    "rows of lists": (samples(x2=[[0], [1]]), "x2 must have one axis (...), not shape (2, 1); pass x2.reshape(-1)"),
    "NaN symbols": (samples(x1=[0.0, np.nan]), "x1[1] is missing (nan); drop such samples, or give what is missing..."),
    "NaN among text": (
        samples(y=["a", np.nan]),
        "y[1] is missing (nan); drop such samples, ...",
    ),
    "masked symbols": (samples(y=np.ma.masked_equal([0, 9], 9)), "y has 1 masked entry, which is no value; drop..."),
    "masked joint": (pid(np.ma.masked_less(AND, 0.1)), "p has ... masked entries, which are no values; drop..."),
    "complex symbols": (
        samples(x2=np.array([1j, 2])),
        "x2 holds complex numbers; symbols must be integers, strings or other hashables",
    ),
    "negative code": (
        samples(y=[0, -1], n_y=2),
        "y holds the negative code -1, but n_y = 2 says that...",
    ),
    "code too large": (samples(x1=[0, 7], n_x1=7), "x1 holds the code 7, but n_x1 = 7; codes must be below n_x1"),
    "too many symbols": (samples(y=["a", "b"], n_y=1), "y holds 2 distinct symbols, but n_y = 1"),
    "alphabet size": (samples(n_x2=2.0), "n_x2 must be a whole number >= 1, not 2.0; pass the int 2"),
    "joint lengths": (
        partial(joint_from_samples, y=[0], x1=[0, 1], x2=[0]),
        "y, x1 and x2 must have one entry a sample; their lengths are 1, 2 and 1",
    ),
    # marginals and warm starts
    "pair axes": (broja(AND), "p_yx1 must have 2 axes p_yx1[y, x], target first; it has shape (2, 2, 2)"),
    "pair total": (broja(second=2 * PAIR_2), "p_yx2 sums to 2, not 1; divide it by its sum first..."),
    "pair rows": (
        broja(second=[[1.0]]),
        "p_yx1 and p_yx2 must share the target axis: they have shapes (2, 2) and (1, 1)",
    ),
    "pair P(y)": (
        broja(second=PAIR_2[::-1]),
        "p_yx1 and p_yx2 have different P(y) (by up to 0.5); both must come from one joint",
    ),
    "start of another shape": (broja(init=(LAM, MU[:, :1], WEIGHTS)), "init must be (lam, mu, weights) of shapes..."),
    "half a start": (broja(init=(LAM, MU)), "init must be (lam, mu, weights) of shapes (2, 2), (2, 2), (2, 2): ..."),
    "a solution as a start": (broja(init=SOLVED), "init must be (lam, mu, weights) of shapes..."),
    "start with NaN": (broja(init=(LAM * np.nan, MU, WEIGHTS)), "init has potentials that are not finite where..."),
    "start below zero": (broja(init=(LAM, MU, -WEIGHTS)), "init has weights that are negative or not finite;..."),
    # batches
    "batch to the single door": (
        pid(AND[None]),
        "p must have 3 axes p[y, x1, x2], target first; it has shape (1, 2, 2, 2). ... bivariate_pid_batch. ...",
    ),
    "a joint as a batch": (batch(AND), "p must have 4 axes p[b, y, x1, x2], the batch first; it has shape (2, 2, 2)"),
    "no joints": (batch(np.zeros((0, 2, 2, 2))), "p is empty: shape (0, 2, 2, 2)"),
    "no symbols": (batch(np.zeros((3, 2, 0, 2))), "p is empty: shape (3, 2, 0, 2)"),
    "text in a batch": (batch([[[["a"]]]]), "p must hold real numbers, not dtype <U1"),
    "ragged batch": (batch([AND, AND[:, :1]]), "p cannot be read as an array: ..."),
    "NaN in a batch": (
        batch(np.stack([AND, changed(np.nan)])),
        "p holds NaN or infinite entries; a joint needs finite probabilities",
    ),
    "negative in a batch": (
        batch(np.stack([AND, changed(-0.25)])),
        "p holds negative mass (-0.25); a joint needs probabilities >= 0",
    ),
    "counts in a batch": (
        batch(np.stack([AND, 4 * AND])),
        "p[1] sums to 4, not 1; divide every joint by its sum first",
    ),
    "batch unit": (batch(unit="bit"), "unit must be 'bits' or 'nats', not 'bit'"),
    "batch tol": (batch(tol=0), "tol must be a finite number of bits > 0, not 0"),
    "batch iterations": (batch(max_iter=0), "max_iter must be a whole number >= 1, not 0"),
    "batch half iterations": (pairs(max_iter=1.5), "max_iter must be a whole number >= 1, not 1.5; pass an int"),
    "no threads": (batch(n_jobs=0), "n_jobs must be a whole number >= 1, not 0; None takes one for each core"),
    "all threads": (batch(n_jobs=-1), "n_jobs must be a whole number >= 1, not -1; None takes one for each core"),
    "flag as threads": (pairs(n_jobs=True), "n_jobs must be a whole number >= 1, not True; None takes one..."),
    "pairs axes": (pairs(PAIR_1), "p_yx1 must have 3 axes p_yx1[b, y, x], the batch first; it has shape (2, 2)"),
    "pairs total": (pairs(second=2 * PAIR_2[None]), "p_yx2[0] sums to 2, not 1; divide every joint by its sum first"),
    "pairs of other lengths": (
        pairs(np.stack([PAIR_1] * 3)),
        "p_yx1 and p_yx2 must share the batch and the target axis: they have shapes (3, 2, 2) and (1, 2, 2)",
    ),
    "pairs of other targets": (
        pairs(second=[[[1.0]]]),
        "p_yx1 and p_yx2 must share the batch and the target axis: they have shapes (1, 2, 2) and (1, 1, 1)",
    ),
    "pairs P(y)": (
        pairs(second=PAIR_2[None, ::-1]),
        "p_yx1 and p_yx2 have different P(y) (by up to 0.5); both must come from one joint",
    ),
    # what is asked of a result, and names
    "block": (partial(SOLVED.coupling_block, 2), "y must be at most the last target symbol, 1, not 2"),
    "block type": (partial(SOLVED.coupling_block, 0.5), "y must be a whole number >= -2, not 0.5; pass an int"),  # type: ignore[arg-type]
    "unit of a result": (partial(bivariate_pid(AND).to, "trits"), "unit must be 'bits' or 'nats', not 'trits'"),
    "gate": (partial(gate, "xor"), "there is no gate 'xor'; did you mean 'XOR'? The gates are RDN, UNQ, XOR, AND,..."),
    "gate type": (partial(gate, 3), "there is no gate 3; The gates are RDN, UNQ, XOR,..."),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("kind", TABLE)
def test_bad_input_is_one_line_that_says_what_to_do(kind: str) -> None:
    call, message = TABLE[kind]
    expected = ".*".join(re.escape(part) for part in message.split("..."))
    with pytest.raises(pidkit.InputError, match=rf"^{expected}$") as caught:
        call()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


def test_the_table_has_at_least_25_kinds() -> None:
    assert len(TABLE) >= 25


def test_axes_must_be_named() -> None:
    with pytest.raises(TypeError, match="takes 0 positional arguments"):
        joint_from_samples([0], [0], [0])  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="takes 0 positional arguments"):
        pid_from_samples([0], [0], [0])  # type: ignore[call-arg]


def test_a_tensor_is_read_by_its_values() -> None:
    """Quarters are exact in bfloat16, so that AND in it is AND: synergy 1/2."""
    torch = pytest.importorskip("torch")
    live = torch.tensor(AND.copy(), requires_grad=True)
    assert bivariate_pid(live).synergy == pytest.approx(0.5, abs=1e-9)
    assert bivariate_pid(live.to(torch.bfloat16)).synergy == pytest.approx(0.5, abs=1e-9)
    assert bivariate_pid(torch.tensor(AND.copy())).synergy == pytest.approx(0.5, abs=1e-9)
