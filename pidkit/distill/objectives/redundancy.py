"""The exact BROJA redundancy of teacher and student about the label as a loss; its gradient comes from the solver."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pidkit.arguments import check_count, real_number
from pidkit.distill.batch import Batch
from pidkit.distill.certified_loss import CertifiedLoss, TrainedAtom, with_slope
from pidkit.distill.codes import Codes
from pidkit.distill.objective import Objective, frozen
from pidkit.distill.running_joint import averaged, counted, one_hot_labels, summed_over_processes


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
    small all-reduce; DDP's averaged gradients are exactly those of it. In eval mode nothing is sent or remembered.

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
        remedy = "None takes the batch alone"
        self.momentum = (
            None if momentum is None else real_number("momentum", momentum, least=0.0, below=1.0, remedy=remedy)
        )
        self._loss = CertifiedLoss(atom)
        self.atom, self.tol = self._loss.atom, real_number("tol", tol, above=0.0, of="bits")
        self.n_classes, self.every = check_count("n_classes", n_classes), check_count("every", every)
        self.teacher_codes = teacher_codes.requires_grad_(False)
        self.student_codes = student_codes
        for name, codes in (("p_yt", teacher_codes), ("p_ys", student_codes)):
            self.register_buffer(name, torch.zeros(self.n_classes, codes.n_codes, dtype=torch.float64))
        self.register_buffer("n_steps", torch.zeros((), dtype=torch.int64))

    def student_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return -Red(Y:T,S), or Uni(Y:T\\S), in nats; single precision at least."""
        step = int(self.n_steps) if self.training else 0
        self.n_steps += self.training
        if step % self.every:
            # A zero with a graph, through which a lone objective can go backward.
            return batch.student.logits.flatten()[:0].sum()
        classes = one_hot_labels(labels, self.n_classes)
        with frozen(self.teacher_codes):
            teacher = self.teacher_codes(batch.teacher)
        n_yt = counted(classes, teacher, self.teacher_codes.n_codes, "teacher_codes")
        n_ys = counted(classes, self.student_codes(batch.student), self.student_codes.n_codes, "student_codes")
        with torch.no_grad():
            seen_t, seen_s, total, n_processes = n_yt, n_ys, float(len(classes)), 1.0
            if self.training:
                seen_t, seen_s, total, n_processes = summed_over_processes(n_yt, n_ys, total)
            p_yt = averaged(self.p_yt, seen_t / total, self.momentum, keep=self.training)
            p_ys = averaged(self.p_ys, seen_s / total, self.momentum, keep=self.training)
        value, slope = self._loss.solve(p_yt.cpu().numpy(), p_ys.cpu().numpy(), tol=self.tol, counts=self.training)
        times = self.every if self.training else 1
        # The batch gets the whole gradient, so that weights and learning rates mean the same for every momentum; DDP
        # divides the sum of the gradients by the number of processes.
        loss = with_slope(n_ys, times * value, slope, times=times * (n_processes / total))
        return loss.to(torch.promote_types(batch.student.logits.dtype, torch.float32))

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """Return the parameters of the student's codes as its filters."""
        return {"student_filters": own} if (own := list(self.student_codes.parameters())) else {}

    def extra_repr(self) -> str:
        """Show the options."""
        options = f"n_classes={self.n_classes}, atom={self.atom!r}, momentum={self.momentum}"
        return f"{options}, tol={self.tol:g}, every={self.every}"
