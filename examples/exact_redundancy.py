"""
A student of one bit, trained on two kinds of information
=========================================================

Theorem 3.1 of Dissanayake et al. (AISTATS 2025) by training. A teacher sees two things in an image: Z, the task, a coin
of bias .2, and G, a nuisance, a fair coin. A student has room for one bit. Trained to know as much as it can of what
the teacher knows, I(T;S), it does well to pick the nuisance, since a fair coin holds more than a biased one. Trained on
the redundancy Red(Y: T, S), what both know about the task, it picks the task.

The paper calls the exact redundancy prohibitive as a loss and trains on a bound of it. Here a step costs about two
milliseconds: the solver's dual potentials are the gradient.

It takes half a minute on one core::

    python examples/exact_redundancy.py --out redundancy

It needs the ``torch`` extra, and no data.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pidkit.arrays import write_atomic
from pidkit.distill import (
    Batch,
    Codes,
    Distillation,
    ExactRedundancy,
    LogitCodes,
    NearestCentres,
    Objective,
    soft_pair_atoms,
    tap,
)
from pidkit.plot import save_figure

parser = argparse.ArgumentParser(description="a student of one bit, trained on redundancy or on mutual information")
parser.add_argument("--out", type=Path, default=Path("redundancy"), help="folder to write into (default: redundancy)")
parser.add_argument("--figure", type=Path, help="where to put the figure (default: exact_redundancy.png in --out)")
parser.add_argument("--seed", type=int, default=0, help="of the data and the first student (default: 0)")
parser.add_argument("--quick", action="store_true", help="train for a moment only: a smoke test, not a measurement")
options = parser.parse_args()
options.out.mkdir(parents=True, exist_ok=True)
figure_path = options.figure or options.out / "exact_redundancy.png"

BIAS = 0.2  # P(Z = 1), of which the label is a copy
NOISE = 0.7
N_STARTS, N_STEPS, EVERY = (2, 10, 5) if options.quick else (8, 100, 4)
BATCH = 128
LN2 = np.log(2.0)

torch.set_num_threads(1)  # the fastest for networks this small, and sums in one order
started = time.perf_counter()

# %%
# The task
# --------
# Sixteen pixels: Z and G each set the sign of a pattern on eight of them, under noise. The teacher is a small network
# that has learned to tell both; its hidden layer falls into four clusters, one for each pair (z, g).

PATTERNS = torch.zeros(2, 16)
PATTERNS[0, :8], PATTERNS[1, 8:] = torch.tensor([1.0, -1.0] * 4), torch.tensor([1.0, -1.0] * 4)


def draw(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw images and both bits (z, g)."""
    bits = (torch.rand(n, 2, generator=generator) < torch.tensor([BIAS, 0.5])).long()
    return (2.0 * bits - 1.0) @ PATTERNS + NOISE * torch.randn(n, 16, generator=generator), bits


def network(width: int, n_out: int, seed: int) -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(16, width), nn.ReLU(), nn.Linear(width, n_out))


def batches(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(1000 * options.seed + seed)


teacher, generator = network(32, 4, options.seed), batches(1)
optimiser = torch.optim.Adam(teacher.parameters(), lr=0.01)
for _ in range(10 if options.quick else 200):
    x, bits = draw(BATCH, generator)
    optimiser.zero_grad()
    functional.cross_entropy(teacher(x), 2 * bits[:, 0] + bits[:, 1]).backward()
    optimiser.step()

held_out, held_out_bits = draw(4000, batches(2))
teacher_codes = NearestCentres.fit(teacher, "1", draw(2000, batches(3))[0], n_codes=4)

# %%
# Two objectives
# --------------
# `ExactRedundancy` comes with pidkit. The other, I(T;S) of the same codes, shows how little an objective of one's own
# takes.


def mutual_information(p: Tensor) -> Tensor:
    """Return the mutual information of a table in nats."""
    independent = p.sum(1, keepdim=True) * p.sum(0, keepdim=True)
    return torch.where(p > 0.0, p * torch.log(p / independent), 0.0).sum()


class SharedInformation(Objective):
    """-I(T;S) of the codes of a batch."""

    def __init__(self, teacher_codes: Codes, student_codes: Codes) -> None:
        super().__init__()
        self.teacher_codes, self.student_codes = teacher_codes, student_codes

    def student_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        s = self.student_codes(batch.student)
        return -mutual_information(self.teacher_codes(batch.teacher).T @ s / len(s))


OBJECTIVES = {
    "Red(Y: T, S)": lambda codes: ExactRedundancy(teacher_codes, codes, n_classes=2),
    "I(T;S)": lambda codes: SharedInformation(teacher_codes, codes),
}

# %%
# Training
# --------
# Both objectives train the same students from the same starts on the same batches. What a student knows is measured on
# 4000 images apart: the redundancy, I(T;S), and what its bit says of Z, of G and of their sum modulo two.


def measure(s: Tensor, t: Tensor) -> dict[str, float]:
    def table(first: Tensor) -> Tensor:
        return functional.one_hot(first).double().T @ s / len(s)

    z, g = held_out_bits.T
    p_yt = functional.one_hot(z).double().T @ t / len(t)
    about = {"Z": z, "G": g, "Z xor G": z ^ g}
    return {
        "red": float(soft_pair_atoms(p_yt, table(z))[0]),
        "shared": float(mutual_information(t.T @ s / len(s))) / LN2,
        **{name: float(mutual_information(table(what))) / LN2 for name, what in about.items()},
    }


def train(objective_of, start: int) -> list[dict[str, float]]:
    """Train a student; return what it knows every few steps."""
    student, codes = network(8, 2, 100 * options.seed + start), LogitCodes(2, temperature=1.0)
    generator, found = batches(10 + start), []
    with tap(teacher=teacher, student=student, layers=["1"], example=held_out[:2]) as networks:
        distillation = Distillation(networks, objective_of(codes))
        optimiser = torch.optim.Adam(student.parameters(), lr=0.01)
        for step in range(N_STEPS + 1):
            if step % EVERY == 0:
                with torch.no_grad():
                    batch = networks(held_out)
                    found.append({"step": step, **measure(codes(batch.student), teacher_codes(batch.teacher))})
            x, bits = draw(BATCH, generator)
            optimiser.zero_grad()
            distillation(x, bits[:, 0]).backward()
            optimiser.step()
    return found


curves = {name: [train(objective_of, start) for start in range(N_STARTS)] for name, objective_of in OBJECTIVES.items()}

# %%
# What the students pick
# ----------------------
# Every student that was trained on the redundancy knows the task, whatever the start. Those that were trained on I(T;S)
# share more with the teacher, the more the less of the task they know: the best of them, half or more, pick G. The
# others end at local maxima, mixtures of both bits or, now and then, the task.
#
# .. image:: /images/exact_redundancy.png
#    :alt: redundancy, and information shared with the teacher, over the steps of training, for both objectives

# sphinx_gallery_thumbnail_path = "images/exact_redundancy.png"


def pick(found: dict[str, float]) -> str:
    """Name the bit that explains nearly all that a student shares with the teacher; else it is a mixture."""
    named = {key: found[key] for key in ("Z", "G", "Z xor G")}
    best = max(named, key=lambda key: named[key])
    return best if named[best] > 0.9 * found["shared"] else "a mixture"


p_task = float(held_out_bits[:, 0].double().mean())
h_task = -(p_task * np.log2(p_task) + (1.0 - p_task) * np.log2(1.0 - p_task))
STYLES = {
    "Red(Y: T, S)": {"color": "#0072B2", "linestyle": "-", "linewidth": 1.8},
    "I(T;S)": {"color": "#E69F00", "linestyle": "--", "linewidth": 1.4},
}
figure, panels = plt.subplots(1, 2, figsize=(9.0, 3.6), sharex=True, sharey=True, layout="constrained")
for ax, quantity in zip(panels, ("red", "shared"), strict=True):
    for name, runs in curves.items():
        for start, run in enumerate(runs):
            steps, values = zip(*((found["step"], found[quantity]) for found in run), strict=True)
            label = f"trained on {name}, {N_STARTS} starts" if start == 0 else None
            ax.plot(steps, values, label=label, clip_on=False, **STYLES[name])
    for height, text in ((h_task, "H(Z), the task"), (1.0, "H(G), the nuisance")):
        ax.axhline(height, color="0.45", linestyle=":", linewidth=1.0, zorder=0)
        if quantity == "red":
            ax.annotate(text, (N_STEPS, height), (-4, 3), textcoords="offset points", ha="right", color="0.3", size=9)
ends: dict[str, list[float]] = {}
for run in curves["I(T;S)"]:
    ends.setdefault(pick(run[-1]), []).append(run[-1]["red"])
for picked, heights in ends.items():
    if picked != "Z":
        text = f"{len(heights)} of {N_STARTS} starts: {'S = ' * (len(picked) < 9)}{picked}"
        place = (N_STEPS, float(np.mean(heights)))
        panels[0].annotate(text, place, (-4, 4), textcoords="offset points", ha="right", color="0.3", size=9)
panels[0].set(title="what both know of the task", ylabel="redundancy Red(Y: T, S), bits", xlabel="step")
panels[1].set(title="what the student knows of the teacher", ylabel="I(T;S), bits", xlabel="step")
panels[1].tick_params(labelleft=True)
panels[0].set(xlim=(0, N_STEPS), ylim=(0.0, 1.12))
figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
save_figure(panels[0], figure_path)
plt.close("all")

print(f"H(Z) = {h_task:.3f} bits; the last step of every start, in bits")
print(
    f"{'trained on':>12} {'start':>5} {'Red':>7} {'I(T;S)':>7} {'I(Z;S)':>7} {'I(G;S)':>7} {'I(Z xor G;S)':>13}  picks"
)
table = []
for name, runs in curves.items():
    for start, run in enumerate(runs):
        last = {key: round(value, 6) + 0.0 for key, value in run[-1].items()}
        picked = pick(last)
        cells = " ".join(f"{last[key]:7.3f}" for key in ("red", "shared", "Z", "G"))
        print(f"{name:>12} {start:>5} {cells} {last['Z xor G']:13.3f}  {picked}")
        table.append({"objective": name, "start": start, "picked": picked, **last})
write_atomic(options.out / "results.json", json.dumps({"entropy_task": h_task, "last": table, "curves": curves}))
print(f"\nwrote results.json to {options.out} and {figure_path}; it took {time.perf_counter() - started:.1f} s")
