"""Differentiable atoms: values of the solver, gradients by gradcheck, batches, dtypes, and what is refused."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from pidkit import GATES, InputError, bivariate_pid
from pidkit.distill import soft_pair_atoms, soft_pid

ATOMS = ("redundancy", "unique_1", "unique_2", "synergy")


def soft(logits: torch.Tensor) -> torch.Tensor:
    """Joints of the last three axes."""
    return torch.softmax(logits.flatten(-3), -1).reshape(logits.shape)


def test_values_are_those_of_bivariate_pid_for_any_leading_axes() -> None:
    rng = np.random.default_rng(0)
    p = torch.as_tensor(rng.dirichlet(np.ones(24), size=(2, 3)).reshape(2, 3, 2, 3, 4))
    atoms = soft_pid(p)
    for index in np.ndindex(2, 3):
        single = bivariate_pid(p[index].numpy())
        for name in ATOMS:
            assert getattr(atoms, name).shape == (2, 3)
            assert float(getattr(atoms, name)[index]) == pytest.approx(getattr(single, name), abs=2e-9)


@pytest.mark.parametrize("name", sorted(GATES))
def test_gates_have_finite_gradients(name: str) -> None:
    p = torch.tensor(GATES[name].joint, requires_grad=True)
    atoms = soft_pid(p)
    assert float(atoms.redundancy.detach()) == pytest.approx(GATES[name].redundancy, abs=1e-8)
    sum(atoms.atoms.values()).backward()
    assert torch.isfinite(p.grad).all()  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(2, 2, 2), (3, 2, 4), (2, 3, 2, 2)])
def test_gradcheck_of_all_atoms(shape: tuple[int, ...]) -> None:
    torch.manual_seed(sum(shape))
    logits = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda x: tuple(soft_pid(soft(x), tol=1e-11, unit="nats").atoms.values()), (logits,), eps=1e-4, atol=1e-5
    )


def test_gradcheck_through_pair_marginals_of_soft_codes() -> None:
    """What a training step does: labels, soft codes of two networks, the mean joint of label and code."""
    torch.manual_seed(0)
    labels = torch.nn.functional.one_hot(torch.arange(12) % 3, 3).double()
    teacher = torch.randn(12, 4, dtype=torch.float64, requires_grad=True)
    student = torch.randn(12, 2, dtype=torch.float64, requires_grad=True)

    def atoms(t: torch.Tensor, s: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        pair = (labels.T @ torch.softmax(x, -1) / 12 for x in (t, s))
        return soft_pair_atoms(*pair, tol=1e-11, unit="nats")

    assert torch.autograd.gradcheck(atoms, (teacher, student), eps=1e-4, atol=1e-5)


def test_single_precision_is_scaled_and_kept() -> None:
    p = soft(torch.randn(5, 3, 4, 4, generator=torch.Generator().manual_seed(0))).requires_grad_()
    atoms = soft_pid(p)
    assert atoms.redundancy.dtype == torch.float32
    exact = soft_pid(p.detach().double())
    torch.testing.assert_close(atoms.redundancy.double(), exact.redundancy, atol=1e-6, rtol=0)
    atoms.unique_1.sum().backward()
    assert p.grad.dtype == torch.float32


def test_another_unit_keeps_the_gradient() -> None:
    logits = torch.randn(2, 2, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64, requires_grad=True)
    atoms = soft_pid(soft(logits), unit="nats")
    in_nats, in_bits = (
        torch.autograd.grad(one.synergy, logits, retain_graph=True)[0] for one in (atoms, atoms.to("bits"))
    )
    torch.testing.assert_close(in_bits * np.log(2.0), in_nats)


def test_units_and_sums() -> None:
    p = soft(torch.randn(3, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1)))
    bits, nats = soft_pid(p), soft_pid(p, unit="nats")
    assert (bits.unit, nats.unit) == ("bits", "nats")
    for name in ATOMS:
        assert float(bits.atoms[name]) * np.log(2.0) == pytest.approx(float(nats.atoms[name]), abs=1e-12)
    red, uni_1, uni_2 = soft_pair_atoms(p.sum(-1), p.sum(-2))
    assert float(red) == pytest.approx(float(bits.redundancy), abs=1e-9)
    assert float(uni_1) == pytest.approx(float(bits.unique_1), abs=1e-9)
    assert float(uni_2) == pytest.approx(float(bits.unique_2), abs=1e-9)


def test_ascent_on_redundancy_finds_the_label() -> None:
    """Example 2 in small: a one-bit code of T = (U1, U2) trained on the exact redundancy about Y = U1 picks U1."""
    table = torch.zeros(2, 4, dtype=torch.float64)
    table[0, :2], table[1, 2:] = 0.4, 0.1  # T = 2 U1 + U2, U1 ~ Ber(.2)
    logits = 0.1 * torch.randn(4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    logits.requires_grad_()
    optimiser = torch.optim.Adam([logits], lr=0.1)
    for _ in range(200):
        channel = torch.softmax(logits, -1)
        red, _, _ = soft_pair_atoms(table, table @ channel)
        optimiser.zero_grad()
        (-red).backward()
        optimiser.step()
    assert float(red.detach()) > 0.70  # of h(.2) = .7219 bits
    picked = logits.detach().argmax(-1)
    assert picked[0] == picked[1] != picked[2] == picked[3]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: soft_pid(np.ones((2, 2, 2)) / 8), "p must be a floating torch tensor"),  # type: ignore[arg-type]
        (lambda: soft_pid(torch.ones(2, 2, 2, dtype=torch.int64)), "p must be a floating torch tensor"),
        (lambda: soft_pid(torch.ones(2, 2) / 4), "p must have at least 3 axes"),
        (lambda: soft_pid(torch.ones(0, 2, 2, 2)), "p must have at least 3 axes and not be empty"),
        (lambda: soft_pid(torch.full((2, 2, 2), torch.nan)), "p holds NaN"),
        (lambda: soft_pid(torch.tensor([[[1.5, -0.5]]])), "p holds negative mass"),
        (lambda: soft_pid(torch.ones(2, 2, 2)), "must each sum to one"),
        (lambda: soft_pid(torch.ones(2, 2, 2) / 8, unit="dits"), "unit must be"),  # type: ignore[arg-type]
        (lambda: soft_pair_atoms(torch.ones(2, 2) / 4, torch.ones(3, 2) / 6), "must share the batch and the target"),
        (lambda: soft_pair_atoms(torch.ones(2, 2) / 4, torch.tensor([[0.7], [0.3]])), r"have different P\(y\)"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_in_one_line(call: Callable[..., Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
