"""Array-likes are read by their values: tensors with a gradient, bfloat16, masked arrays, and lists of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pidkit
from pidkit import InputError, solve_broja
from pidkit.array_likes import plain_array, rounding_of


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            np.ma.masked_equal([1, 2, 2], 2),
            r"^x has 2 masked entries, which are no values; drop such samples",
        ),
        (
            np.ma.masked_equal([[1.0, 2.0]], 2.0),
            r"^x has 1 masked entry, which is no value; .* fill it with \.filled",
        ),
        ([np.ma.masked_equal([1, 2], 2), [1, 1]], r"^x\[0\] has 1 masked entry"),
        ([0, np.ma.masked], r"^x\[1\] has 1 masked entry"),
    ],
)
def test_masked_entries_are_refused(values: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        plain_array(values, "x")


def test_a_mask_without_entries_hides_nothing() -> None:
    whole = np.ma.masked_array([1.0, 2.0], mask=[False, False])
    found = plain_array(whole, "x")
    assert type(found) is np.ndarray
    assert found.tolist() == [1.0, 2.0]
    assert np.shares_memory(found, whole.data)


def test_tensors_are_read_by_their_values() -> None:
    torch = pytest.importorskip("torch")
    live = torch.tensor([0.5, -3.0], requires_grad=True)
    for tensor in (live, live.to(torch.bfloat16), live.half(), live.double(), torch.conj(live)):
        assert plain_array(tensor, "x").tolist() == [0.5, -3.0]
    assert plain_array([live, live.bfloat16()], "x").tolist() == [[0.5, -3.0]] * 2
    assert plain_array([live[0], 2.0], "x").tolist() == [0.5, 2.0]
    for without_values in (live.detach().to_sparse(), torch.zeros(2, device="meta")):
        with pytest.raises(InputError, match=r"^x must be a dense tensor that holds its values"):
            plain_array(without_values, "x")


MASKED = np.ma.masked_less(np.random.default_rng(0).normal(size=(60, 2)), -1.0)
PLAIN = np.random.default_rng(1).normal(size=(60, 2))
CLASSES = np.arange(60) % 2
SOLVED = solve_broja([[0.5, 0.0], [0.0, 0.5]], [[0.5, 0.0], [0.0, 0.5]])


def masses(shape: tuple[int, ...]) -> Any:
    """Return a uniform joint with its first cell masked."""
    p = np.ma.masked_array(np.full(shape, 1.0 / np.prod(shape)), mask=np.zeros(shape, dtype=bool))
    p[(0,) * len(shape)] = np.ma.masked
    return p


DOORS: dict[str, Callable[[], Any]] = {
    "p, bivariate_pid": lambda: pidkit.bivariate_pid(masses((2, 2, 2))),
    "p, compare": lambda: pidkit.compare(masses((2, 2, 2))),
    "p, intersection_information": lambda: pidkit.intersection_information(masses((2, 2, 2))),
    "p, mmi_redundancy": lambda: pidkit.mmi_redundancy(masses((2, 2, 2))),
    "p, bivariate_pid_batch": lambda: pidkit.bivariate_pid_batch(masses((3, 2, 2, 2))),
    "p, array_from_joint": lambda: pidkit.array_from_joint(masses((2, 2, 2)), axes="x1 x2 y"),
    "array, joint_from_array": lambda: pidkit.joint_from_array(masses((2, 2, 2)), axes="x1 x2 y"),
    "p_yx1, solve_broja": lambda: solve_broja(masses((2, 2)), np.full((2, 2), 0.25)),
    "p_yx2, solve_broja_batch": lambda: pidkit.solve_broja_batch(np.full((1, 2, 2), 0.25), masses((1, 2, 2))),
    "init, solve_broja": lambda: solve_broja(
        np.eye(2) / 2, np.eye(2) / 2, init=(np.ma.masked_less(SOLVED.start[0], 0.0), *SOLVED.start[1:])
    ),
    "x1, representation_pid": lambda: pidkit.representation_pid(labels=CLASSES, x1=MASKED, x2=PLAIN),
    "x, KMeansCodes": lambda: pidkit.KMeansCodes(2).fit(MASKED),
    "x, transform": lambda: pidkit.KMeansCodes(2).fit(PLAIN).transform(MASKED),
    "a, ksg": lambda: pidkit.estimate_mi(MASKED, PLAIN),
    "b, gaussian": lambda: pidkit.estimate_mi(PLAIN, MASKED, estimator="gaussian"),
    "b, reconstruction-decoder": lambda: pidkit.estimate_mi(PLAIN, MASKED, estimator="reconstruction-decoder"),
    "layer, save_arrays": lambda: pidkit.save_arrays("never written.npz", layer=MASKED),
}


@pytest.mark.parametrize("door", DOORS)
def test_a_mask_is_read_through_nowhere(door: str) -> None:
    with pytest.raises(InputError, match=rf"\b{door.split(',')[0]}\b.* has \d+ masked entr(y|ies), which"):
        DOORS[door]()


def test_trackers_read_their_sample_by_its_values() -> None:
    torch = pytest.importorskip("torch")
    from pidkit.nn.sample import check_sample
    from pidkit.plane.conversion import as_inputs

    with pytest.raises(InputError, match=r"^sample x has 18 masked entries"):
        check_sample((MASKED, CLASSES))
    with pytest.raises(InputError, match=r"^sample y has 30 masked entries"):
        check_sample((PLAIN, np.ma.masked_equal(CLASSES, 1)))
    with pytest.raises(InputError, match=r"^inputs has 18 masked entries"):
        as_inputs(MASKED, 60)
    x, y = check_sample((PLAIN, torch.tensor(CLASSES).bfloat16()))
    assert (y == CLASSES).all()
    assert torch.equal(x, torch.tensor(PLAIN))
    live = torch.tensor(PLAIN).bfloat16().requires_grad_()
    assert as_inputs(live, 60) == pytest.approx(PLAIN, abs=0.01)


def test_bfloat16_of_numpy_extensions_is_widened() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    found = plain_array(np.array([0.5, -3.0], dtype=ml_dtypes.bfloat16), "x")
    assert found.dtype == np.float32
    assert found.tolist() == [0.5, -3.0]


def test_the_rounding_of_a_dtype() -> None:
    """Machine epsilon is 2^-p for p bits after the leading one: 52, 23, 10 and 7."""
    for dtype, bits in ((np.float64, 52), (np.float32, 23), (np.float16, 10), (np.int64, 52)):
        assert rounding_of(np.ones(1, dtype=dtype)) == 2.0**-bits
    torch = pytest.importorskip("torch")
    for dtype, bits in ((torch.float64, 52), (torch.float32, 23), (torch.float16, 10), (torch.bfloat16, 7)):
        assert rounding_of(torch.ones(1, dtype=dtype)) == 2.0**-bits
