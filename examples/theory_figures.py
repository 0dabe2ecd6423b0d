"""
The theory of distilled knowledge in three figures
==================================================

Dissanayake et al. (AISTATS 2025) argue that the knowledge a student has of its teacher is redundant information about
the task. Their examples and theorems are laws about small joints, and small joints can be computed exactly: these
figures are, every point with a certified gap below 1e-8 bits. The page "Theory" explains them.

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
from pidkit.plot import save_figure

parser = argparse.ArgumentParser(description="draw the figures of docs/theory.md")
parser.add_argument("--out", type=Path, default=Path("results"), help="folder to write into (default: results)")
options = parser.parse_args()
options.out.mkdir(parents=True, exist_ok=True)

LN2 = np.log(2.0)
BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "0.45"

# %%
# What two objectives make of a student
# -------------------------------------
# Example 2: the teacher holds the task U1, a coin of bias .2, and a nuisance U2, a fair coin. A student of one bit is a
# channel from the teacher's four symbols to two. The dots are the sixteen functions, the haze 1500 random channels.
#
# .. image:: /images/theory_students.png
#    :alt: information shared with the teacher against redundancy about the task, for every student of one bit

# sphinx_gallery_thumbnail_path = "images/theory_students.png"

p_yt = np.array([[0.4, 0.4, 0.0, 0.0], [0.0, 0.0, 0.1, 0.1]])  # t = 2 u1 + u2, y = u1


def shared_and_redundant(channel: np.ndarray) -> tuple[float, float]:
    redundancy = bivariate_pid(p_yt[:, :, None] * channel).redundancy
    return mutual_information(p_yt.sum(0)[:, None] * channel) / LN2, redundancy


rng = np.random.default_rng(0)
ones = np.concatenate([rng.beta(0.15, 0.15, (1200, 4)), rng.random((300, 4))])
haze = np.array([shared_and_redundant(np.stack([1.0 - one, one], axis=1)) for one in ones])
functions = np.array([shared_and_redundant(np.eye(2)[list(f)]) for f in itertools.product((0, 1), repeat=4)])
figure, ax = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
ax.scatter(*haze.T, s=6, color=GREY, alpha=0.35, linewidths=0, label="random channels")
ax.scatter(*functions.T, s=34, color=BLUE, zorder=3, clip_on=False, label="functions of T")
for codes, label, place in (((0, 1, 0, 1), "S = U2:\nmost I(T;S)", (-8, 30)), ((0, 0, 1, 1), "S = U1:\nmost Red", (0, -36))):
    here = shared_and_redundant(np.eye(2)[list(codes)])
    arrow = {"arrowstyle": "->", "shrinkB": 5}
    ax.annotate(label, here, place, textcoords="offset points", ha="center", arrowprops=arrow)
ax.set(xlabel="I(T;S), bits", ylabel="redundancy Red(Y: T, S), bits", xlim=(0.0, 1.05), ylim=(0.0, 0.78))
ax.legend(loc="upper left", frameon=False)
save_figure(ax, options.out / "theory_students.png")

# %%
# What is left to distil
# ----------------------
# Example 3: three candidates on five joints. A difference of information misses what is different (UNQ, COPY), and
# conditional information counts what only both together hold (XOR, AND).
#
# .. image:: /images/theory_candidates.png
#    :alt: bars of the three candidates for five gates

names = ("XOR", "AND", "UNQ", "COPY", "RDN")
results = [bivariate_pid(gate(name).joint) for name in names]
candidates = {
    "I(Y;T) - I(Y;S)": (GREY, [r.mi_1 - r.mi_2 for r in results]),
    "Uni(Y: T \\ S)": (BLUE, [r.unique_1 for r in results]),
    "I(Y;T|S)": (ORANGE, [r.mi_joint - r.mi_2 for r in results]),
}
figure, ax = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
for k, (label, (colour, values)) in enumerate(candidates.items()):
    places = np.arange(len(names)) + 0.26 * (k - 1)
    ax.bar(places, values, 0.24, color=colour, label=label)
    for place, value in zip(places, values, strict=True):
        ax.annotate(f"{value:z.2f}", (place, max(value, 0.0)), (0, 2), textcoords="offset points", ha="center", size=8)
ax.set_xticks(range(len(names)), names)
ax.set(ylabel="bits", ylim=(0.0, 1.15))
ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
save_figure(ax, options.out / "theory_candidates.png")

# %%
# The order of the redundancies, and where it breaks off
# ------------------------------------------------------
# Left, Theorem 4.1 and its neighbours on Y = T and S, two coins that agree with probability c. Right, two copies of a
# noisy view of one of three classes, mixed with a share of uniform noise: the intersection information is 1.16 bits
# without noise and 0 with any, while its relaxation and BROJA's redundancy hardly move.
#
# .. image:: /images/theory_order.png
#    :alt: five redundancies over the agreement of two coins, and three over a share of noise

MEASURES = (
    ("MMI", GREY, ":"),
    ("BROJA", BLUE, "-"),
    ("Blackwell", GREEN, "--"),
    ("Griffith-Ho", ORANGE, "-"),
    ("Gács-Körner", PURPLE, "-."),
)


def redundancies(p: np.ndarray) -> list[float]:
    kinds = ("blackwell", "griffith-ho", "gacs-koerner")
    lower = [intersection_information(p, kind=kind, tol=1e-8).lower for kind in kinds]
    return [mmi_redundancy(p), bivariate_pid(p).redundancy, *lower]


def agreeing_coins(c: float) -> np.ndarray:
    p = np.zeros((2, 2, 2))
    for t, s in itertools.product((0, 1), repeat=2):
        p[t & s, t, s] = 0.5 * (c if t == s else 1.0 - c)
    return p


def draw_order(ax: Axes) -> None:
    agreement = np.linspace(0.0, 1.0, 41)
    rows = np.array([redundancies(agreeing_coins(c)) for c in agreement])
    for (label, colour, line), row in zip(MEASURES, rows.T, strict=True):
        ax.plot(agreement, row, line, color=colour, label=label, linewidth=2.0)
    ax.set(xlabel="c = P(T = S)", ylabel="redundancy, bits", title="Y = T and S", xlim=(0.0, 1.0))
    ax.legend(frameon=False, loc="upper left")


draw = np.eye(3)[:, [0, 1, 1]][:, :2] * [1.0, 0.5]
figure, panels = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
draw_order(panels[0])
save_figure(panels[0], options.out / "theory_order.png")
plt.close("all")
