"""
What a student learnt from its teacher, measured on saved files
===============================================================

A teacher network and two small students learn to read the digits 0 to 5: one student alone, one from the teacher's
soft answers. Their layer representations on held-out images are written to files, as any training run could have left
them. The files are then all that is needed: every teacher layer is decomposed against every student layer. Two tables,
six figures and a ``results.json`` say how much about the digit both layers tell (redundancy), how much only one of
them tells (unique), and how much shows only when both are read together (synergy).

It takes a few minutes on two cores::

    python examples/saved_representations.py --out results

It needs the ``torch`` extra, and no data but scikit-learn's digits.
"""

from __future__ import annotations

import argparse
import io
import json
import time
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

import pidkit
from pidkit import explain, load_array, paired_differences, pid_table, save_arrays
from pidkit.arrays import write_atomic
from pidkit.plot import plot_atom_map, plot_atoms_beside, plot_atoms_over, plot_budget, plot_maps_beside, save_figure

parser = argparse.ArgumentParser(description="measure what a student learnt from its teacher, on saved files")
parser.add_argument("--out", type=Path, default=Path("results"), help="folder to write into (default: results)")
parser.add_argument("--quick", action="store_true", help="train for a moment only: a smoke test, not a measurement")
options = parser.parse_args()
options.out.mkdir(parents=True, exist_ok=True)

SEED = 0
N_CLASSES = 6
N_TRAIN = 283  # the other 800 images are for the measurement, which needs them more than the training does
TEACHER_EPOCHS, STUDENT_EPOCHS = (2, 2) if options.quick else (40, 50)
TEACHER_WIDTH, STUDENT_WIDTH = 16, 2
TEMPERATURE, DISTILLATION_SHARE = 4.0, 0.9
LAYERS = ("block1", "block2", "block3", "logits")
MEASURED = LAYERS[-2:] if options.quick else LAYERS

torch.set_num_threads(1)  # the fastest for networks this small, and sums in one order
threadpool_limits(1)  # and for decoders of so few rows
torch.manual_seed(SEED)
started = time.perf_counter()

# %%
# The task
# --------
# Plain digits leave a student too little to learn from a teacher, so each image is drawn over one of ten fixed random
# backgrounds. While training, every epoch draws the backgrounds afresh.

digits, classes = load_digits(n_class=N_CLASSES, return_X_y=True)
images, labels = digits.reshape(-1, 8, 8) / 16.0, torch.from_numpy(classes)
backgrounds = 0.6 * np.random.default_rng(SEED).integers(2, size=(10, 8, 8))
train_rows, held_out_rows = train_test_split(
    np.arange(len(images)), train_size=N_TRAIN, stratify=classes, random_state=SEED
)


def draw(rows: np.ndarray, rng: np.random.Generator) -> Tensor:
    behind = backgrounds[rng.integers(len(backgrounds), size=len(rows))]
    return torch.from_numpy(np.maximum(images[rows], behind)).float().unsqueeze(1)


# %%
# Two widths of one network
# -------------------------
# Three convolutions and a linear layer: 24 000 parameters for the teacher and 500 for a student.


def block(n_in: int, n_out: int, stride: int) -> nn.Module:
    convolution = nn.Conv2d(n_in, n_out, 3, stride=stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(n_out), nn.ReLU())


def network(width: int) -> nn.Sequential:
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * width, N_CLASSES))
    return nn.Sequential(block(1, width, 1), block(width, 2 * width, 2), block(2 * width, 4 * width, 1), head)


def train(model: nn.Sequential, n_epochs: int, name: str, teacher: nn.Sequential | None = None) -> nn.Sequential:
    """Minimise the cross entropy or, with a teacher, mostly the distance to its softened answers (Hinton 2015)."""
    rng = np.random.default_rng(SEED)
    batches_per_epoch = -(-len(train_rows) // 32)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 0.05, total_steps=n_epochs * batches_per_epoch)
    model.train()
    for _ in tqdm(range(n_epochs), desc=f"training the {name}"):
        for rows in np.array_split(rng.permutation(train_rows), batches_per_epoch):
            inputs = draw(rows, rng)
            logits = model(inputs)
            loss = functional.cross_entropy(logits, labels[rows])
            if teacher is not None:
                with torch.no_grad():
                    soft = functional.log_softmax(teacher(inputs) / TEMPERATURE, 1)
                answer = functional.log_softmax(logits / TEMPERATURE, 1)
                distance = functional.kl_div(answer, soft, reduction="batchmean", log_target=True)
                loss = (1.0 - DISTILLATION_SHARE) * loss + DISTILLATION_SHARE * TEMPERATURE**2 * distance
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return model.eval()


teacher = train(network(TEACHER_WIDTH), TEACHER_EPOCHS, "teacher")
start = network(STUDENT_WIDTH).state_dict()  # both students start from the same weights
students = {"alone": network(STUDENT_WIDTH), "distilled": network(STUDENT_WIDTH)}
for how, student in students.items():
    student.load_state_dict(start)
    train(student, STUDENT_EPOCHS, f"student, {how}", teacher if how == "distilled" else None)

# %%
# Save the representations
# ------------------------
# What every layer makes of the held-out images, each network in a file format of its own.

held_out = draw(held_out_rows, np.random.default_rng(SEED + 1))


def representations(model: nn.Sequential) -> dict[str, Tensor]:
    found, values = {}, held_out
    with torch.no_grad():
        for name, layer in zip(LAYERS, model, strict=True):
            values = layer(values)
            found[name] = values
    return found


def accuracy(model: nn.Sequential) -> float:
    answers = representations(model)["logits"].argmax(1)
    return float((answers == labels[held_out_rows]).float().mean())


FILES = {
    "labels": options.out / "labels.npy",
    "teacher": options.out / "teacher.safetensors",
    "alone": options.out / "student_alone.npz",
    "distilled": options.out / "student_distilled.pt",
}
save_arrays(FILES["labels"], labels=classes[held_out_rows])
save_arrays(FILES["teacher"], **{name: layer.numpy() for name, layer in representations(teacher).items()})
save_arrays(FILES["alone"], **{name: layer.numpy() for name, layer in representations(students["alone"]).items()})
buffer = io.BytesIO()
torch.save(representations(students["distilled"]), buffer)
write_atomic(FILES["distilled"], buffer.getvalue())

accuracies = {"teacher": accuracy(teacher), **{how: accuracy(student) for how, student in students.items()}}
trained = time.perf_counter()

# %%
# Measure them
# ------------
# From here on only the files are read. Each layer is read by decoders, every row by one that had not seen its label:
# by linear ones, and, for the second map, by the votes of nearest neighbours, which need no linear order. A table reads
# each layer once for all the pairs that it is in.

y = load_array(FILES["labels"])


def measure(students: list[str], decoder: str) -> pidkit.PIDTable:
    """Return every layer of the teacher against every layer of these students; each layer is read once."""
    with warnings.catch_warnings(category=pidkit.PidkitWarning, action="ignore"):  # they are in the results, too
        return pid_table(
            labels=y,
            x1={layer: (FILES["teacher"], layer) for layer in MEASURED},
            x2={(layer, how): (FILES[how], layer) for how in students for layer in MEASURED},
            index="student",
            decoder=decoder,
            synergy=True,
            rng=SEED,
        )


linear, neighbours = measure([*students], "linear"), measure(["distilled"], "knn")
results = {how: [[linear.result(t, s, student=how) for s in MEASURED] for t in MEASURED] for how in students}
by_neighbours = [[neighbours.result(t, s, student="distilled") for s in MEASURED] for t in MEASURED]
pairs = {how: rows[-1][-1] for how, rows in results.items()}
measured = time.perf_counter()

# %%
# The table
# ---------
# Redundancy is what both layers tell about the digit; "T only" and "S only" what one of them tells. The interval of the
# redundancy stands beside it: what another sample of as many images might have given.

one = pairs["alone"]
print("accuracy on the held-out images: " + ", ".join(f"{name} {share:.3f}" for name, share in accuracies.items()))
print(f"n = {one.n_samples}, H(Y) = {one.entropy_y:.3f} bits: no atom can be larger.")
for how in students:
    print(f"\nstudent {how}: atoms of what linear decoders read, in bits")
    print(f"{'teacher':>8} {'student':>8} {'Red':>7} {'95 % interval':>15} {'T only':>7} {'S only':>7} {'Syn':>7}")
    for t, row in zip(MEASURED, results[how], strict=True):
        for s, r in zip(MEASURED, row, strict=True):
            low, high = r.interval["redundancy"]
            others = " ".join(f"{value:7.3f}" for value in (r.unique_1, r.unique_2, r.synergy))
            print(f"{t:>8} {s:>8} {r.redundancy:7.3f} {f'[{low:.2f}, {high:.2f}]':>15} {others}")

print("\nlogits against logits, with 95 % intervals (bits)")
for how, r in pairs.items():
    held = {atom: r.interval[atom] for atom in r.atoms}
    shown = (f"{atom} {r.atoms[atom]:.3f} in [{low:.3f}, {high:.3f}]" for atom, (low, high) in held.items())
    print(f"{how:>10}: {', '.join(shown)}")
print("\ndistilled less alone, row by row:")
print(paired_differences(pairs["distilled"], pairs["alone"]))
print(f"\n{explain(pairs['distilled'])}")

document = {
    "accuracy": accuracies,
    "layers": MEASURED,
    "pairs": [
        {"student": how, "teacher_layer": t, "student_layer": s, **r.to_dict()}
        for how, rows in results.items()
        for t, row in zip(MEASURED, rows, strict=True)
        for s, r in zip(MEASURED, row, strict=True)
    ],
    "redundancy_by_neighbours": [[r.redundancy for r in row] for row in by_neighbours],
    "settings": {"seed": SEED, "n_train": N_TRAIN, "epochs": [TEACHER_EPOCHS, STUDENT_EPOCHS], "quick": options.quick},
}
write_atomic(options.out / "results.json", json.dumps(document, indent=1))

# %%
# Maps of layers by layers
# ------------------------
# One map for every atom, all in one colour scale: teacher layers down, student layers across. (In a shell: ``pidkit map
# --labels labels.npy --x1 teacher.safetensors --x2 student_distilled.pt --synergy --out maps``.) By the data processing
# inequality no layer tells more about the digit than the one before it. What a decoder reads out of it can grow all the
# same, because later layers lay open what earlier ones hold: it is usable information, relative to the decoder. To
# nearest neighbours the backgrounds hide the digit in the first blocks; a linear decoder looks past them, as the last
# figure shows. A number here belongs to a layer together with what reads it.
#
# .. image:: /images/maps_of_layers.png
#    :alt: maps of the four atoms, teacher layers by layers of the distilled student

everything = [value for rows in results.values() for row in rows for r in row for value in r.atoms.values()]
limits = min(0.0, *everything), max(everything)
for how, rows in results.items():
    figure, panels = plt.subplots(2, 2, figsize=(10, 6.4), layout="constrained")
    for atom, ax in zip(("redundancy", "unique_1", "unique_2", "synergy"), panels.flat, strict=True):
        sources = ("teacher", f"student ({how})")
        plot_atom_map(rows, atom=atom, x1_names=MEASURED, x2_names=MEASURED, sources=sources, limits=limits, ax=ax)
    save_figure(panels[0, 0], options.out / f"maps_{how}.png")

tables = {"linear decoders": results["distilled"], "nearest neighbours": by_neighbours}
by_decoder = plot_maps_beside(tables, x1_names=MEASURED, x2_names=MEASURED, sources=("teacher", "student"))
save_figure(by_decoder, options.out / "maps_by_decoder.png")

# %%
# One pair in full
# ----------------
# The answers of the teacher and of both students, every atom with its 95 % interval, and below them what distillation
# changed. Both students were read on the same rows in the same folds, so that their atoms are compared row by row: the
# interval of the difference is narrower than those of the atoms, and holds zero all the same. Then, where the bits of
# the digit went: part of what was not read is what decoders have not learned from so few rows.
#
# .. image:: /images/atoms_of_a_pair.png
#    :alt: bars of the four atoms, for a student trained alone and for a distilled one, and their differences

save_figure(plot_atoms_beside(pairs, sources=("teacher", "student")), options.out / "pair.png")
save_figure(plot_budget(pairs["distilled"], sources=("teacher", "student")), options.out / "budget.png")

# %%
# Along the student
# -----------------
# The teacher's answers against every layer of each student: the four atoms stack up to I(Y;T,S).
#
# .. image:: /images/atoms_by_layer.png
#    :alt: stacked bars of the atoms along the layers of both students

# sphinx_gallery_thumbnail_path = "images/atoms_of_a_pair.png"

figure, panels = plt.subplots(1, 2, figsize=(10, 3.8), sharey=True, layout="constrained")
for (how, rows), ax in zip(results.items(), panels, strict=True):
    xlabel = "layer of the student"
    plot_atoms_over(rows[-1], x=MEASURED, kind="bars", xlabel=xlabel, sources=("teacher", "student"), ax=ax)
    ax.set_title(f"student {how}, against the teacher's logits")
panels[0].get_legend().remove()
panels[1].set_ylabel("")
save_figure(panels[0], options.out / "student_layers.png")
plt.close("all")

print(f"\nwrote results.json, {len(FILES)} files of arrays and 6 figures to {options.out}")
print(f"training took {trained - started:.1f} s, measuring {measured - trained:.1f} s")
