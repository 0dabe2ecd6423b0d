"""
A teacher and three students on one information plane
=====================================================

A teacher network, a student alone, a student that learns from the teacher's soft answers (KD), and one that learns
from the most salient of them only (SFKD) read digits over distracting backgrounds. While they train, a tracker
measures how much each layer keeps of the image, I(X;F), and tells about the digit, I(F;Y). Three figures follow those
of "Efficient Knowledge Distillation via Salient Feature Masking", Fig. 2: the trajectories of the networks, the layers
of one network epoch by epoch, and the information in a teacher's layer against the fraction of it that is kept.

It takes a few minutes on two cores::

    python examples/information_plane.py --out plane

It needs the ``torch`` extra, and no data but scikit-learn's digits.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from pidkit import InformationPlane, PlaneTrajectory, RepresentationCodes
from pidkit.arrays import write_atomic
from pidkit.mi import DECODER_BUDGET
from pidkit.plane import log_spaced_steps, plane_estimator
from pidkit.plot import information_plane, save_figure

parser = argparse.ArgumentParser(description="a teacher and three students on one information plane")
parser.add_argument("--out", type=Path, default=Path("plane"), help="folder to write into (default: plane)")
parser.add_argument("--quick", action="store_true", help="train for a moment only: a smoke test, not a measurement")
options = parser.parse_args()
options.out.mkdir(parents=True, exist_ok=True)

SEED = 0
N_CLASSES = 10
N_TRAIN = 897  # the other 900 images are held out
N_EPOCHS = 2 if options.quick else 40
TEACHER_WIDTH, STUDENT_WIDTH = (4, 2) if options.quick else (16, 2)
TEMPERATURE, DISTILLATION_SHARE = 4.0, 0.9
KEPT_LOGITS = 0.5  # SFKD's K: the share of the teacher's answers that the third student sees
LAYERS = ["block2", "logits"] if options.quick else ["block1", "block2", "block3", "logits"]
KEPT = (0.1, 1.0) if options.quick else (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
STUDENTS = ("alone", "KD", "SFKD")

torch.set_num_threads(1)  # the fastest for networks this small, and sums in one order
torch.manual_seed(SEED)
started = time.perf_counter()

# %%
# The task
# --------
# Each digit is drawn over one of ten fixed random backgrounds, afresh in every epoch. The sample on which everything is
# measured, is 900 images that no network trains on.

digits, classes = load_digits(n_class=N_CLASSES, return_X_y=True)
images, labels = digits.reshape(-1, 8, 8) / 16.0, torch.from_numpy(classes)
backgrounds = 0.6 * np.random.default_rng(SEED).integers(2, size=(10, 8, 8))
train_rows, held_out_rows = train_test_split(
    np.arange(len(images)), train_size=N_TRAIN, stratify=classes, random_state=SEED
)


def draw(rows: np.ndarray, rng: np.random.Generator) -> Tensor:
    behind = backgrounds[rng.integers(len(backgrounds), size=len(rows))]
    return torch.from_numpy(np.maximum(images[rows], behind)).float().unsqueeze(1)


held_out = (draw(held_out_rows, np.random.default_rng(SEED + 1)), labels[held_out_rows])

# %%
# The networks
# ------------
# Three convolutions and a linear layer, in two widths.


def block(n_in: int, n_out: int, stride: int) -> nn.Module:
    convolution = nn.Conv2d(n_in, n_out, 3, stride=stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(n_out), nn.ReLU())


def network(width: int) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            block1=block(1, width, 1),
            block2=block(width, 2 * width, 2),
            block3=block(2 * width, 4 * width, 1),
            pool=nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
            logits=nn.Linear(4 * width, N_CLASSES),
        )
    )


def keep_largest(values: Tensor, share: float, fill: float) -> Tensor:
    """Keep the largest entries of every row, by value, and put `fill` into the others."""
    n_kept = max(1, int(np.ceil(share * values.shape[1])))
    threshold = values.topk(n_kept, dim=1).values[:, -1:]
    return values.masked_fill(values < threshold, fill)


def train(model: nn.Sequential, plane: InformationPlane, teacher: nn.Sequential | None, share: float) -> None:
    """Minimise the cross entropy or, with a teacher, mostly the distance to the most salient of its soft answers."""
    rng = np.random.default_rng(SEED)
    n_batches = -(-len(train_rows) // 32)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 0.05, total_steps=N_EPOCHS * n_batches)
    model.train()
    plane.step(0)
    for epoch in range(1, N_EPOCHS + 1):
        for rows in np.array_split(rng.permutation(train_rows), n_batches):
            inputs = draw(rows, rng)
            logits = model(inputs)
            loss = functional.cross_entropy(logits, labels[rows])
            if teacher is not None:
                with torch.no_grad():
                    # Minus infinity: the answers that are left out have no probability, and the others share it.
                    soft = (keep_largest(teacher(inputs), share, -torch.inf) / TEMPERATURE).softmax(1)
                distance = functional.cross_entropy(logits / TEMPERATURE, soft)
                loss = (1.0 - DISTILLATION_SHARE) * loss + DISTILLATION_SHARE * TEMPERATURE**2 * distance
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        plane.step(epoch)  # measures at the steps of its schedule only
    model.eval()


# %%
# Train and track
# ---------------
# Two pairs of estimators on one run: the decoders of SFKD's appendix A (how much better an image is reconstructed with
# the layer than without, and a lower bound of what the layer tells about the digit) and binned features. Wide layers
# are sketched to 256 features. Beside the plane, the tracker decomposes what the answers of teacher and student tell.

BUDGET = replace(DECODER_BUDGET, max_steps=60 if options.quick else 600, patience=6)
ESTIMATORS = [
    plane_estimator("decoder", mi_input={"loss": "bce", "budget": BUDGET}),
    plane_estimator("binned"),
]
SCHEDULE = log_spaced_steps(N_EPOCHS, n=7)


def tracker(models: dict[str, nn.Sequential]) -> InformationPlane:
    name = list(models)[-1]
    path = options.out / f"{name}.npz"
    path.unlink(missing_ok=True)
    return InformationPlane(
        models,
        layers={other: LAYERS if other == name else ["logits"] for other in models},
        sample=held_out,
        estimators=ESTIMATORS,
        n_seeds=2,
        schedule=SCHEDULE,
        max_features=256,
        rng=SEED,
        atoms=[("logits", "logits")] if len(models) == 2 else (),
        # Codes, whose plug-in atoms the figure below shows; without a quantiser the layers are decoded.
        atom_options={"quantiser": RepresentationCodes(n_codes=N_CLASSES, n_init=3), "n_null": 5},
        path=path,
    )


teacher = network(TEACHER_WIDTH)
start = network(STUDENT_WIDTH).state_dict()  # all students start from the same weights
students = {name: network(STUDENT_WIDTH) for name in STUDENTS}
with tracker({"teacher": teacher}) as plane:
    train(teacher, plane, None, 1.0)
runs: list[PlaneTrajectory] = [plane.trajectory]
for name, student in tqdm(students.items(), desc="students"):
    student.load_state_dict(start)
    with tracker({"teacher (trained)": teacher, name: student}) as plane:
        train(student, plane, None if name == "alone" else teacher, KEPT_LOGITS if name == "SFKD" else 1.0)
    runs += [plane.trajectory.select(network=which) for which in (name, f"teacher (trained) & {name}")]
together = runs[0].joined(*runs[1:])
tracked = time.perf_counter()

# %%
# One trajectory a network
# ------------------------
# As in SFKD's Fig. 2 (b)-(d): the teacher with each student, from a hollow marker to a full one.
#
# .. image:: /images/plane_networks.png
#    :alt: trajectories of the teacher and each of three students through the information plane

LAYER = LAYERS[-2]
figure, panels = plt.subplots(1, 3, figsize=(13.5, 4.6), sharex=True, sharey=True, layout="constrained")
for name, ax in zip(STUDENTS, panels, strict=True):
    names = {"teacher": LAYER, name: LAYER}
    information_plane(together, kind="networks", networks=list(names), layers=names, estimator="decoder", ax=ax)
    ax.set_title(f"teacher and student {name}")
save_figure(panels[0], options.out / "plane_networks.png")

# %%
# The layers of a network, epoch by epoch
# ---------------------------------------
# The same run read by decoders and by bins.
#
# .. image:: /images/plane_layers.png
#    :alt: the layers of the teacher on the information plane, by decoders and by bins

figure, panels = plt.subplots(1, 2, figsize=(13, 4.8), layout="constrained")
for estimator, ax in zip(("decoder", "binned"), panels, strict=True):
    information_plane(together, networks=["teacher"], estimator=estimator, ax=ax).set_title(f"teacher, {estimator}")
save_figure(panels[0], options.out / "plane_layers.png")

# %%
# How much of a layer has to be kept
# ----------------------------------
# As in SFKD's Fig. 2 (a): in every image the largest entries of the teacher's layer are kept, a fraction K of them, and
# the others are set to zero. Where the curve flattens, the rest of the map says nothing that a decoder can use; from a
# half on nothing changes at all here, because the other half are zeros of the ReLU.
#
# .. image:: /images/plane_kept_fraction.png
#    :alt: information about the image and the digit against the fraction of the teacher's layer that is kept, and the
#       redundancy of each student's answers with the teacher's over training

kept: dict[float, dict[str, tuple[float, float]]] = {}
for share in tqdm(KEPT, desc="kept fraction"):
    plane = InformationPlane(
        teacher,
        layers=LAYER,
        sample=held_out,
        estimators=ESTIMATORS[0],
        n_seeds=2,
        n_null=0,
        # The tap masks what the layer puts out; behind a ReLU the largest by magnitude are the largest by value.
        reduce=lambda out, share=share: keep_largest(out.flatten(1), share, 0.0),
        max_features=256,
        rng=SEED,
    )
    kept[share] = {point.quantity: (point.value, point.stderr or 0.0) for point in plane.step(0)}

figure, panels = plt.subplots(1, 2, figsize=(12, 4.0), layout="constrained")
for quantity, axis, style in (("mi_input", panels[0], "o-"), ("mi_label", panels[0].twinx(), "s--")):
    values, errors = np.transpose([kept[share][quantity] for share in KEPT])
    colour = {"mi_input": "#0072B2", "mi_label": "#E06A1B"}[quantity]
    axis.errorbar(KEPT, values, errors, fmt=style, color=colour, capsize=3)
    axis.set_ylabel({"mi_input": "I(X;F) (bits, v-information)", "mi_label": "I(F;Y) (bits)"}[quantity], color=colour)
    axis.set_ylim(bottom=0.0)
panels[0].set(xlabel=f"fraction K of the teacher's {LAYER} that is kept", title="the teacher, masked")
for name, style in zip(STUDENTS, ("o:", "s--", "^-"), strict=True):
    both = f"teacher (trained) & {name}"
    steps, values, _ = together.curve(network=both, layer="logits & logits", quantity="redundancy", estimator="broja")
    panels[1].plot(steps, values, style, label=f"student {name}")
panels[1].axhline(together.entropy_y, color="0.35", linestyle="--", linewidth=1.0, label="H(Y)")
panels[1].set_xscale("symlog", linthresh=1.0)
panels[1].set_xlim(-0.2, 1.2 * N_EPOCHS)
panels[1].set_xticks(SCHEDULE, [str(step) for step in SCHEDULE])
panels[1].minorticks_off()
panels[1].set(xlabel="epoch", ylabel="redundancy (bits)", title="answers of teacher and student", ylim=(0.0, None))
panels[1].legend()
save_figure(panels[0], options.out / "plane_kept_fraction.png")
plt.close("all")

# %%
# The table
# ---------


def accuracy(model: nn.Sequential) -> float:
    with torch.no_grad():
        return float((model(held_out[0]).argmax(1) == held_out[1]).float().mean())


accuracies = {name: accuracy(model) for name, model in {"teacher": teacher, **students}.items()}
print(f"n = {together.n_samples}, H(Y) = {together.entropy_y:.3f} bits; {LAYER} at the last epoch, by the decoders")
print(f"{'network':>8} {'accuracy':>9} {'I(X;F)':>16} {'I(F;Y)':>16} {'null':>7} {'redundancy':>11}")
table = {}
for name, share in accuracies.items():
    at_end = together.select(network=name, layer=LAYER, step=float(N_EPOCHS), estimator="decoder").points
    about_input, about_label = at_end
    shared = together.select(network=f"teacher (trained) & {name}", step=float(N_EPOCHS), quantity="redundancy").points
    cells = [f"{point.value:7.3f} ± {point.stderr:.3f}" for point in at_end]
    redundancy = f"{shared[0].value:.3f}" if shared else ""
    print(f"{name:>8} {share:9.3f} {cells[0]:>16} {cells[1]:>16} {about_label.null:7.3f} {redundancy:>11}")
    table[name] = {"accuracy": share, "mi_input": about_input.value, "mi_label": about_label.value}
write_atomic(
    options.out / "results.json",
    json.dumps({"networks": table, "kept": [{"share": share, **found} for share, found in kept.items()]}, indent=1),
)
print(f"\nwrote results.json, {len(STUDENTS) + 1} trajectories (.npz, .json) and 3 figures to {options.out}")
print(f"training and tracking took {tracked - started:.1f} s, the rest {time.perf_counter() - tracked:.1f} s")

# sphinx_gallery_thumbnail_path = "images/plane_networks.png"
