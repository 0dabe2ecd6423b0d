"""Deep inversion: inputs made out of a trained network alone, to distil it where its data are not to be had."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from pidkit.arguments import Rng, check_count, check_shape, integer_seed, real_number
from pidkit.distill.batch_statistics import StatisticsGap
from pidkit.distill.labels import cross_entropy
from pidkit.errors import DivergenceError, InputError
from pidkit.nn.features import left_as_found
from pidkit.types import Shape


def deep_inversion(
    teacher: nn.Module,
    labels: Tensor,
    shape: Shape,
    *,
    student: nn.Module | None = None,
    n_steps: int = 300,
    learning_rate: float = 0.1,
    weight_statistics: float = 1.0,
    weight_variation: float = 0.0,
    weight_norm: float = 0.0,
    weight_competition: float = 0.0,
    rng: Rng = 0,
) -> Tensor:
    """Return inputs that a teacher takes for these labels and for its own data, found by gradients from noise.

    Minimises ``CE(teacher(x), labels) + w_s R_statistics + w_v R_variation + w_n mean x^2 + w_c R_competition`` over
    the inputs x, by Adam from standard normal noise: R_statistics is `StatisticsGap`, R_variation the mean squared
    difference of neighbouring pixels, and R_competition = 1 - JS(teacher(x), student(x)) / log 2, which looks for
    inputs on which a student still differs. Distil with any objective on what comes back; masked objectives
    (`SalientMask`) are SFKD without data.

    Parameters
    ----------
    teacher : nn.Module
        With batch normalisation. Left as it was found.
    labels : Tensor of int64, shape (n,)
        The classes to make inputs of; all n are made in one batch, whose statistics are compared.
    shape : tuple of int
        Of one input, such as (3, 32, 32).
    student : nn.Module, optional
        For `weight_competition`. Left as it was found.
    n_steps : int
        Steps of Adam.
    learning_rate : float
    weight_statistics, weight_variation, weight_norm, weight_competition : float
        The weights. Published for images of 32x32 with sums over all pixels; here all but the statistics are means.
    rng : int or numpy.random.Generator
        Draws the noise.

    Returns
    -------
    Tensor, shape (n, ...) with `shape` for the dots
        On the device of the teacher, without a graph.

    Raises
    ------
    InputError
        If an option is out of its range, there are fewer than two labels, the teacher has no batch normalisation, or
        `weight_competition` has no student.
    DivergenceError
        If the inputs are no longer finite.

    Notes
    -----
    What comes back is what the teacher believes of its data. The labels are the teacher's classes: on a teacher of
    another task, or an untrained one, nothing about the task of interest is in the inputs.

    Source: Yin et al., CVPR 2020, eq. 2 to 4, 6 and 8; for masked students, "Efficient knowledge distillation via
    salient feature masking", tables 8 and 12.

    Examples
    --------
    >>> with torch.random.fork_rng():
    ...     teacher = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 2))
    >>> deep_inversion(teacher, torch.arange(6) % 2, (1, 8, 8), n_steps=2).shape
    torch.Size([6, 1, 8, 8])
    """
    weights = {
        "statistics": real_number("weight_statistics", weight_statistics, least=0.0),
        "variation": real_number("weight_variation", weight_variation, least=0.0),
        "norm": real_number("weight_norm", weight_norm, least=0.0),
        "competition": real_number("weight_competition", weight_competition, least=0.0),
    }
    gap = StatisticsGap(teacher)
    n_steps, rate = check_count("n_steps", n_steps), real_number("learning_rate", learning_rate, above=0.0)
    shape = check_shape("shape", shape)
    if labels.ndim != 1 or len(labels) < 2:
        raise InputError(f"labels must be two class numbers at least, (n,), not of shape {tuple(labels.shape)}")
    if weights["competition"] and student is None:
        raise InputError("weight_competition needs student=, the network whose answers are to differ")
    # Buffers too: batch normalisation without parameters has its running averages.
    first = next(tensor for tensor in (*teacher.parameters(), *teacher.buffers()) if tensor.is_floating_point())
    noise = torch.randn(len(labels), *shape, generator=torch.Generator().manual_seed(integer_seed(rng)))
    x = noise.to(first.device, first.dtype).requires_grad_(True)
    labels = labels.to(first.device)
    optimiser = torch.optim.Adam([x], lr=rate)
    watched = [teacher] if student is None else [teacher, student]
    with left_as_found(*watched), gap, torch.enable_grad():
        for _ in range(n_steps):
            logits = teacher(x)
            loss = cross_entropy(logits, labels) + weights["statistics"] * gap.take()
            if weights["variation"]:
                loss = loss + weights["variation"] * variation(x)
            if weights["norm"]:
                loss = loss + weights["norm"] * x.square().mean()
            if weights["competition"] and student is not None:
                loss = loss + weights["competition"] * competition(logits, student(x))
            # Only the inputs: a plain backward would fill the gradients of the networks.
            (x.grad,) = torch.autograd.grad(loss, x)
            optimiser.step()
    if not bool(x.isfinite().all()):
        raise DivergenceError("the inputs are not finite; lower learning_rate, or the weights")
    return x.detach()


def variation(x: Tensor) -> Tensor:
    """Return the mean squared difference of neighbours along each axis of places; zero of inputs without any.

    Examples
    --------
    >>> float(variation(torch.tensor([[[[0.0, 1.0], [0.0, 3.0]]]])))  # 1, 9 across and 0, 4 down
    7.0
    """
    total = x.new_zeros(())
    for axis in range(2, x.ndim):
        if x.shape[axis] > 1:
            total = total + x.diff(dim=axis).square().mean()
    return total


def competition(teacher: Tensor, student: Tensor) -> Tensor:
    """Return 1 - JS(p, q) / log 2 of the class probabilities by two networks: 1 where they agree, 0 where apart.

    Examples
    --------
    >>> float(competition(torch.tensor([[9.0, 0.0]]), torch.tensor([[9.0, 0.0]])))
    1.0
    """
    log_p, log_q = teacher.log_softmax(1), student.log_softmax(1)
    log_mean = (0.5 * (log_p.exp() + log_q.exp())).log()
    divergence = 0.5 * sum(
        functional.kl_div(log_mean, one, reduction="batchmean", log_target=True) for one in (log_p, log_q)
    )
    return 1.0 - divergence / torch.log(teacher.new_tensor(2.0))
