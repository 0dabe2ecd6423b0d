"""Two studies beside the tables: MIMKD over two of its weights, and SFKD over what it keeps of a trained teacher.

The first is Fig. 3 to 6 of MIMKD's paper, the second Fig. 2 (a) of SFKD's with what students make of it. Accuracies
are on validation, with seeds of the search for lambda: nothing of the tables depends on them.
"""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from tqdm import tqdm

from pidkit import InformationPlane
from pidkit.arrays import write_atomic
from pidkit.distill import keep_top
from pidkit.plot import accuracy_landscape, save_figure
from rid.runs import Result, Run, finish_all
from rid.students import Settings, TeacherRun, weights_file
from rid.tables import BASELINE, middle_of

LOCAL, FEATURE = (0.0, 0.25, 0.75, 2.0), (0.0, 0.3, 1.0, 3.0)
"""MIMKD's l_l and l_f; the weight of its global term is 1."""

KEPT = (0.1, 0.2, 0.3, 0.5, 0.8, 1.0)
"""SFKD's K."""

MASKED = {"SFKD+KD": "its logits", "SFKD+FitNet": "its layers"}
"""What is masked, by method."""

MEASURED = {"mi_input": "I(X;F)", "mi_label": "I(F;Y)"}


def landscape_runs(seeds: Sequence[int], weight: float) -> dict[tuple[int, int, int], Run]:
    """Return a run for each seed and pair of weights of MIMKD, by their numbers."""
    places = itertools.product(enumerate(seeds), enumerate(LOCAL), enumerate(FEATURE))
    return {
        (k, i, j): Run("trained", "MIMKD", weight, seed, changed=(("local_weight", l), ("feature_weight", f)))
        for (k, seed), (i, l), (j, f) in places
    }


def kept_runs(seeds: Sequence[int], weights: Mapping[str, float]) -> dict[tuple[str, float], list[Run]]:
    """Return the runs of SFKD by method and by what is kept."""
    return {
        (method, share): [
            Run("trained", method, weights[method], seed, changed=(("kept_logits", share),)) for seed in seeds
        ]
        for method in MASKED
        for share in KEPT
    }


def kept_information(settings: Settings, folder: Path, data_dir: Path | None) -> dict[float, dict[str, list[float]]]:
    """Return I(X;F) and I(F;Y) of the trained teacher's last layer, of which a share is kept, with standard errors.

    In every image the entries largest by magnitude are kept and the others are 0, as `SalientMask` does. Two fits of
    decoders each, on the images of validation; in bits.
    """
    teacher, held_out = settings.network(settings.teacher_width), settings.data(data_dir).validation
    teacher.load_state_dict(torch.load(weights_file(folder, TeacherRun("trained", 0)), weights_only=True))
    found = {}
    for share in tqdm(KEPT, desc="kept information"):
        plane = InformationPlane(
            teacher.eval(),
            layers=settings.layers[-1],
            sample=(held_out.images, held_out.labels),
            n_seeds=2,
            n_null=0,
            reduce=functools.partial(keep_top, keep=share, by="magnitude"),
            max_features=256,
            rng=0,
        )
        found[share] = {point.quantity: [point.value, point.stderr or 0.0] for point in plane.step(0)}
    return found


def study_apart(
    settings: Settings,
    out: Path,
    study: Callable[[Any, Any, Path], Result],
    *,
    seeds: Sequence[int],
    jobs: int,
    name: str,
    data_dir: Path | None,
) -> None:
    """Make the runs of both studies that `out` lacks; write side_studies.json and a figure of each."""
    middle = {method: middle_of(settings.weights_of(method)) for method in ("MIMKD", *MASKED)}
    landscape, kept = landscape_runs(seeds, middle["MIMKD"]), kept_runs(seeds, middle)
    alone = [Run("none", BASELINE, 0.0, seed) for seed in seeds]
    wanted = [*alone, *landscape.values(), *itertools.chain.from_iterable(kept.values())]
    made = finish_all(wanted, study, settings, out, jobs=jobs, what="side studies", threads=1)
    cells = np.full((len(seeds), len(LOCAL), len(FEATURE)), np.nan)
    for place, run in landscape.items():
        cells[place] = np.nan if made[run]["diverged"] else made[run]["validation"]
    curves = {key: [made[run]["validation"] for run in runs] for key, runs in kept.items()}
    baseline = [made[run]["validation"] for run in alone]
    path = out / "runs" / "kept_information.json"
    if not path.exists():
        write_atomic(path, json.dumps(kept_information(settings, out, data_dir), indent=1))
    information = {float(share): found for share, found in json.loads(path.read_text()).items()}

    results = {
        "seeds": [*seeds],
        "alone": baseline,
        "MIMKD": {"local": LOCAL, "feature": FEATURE, "validation": cells.tolist()},
        "SFKD": [{"method": method, "kept": share, "validation": found} for (method, share), found in curves.items()],
        "kept": [{"kept": share, **found} for share, found in information.items()],
    }
    write_atomic(out / "side_studies.json", json.dumps(results, indent=1))
    ax = accuracy_landscape({"MIMKD, trained teacher": 100.0 * cells}, {"local": LOCAL, "feature": FEATURE})
    save_figure(ax, out / f"{name}_landscape.png")
    _draw_kept(curves, information, baseline, out / f"{name}_kept.png", layer=settings.layers[-1])


def _draw_kept(
    curves: Mapping[tuple[str, float], Sequence[float]],
    information: Mapping[float, Mapping[str, Sequence[float]]],
    alone: Sequence[float],
    path: Path,
    *,
    layer: str,
) -> None:
    """Draw what is left of a layer's information, and what students gain, against what is kept."""
    figure, panels = plt.subplots(1, 2, figsize=(11.0, 4.0), layout="constrained")
    for quantity, axis, style, colour in (
        ("mi_input", panels[0], "o-", "#0072B2"),
        ("mi_label", panels[0].twinx(), "s--", "#E06A1B"),
    ):
        values, errors = np.transpose([information[share][quantity] for share in KEPT])
        axis.errorbar(KEPT, values, errors, fmt=style, color=colour, capsize=3)
        axis.set_ylabel(f"{MEASURED[quantity]} (bits, what a decoder reads)", color=colour)
        axis.set_ylim(bottom=0.0)
    panels[0].set(xlabel=f"K, share of the teacher's {layer} that is kept", title="the trained teacher, masked")
    for (method, masked), style in zip(MASKED.items(), ("o-", "s--"), strict=True):
        found = 100.0 * np.array([curves[method, share] for share in KEPT])
        deviation = found.std(1, ddof=1) if found.shape[1] > 1 else np.zeros(len(KEPT))
        panels[1].errorbar(KEPT, found.mean(1), deviation, fmt=style, capsize=3, label=f"{method}: {masked} masked")
    panels[1].axhline(100.0 * float(np.mean(alone)), color="0.35", linestyle=":", label="student alone")
    panels[1].set(xlabel="K, share that is kept", ylabel="validation accuracy (%)", title="its students")
    panels[1].legend(loc="center", bbox_to_anchor=(0.5, 0.66))  # between the curves of layers and those of logits
    save_figure(panels[0], path)
    plt.close(figure)
