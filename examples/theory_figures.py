"""
The theory of distilled knowledge in three figures
==================================================

Dissanayake et al. (AISTATS 2025) argue that the knowledge a student has of its teacher is redundant information about
the task. Their examples and theorems are laws about small joints, and small joints can be computed exactly: these
figures are, every point but those of the relaxed quantity with a certified gap below 1e-8 bits. The page "Theory"
explains them.

It takes some ten seconds::

    python examples/theory_figures.py --out docs/images
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from pidkit import bivariate_pid, gate, intersection_information, mmi_redundancy, relaxed_intersection_information
from pidkit.info import mutual_information

parser = argparse.ArgumentParser(description="draw the figures of docs/meaning/theory.md")
parser.add_argument("--out", type=Path, default=Path("results"), help="folder to write into (default: results)")
options = parser.parse_args()
options.out.mkdir(parents=True, exist_ok=True)

LN2 = np.log(2.0)
BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "0.45"

# %%
# What two objectives make of a student
# -------------------------------------
# Example 2: the teacher holds the task U1, a coin of bias .2, and a nuisance U2, a fair coin. A student of one bit is a
# channel from the teacher's four symbols to two. The dots are the sixteen functions, the haze 1200 random channels.
#
# .. image:: /images/theory_students.png
#    :alt: information shared with the teacher against redundancy about the task, for every student of one bit

# sphinx_gallery_thumbnail_path = "images/theory_students.png"

p_yt = np.array([[0.4, 0.4, 0.0, 0.0], [0.0, 0.0, 0.1, 0.1]])  # t = 2 u1 + u2, y = u1


def shared_and_redundant(channel: np.ndarray) -> tuple[float, float]:
    redundancy = bivariate_pid(p_yt[:, :, None] * channel).redundancy
    return mutual_information(p_yt.sum(0)[:, None] * channel) / LN2, redundancy


rng = np.random.default_rng(0)
ones = np.concatenate([rng.beta(0.15, 0.15, (900, 4)), rng.random((300, 4))])
haze = np.array([shared_and_redundant(np.stack([1.0 - one, one], axis=1)) for one in ones])
functions = np.array([shared_and_redundant(np.eye(2)[list(f)]) for f in itertools.product((0, 1), repeat=4)])
figure, ax = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
ax.scatter(*haze.T, s=6, color=GREY, alpha=0.35, linewidths=0, label="random channels")
ax.scatter(*functions.T, s=34, color=BLUE, zorder=3, clip_on=False, label="functions of T")
for codes, label, place in (
    ((0, 1, 0, 1), "S = U2: most I(T;S)", (1.08, 0.3)),
    ((0, 0, 1, 1), "S = U1: most Red", (0.98, 0.62)),
):
    here = shared_and_redundant(np.eye(2)[list(codes)])
    ax.annotate(label, here, place, ha="center", arrowprops={"arrowstyle": "->", "shrinkB": 5})
ax.set(xlabel="I(T;S), bits", ylabel="redundancy Red(Y: T, S), bits", xlim=(0.0, 1.24), ylim=(0.0, 0.78))
ax.legend(loc="upper left", frameon=False)
figure.savefig(options.out / "theory_students.png", dpi=110)

# %%
# What is left to distil
# ----------------------
# Example 3: three candidates on five joints. They agree where the label is the teacher's bit (UNQ1). A difference of
# information misses what is different (UNQ, COPY), and conditional information counts what only both together hold
# (XOR, AND).
#
# .. image:: /images/theory_candidates.png
#    :alt: bars of the three candidates for five gates

names = ("XOR", "AND", "UNQ", "COPY", "UNQ1")
results = [bivariate_pid(gate(name).joint) for name in names]
candidates = {
    "I(Y;T) - I(Y;S)": (GREY, [r.mi_1 - r.mi_2 for r in results]),
    "Uni(Y: T \\ S)": (BLUE, [r.unique_1 for r in results]),
    "I(Y;T|S)": (ORANGE, [r.mi_joint - r.mi_2 for r in results]),
}
figure, ax = plt.subplots(figsize=(7.6, 3.2), layout="constrained")
for k, (label, (colour, values)) in enumerate(candidates.items()):
    places = np.arange(len(names)) + 0.26 * (k - 1)
    ax.bar(places, values, 0.24, color=colour, label=label)
    for place, value in zip(places, values, strict=True):
        ax.annotate(
            f"{round(value, 2) + 0.0:g}",
            (place, max(value, 0.0)),
            (0, 2),
            textcoords="offset points",
            ha="center",
            size=8,
        )
ax.set_xticks(range(len(names)), names)
ax.set(ylabel="bits", ylim=(0.0, 1.15))
ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
figure.savefig(options.out / "theory_candidates.png", dpi=110)

# %%
# The order of the redundancies, and where it breaks off
# ------------------------------------------------------
# Left, Theorem 4.1 and its neighbours: a share of the time all see AND, otherwise all see a copy of two coins that
# agree with probability .7; which of the two it is, everybody knows. Right, what sampling does: Y is one of three
# classes, T a noisy bit of it, S a noisy copy of T. The intersection information is I(Y;S) for the joint itself and
# zero for its samples, however many; its relaxation and BROJA's redundancy come back to the truth.
#
# .. image:: /images/theory_order.png
#    :alt: five redundancies over the share of AND, and three over the number of samples

MEASURES = (
    ("MMI", GREY, ":"),
    ("BROJA", BLUE, "-"),
    ("Blackwell", GREEN, "--"),
    ("Griffith-Ho", ORANGE, "-"),
    ("Gács-Körner", PURPLE, "-."),
)


def redundancies(p: np.ndarray) -> list[float]:
    measures = ("blackwell", "griffith-ho", "gacs-koerner")
    lower = [intersection_information(p, measure=measure, tol=1e-8).lower for measure in measures]
    return [mmi_redundancy(p), bivariate_pid(p).redundancy, *lower]


def either(share: float) -> np.ndarray:
    p = np.zeros((6, 4, 4))
    p[:2, :2, :2] = share * gate("AND").joint
    p[2:, 2:, 2:] = (1.0 - share) * gate("COPY").joint
    return p


def draw_order(ax: Axes) -> None:
    shares = np.linspace(0.0, 1.0, 41)
    rows = np.array([redundancies(either(share)) for share in shares])
    for (label, colour, line), row in zip(MEASURES, rows.T, strict=True):
        ax.plot(shares, row, line, color=colour, label=label, linewidth=2.0)
    ax.set(xlabel="share of AND, the rest is COPY", ylabel="redundancy, bits", title="Theorem 4.1", xlim=(0.0, 1.0))
    ax.legend(frameon=False, loc="lower center")


SAMPLED = (("BROJA", BLUE, "s"), ("relaxed by .005 bits, lower end", GREEN, "^"), ("Griffith-Ho", ORANGE, "o"))


def measure_sample(q: np.ndarray) -> list[float]:
    relaxed = relaxed_intersection_information(q, tol_1=0.005, tol_2=0.005, n_starts=0)
    return [bivariate_pid(q).redundancy, relaxed.lower, intersection_information(q).lower]


def draw_samples(ax: Axes) -> None:
    p_t = np.array([[0.95, 0.05], [0.6, 0.4], [0.05, 0.95]]) / 3.0  # y, t
    p = p_t[:, :, None] * np.array([[0.9, 0.1], [0.1, 0.9]])
    truth = intersection_information(p).lower
    counts = np.array([100, 300, 1000, 3000, 10_000, 100_000, 1_000_000])
    rng = np.random.default_rng(0)
    rows = np.array(
        [[measure_sample(rng.multinomial(n, p.ravel()).reshape(p.shape) / n) for _ in range(6)] for n in counts]
    )
    ax.axhline(truth, color="black", linewidth=0.8, label="Griffith-Ho of the joint itself")
    for (label, colour, marker), column in zip(SAMPLED, rows.transpose(2, 0, 1), strict=True):
        ax.errorbar(counts, column.mean(1), column.std(1, ddof=1), marker=marker, color=colour, capsize=3, label=label)
    ax.set(xlabel="samples (means and spread of six draws)", xscale="log", title="Empirical joints", ylim=(-0.03, 0.42))
    ax.legend(frameon=False, loc="center right", bbox_to_anchor=(1.0, 0.35))


figure, panels = plt.subplots(1, 2, figsize=(9.6, 3.6), layout="constrained")
draw_order(panels[0])
draw_samples(panels[1])
figure.savefig(options.out / "theory_order.png", dpi=110)
plt.close("all")
