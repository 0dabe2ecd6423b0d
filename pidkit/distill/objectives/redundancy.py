"""The exact BROJA redundancy of teacher and student about the label as a loss; its gradient comes from the solver."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor, distributed, nn
from torch.autograd.function import once_differentiable

from pidkit.arguments import check_count, one_of, real_number
from pidkit.distill.batch import Batch
from pidkit.distill.codes import Codes
from pidkit.distill.objective import Objective, frozen
from pidkit.errors import InputError, SolverError, warn
from pidkit.pid.batch import solve_broja_batch
from pidkit.pid.batch_result import BROJABatch
from pidkit.pid.gradients import atom_gradients
from pidkit.types import FloatArray
from pidkit.units import from_nats

TrainedAtom = Literal["redundancy", "unique_teacher"]
"""The atoms that can be trained on; by Theorem 3.2 their gradients are the same but for the sign."""

FLOOR = 1e-9
"""Cells of P(y,t) and P(y,s) with less mass than this are left out: they hold less information than the tolerance and
no gradient to speak of, and they cost the solver iterations."""


MOST_UNCERTIFIED = 10
"""Steps of training in a row whose gap may stay above the tolerance before the run ends: it would train nothing."""


class ExactRedundancy(Objective):
    """Raise what teacher and student share about the label, -Red(Y:T,S), or lower Uni(Y:T\\S); in nats.

    T and S are codes: P(y,t) = mean_n [y_n = y] t_n and P(y,s) = mean_n [y_n = y] s_n, t_n and s_n the code
    probabilities of a sample. Forward, the atom that the certified solver finds; backward, the solver's dual potentials
    (`atom_gradients`), in float64 and on the CPU, about a millisecond for 10 classes and 10 codes.

    Red + Uni(Y:T\\S) = I(Y;T) does not depend on the student (Theorem 3.2), so both atoms have one gradient; the loss
    -Red falls towards -I(Y;T), the loss Uni towards zero.

    Parameters
    ----------
    teacher_codes : Codes
        `NearestCentres` of a layer, or `LogitCodes`. Frozen.
    student_codes : Codes
        `SoftCodes`, which learn along with the student, or `LogitCodes` with a temperature.
    n_classes : int
    atom : "redundancy" or "unique_teacher"
    momentum : float, optional
        The joint is a moving average over steps, (1 - m) sum_k m^k P_{now-k}, divided by its mass 1 - m^steps, so that
        it is a joint from the first step on. Only the batch has a graph, and it gets the whole gradient at the averaged
        joint: weights and learning rates mean the same for every momentum. None takes the joint of the batch alone.
    tol : float
        Certified gap to reach, in bits. At 1e-5 the gradient is off by some 5e-4 of its length, at 1e-7 by 4e-5: far
        less than a batch's own noise.
    every : int
        In train mode take part in one step of so many, the first, with so many times the loss; zero in between. For
        students of a few thousand parameters, whose own step is shorter than a solve.

    Attributes
    ----------
    p_yt, p_ys : Tensor, shape (n_classes, n_codes)
        Buffers: the running averages, not yet divided. Zero without momentum.
    n_steps : Tensor
        Buffer: steps of training seen, those in between included.

    Raises
    ------
    InputError
        If an option is out of its range, or labels or codes of a batch do not fit.
    SolverError
        If the certificate was not had in ten steps of training in a row. A single such batch does not end a run: its
        step warns (`PidkitWarning`), has the value that was reached and no gradient, which might be a wrong one.

    Notes
    -----
    A joint of few samples overstates information, and the gradient along with it. With 10 classes, 10 codes, hard
    teacher codes and batches of 128, the batch alone finds .92 bits where Red is .80, .19 where it is .04 (with a mean
    gradient 5 times too long), and .16 where it is 0; batches of 32 find 1.18, .56 and .53. With momentum .9 the three
    errors stay within .02 bits (.04 for batches of 32) and the gradient at Red = .04 is 1.3 (2.5) times too long; with
    .99, errors within .005 (.01) bits and the right length. Take .9, the default; .99 for batches of a few dozen or
    alphabets of 20 and more, with a learning rate at which codes last for a hundred steps, since the average remembers
    the student that was; None for batches of a thousand and more.

    In several processes of torch.distributed, the joint in train mode is that of all their batches together, in one
    small all-reduce; after DDP has averaged the gradients they are exactly those of that joint. In eval mode the
    batch is averaged in, and nothing is communicated or remembered.

    Sources: Bertschinger et al., Entropy 16, 2014, for the atoms; Dissanayake et al., AISTATS 2025, who propose them
    for distillation and train on a lower bound instead (RID).

    Examples
    --------
    >>> from pidkit.distill.batch import Outputs
    >>> from pidkit.distill.codes import LogitCodes
    >>> labels = torch.tensor([0, 0, 1, 1])
    >>> answers = Outputs(20.0 * nn.functional.one_hot(labels, 2).float(), {})
    >>> objective = ExactRedundancy(LogitCodes(2), LogitCodes(2, temperature=1.0), n_classes=2, momentum=None)
    >>> loss = objective(Batch(answers, {"teacher": answers}), labels)
    >>> round(float(loss), 4)  # both know all of the label: -log 2
    -0.6931
    """

    p_yt: Tensor
    p_ys: Tensor
    n_steps: Tensor

    def __init__(
        self,
        teacher_codes: Codes,
        student_codes: Codes,
        *,
        n_classes: int,
        atom: TrainedAtom = "redundancy",
        momentum: float | None = 0.9,
        tol: float = 1e-5,
        every: int = 1,
    ) -> None:
        """Check the options and start the running averages at zero."""
        super().__init__()
        self.atom = one_of("atom", atom, get_args(TrainedAtom))
        self.momentum: float | None = None
        if momentum is not None:
            remedy = "None takes the batch alone"
            self.momentum = real_number("momentum", momentum, least=0.0, below=1.0, remedy=remedy)
        self.tol = real_number("tol", tol, above=0.0, of="bits")
        self.n_classes, self.every = check_count("n_classes", n_classes), check_count("every", every)
        self.teacher_codes = teacher_codes.requires_grad_(False)
        self.student_codes = student_codes
        for name, codes in (("p_yt", teacher_codes), ("p_ys", student_codes)):
            self.register_buffer(name, torch.zeros(self.n_classes, codes.n_codes, dtype=torch.float64))
        self.register_buffer("n_steps", torch.zeros((), dtype=torch.int64))
        self._n_uncertified = 0

    def student_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return -Red(Y:T,S), or Uni(Y:T\\S), in nats; single precision at least."""
        step = int(self.n_steps) if self.training else 0
        if self.training:
            self.n_steps += 1
        if step % self.every:
            # A zero with a graph, through which a lone objective can go backward.
            return batch.student.logits.flatten()[:0].sum()
        classes = self._one_hot(labels)
        with frozen(self.teacher_codes):
            teacher = self.teacher_codes(batch.teacher)
        student = self.student_codes(batch.student)
        for name, rows, codes in (("teacher", teacher, self.p_yt), ("student", student, self.p_ys)):
            if rows.shape != (len(classes), codes.shape[1]):
                shape = (len(classes), codes.shape[1])
                raise InputError(f"{name}_codes must give one row a label, {shape}, not {tuple(rows.shape)}")
        n_yt, n_ys = classes.T @ teacher.double(), classes.T @ student.double()
        for name, counts in (("teacher_codes", n_yt), ("student_codes", n_ys)):
            if not bool(counts.isfinite().all()):  # before the running averages take it in
                raise InputError(f"{name} holds NaN or infinite entries in this batch; the training has diverged")
        with torch.no_grad():
            p_yt, p_ys, share = self._averaged(n_yt, n_ys, float(len(classes)))
        value, slope = self._solve(*_without_traces(p_yt.cpu().numpy(), p_ys.cpu().numpy()))
        times = self.every if self.training else 1
        loss = _KnownSlope.apply(n_ys, times * value, torch.from_numpy(slope).to(n_ys) * (times * share))  # type: ignore[no-untyped-call]
        return loss.to(torch.promote_types(batch.student.logits.dtype, torch.float32))  # type: ignore[no-any-return]

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """Return the parameters of the student's codes as its filters."""
        own = list(self.student_codes.parameters())
        return {"student_filters": own} if own else {}

    def extra_repr(self) -> str:
        """Show the options."""
        schedule = f"momentum={self.momentum}, tol={self.tol:g}, every={self.every}"
        return f"n_classes={self.n_classes}, atom={self.atom!r}, {schedule}"

    def _one_hot(self, labels: Tensor) -> Tensor:
        if labels.ndim != 1 or len(labels) == 0 or labels.is_floating_point():
            raise InputError(f"labels must be class numbers of shape (n,), not {labels.dtype} {tuple(labels.shape)}")
        low, high = torch.stack(torch.aminmax(labels)).tolist()
        if low < 0 or high >= self.n_classes:
            raise InputError(f"labels must lie in 0..{self.n_classes - 1}, as n_classes says; they reach {low}..{high}")
        return nn.functional.one_hot(labels.long(), self.n_classes).double()

    def _solve(self, p_yt: FloatArray, p_ys: FloatArray) -> tuple[float, FloatArray]:
        """Return the loss of a joint and its derivative by P(y,s), the same for both atoms (the envelope theorem)."""
        solution = solve_broja_batch(p_yt[None], p_ys[None], tol=self.tol, unit="nats", check=False)
        value = -solution.redundancy[0] if self.atom == "redundancy" else solution.unique_1[0]
        if not self._is_certified(solution):
            return float(value), np.zeros_like(p_ys)
        slopes = atom_gradients(p_yt[None], p_ys[None], solution.lam, solution.mu).unique_1[1]
        return float(value), np.ascontiguousarray(slopes[0])

    def _is_certified(self, solution: BROJABatch) -> bool:
        """Return whether the gap is at most the tolerance; else warn, or raise SolverError after too many in a row."""
        if solution.status[0] == "converged":
            self._n_uncertified = 0
            return True
        self._n_uncertified += self.training
        what = f"{from_nats(float(solution.gap[0]), 'bits'):.1e} bits, and tol is {self.tol:.1e}"
        if self._n_uncertified >= MOST_UNCERTIFIED:
            raise SolverError(f"the certified gap of {MOST_UNCERTIFIED} batches in a row stayed above tol: {what}")
        warn(f"ExactRedundancy leaves a batch out: the certified gap is {what}; this step has no gradient from it")
        return False

    def _averaged(self, n_yt: Tensor, n_ys: Tensor, total: float) -> tuple[Tensor, Tensor, float]:
        """Return P(y,t) and P(y,s) over processes and steps, and the weight of the batch's table of counts in them."""
        seen_t, seen_s, share = n_yt, n_ys, 1.0
        if self.training and distributed.is_available() and distributed.is_initialized():
            counts = torch.cat([seen_t.flatten(), seen_s.flatten(), seen_t.new_tensor([total])])
            distributed.all_reduce(counts)
            n_t, n_s = n_yt.numel(), n_ys.numel()
            seen_t, seen_s, total = counts[:n_t].view_as(n_yt), counts[n_t : n_t + n_s].view_as(n_ys), float(counts[-1])
            # DDP divides the sum of the gradients by the number of processes.
            share = float(distributed.get_world_size())
        p_yt, p_ys = seen_t / total, seen_s / total
        if self.momentum is not None:
            # The running averages began at zero: their mass says how much of them has been filled.
            p_yt, p_ys = (
                old.double().lerp(new, 1.0 - self.momentum) for old, new in ((self.p_yt, p_yt), (self.p_ys, p_ys))
            )
            if self.training:
                self.p_yt.copy_(p_yt)
                self.p_ys.copy_(p_ys)
        # The batch gets the whole gradient, so that weights and learning rates mean the same for every momentum.
        return p_yt, p_ys, share / total


class _KnownSlope(torch.autograd.Function):
    """A scalar function of a table whose value and derivative are already known: the solver gives both at once."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, value: float, slope: Tensor) -> Tensor:
        """Return the value."""
        ctx.save_for_backward(slope)
        return table.new_tensor(value)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        """Return the derivative."""
        (slope,) = ctx.saved_tensors
        return grad * slope, None, None


def _without_traces(p_yt: FloatArray, p_ys: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Drop cells below FLOOR, and classes with no other cells; rescale both tables to one P(y) and a sum of one."""
    p_y = p_yt.sum(1)
    p_y = p_y / p_y.sum()
    cells = [np.where(p >= FLOOR, p, 0.0) for p in (p_yt, p_ys)]
    p_y = np.where(cells[0].any(1) & cells[1].any(1), p_y, 0.0)
    p_y = p_y / p_y.sum()
    # Where nothing is left of a class p_y is zero.
    first, second = (p * (p_y / np.maximum(p.sum(1), FLOOR))[:, None] for p in cells)
    return first, second
