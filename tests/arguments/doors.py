"""One valid call of every public callable that takes numbers, seeds, choices or flags; those without torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import pidkit
from pidkit import KMeansCodes, UniformBins, gate
from pidkit.info import conditional_mutual_information
from pidkit.mi import (
    KSG,
    TASKS,
    Calibrated,
    ConditionalCalibrated,
    ConditionalGaussian,
    ConditionalKSG,
    ConditionalLabelDecoder,
    ConditionalMixed,
    ConditionalPlugIn,
    Gao,
    GaussianCopulaMI,
    GaussianMI,
    LabelDecoder,
    PlugIn,
    ReconstructionDecoder,
    Ross,
)
from pidkit.mi import gaussian_task as gaussian_task
from pidkit.mi.splits import three_way_splits
from pidkit.nn import TrainingBudget
from pidkit.quantise import PrincipalComponents, QuantileBins, RepresentationCodes
from pidkit.records import AtomRecord, AtomRecords, PlanePoint, PlaneTrajectory


class Door:
    """A valid call: `call(**changed)` makes it with some arguments changed and returns what two calls are compared by.

    `good` holds a valid value of each number that has no default, or none that shows anything.
    """

    def __init__(self, call: Callable[..., Any], **good: Any) -> None:
        self.call, self.good = call, good


AND = gate("AND").joint
PAIRS = (AND.sum(2), AND.sum(1))
BATCH = np.stack([AND, gate("XOR").joint])
LABELS = np.arange(60) % 2
SPLITS = three_way_splits(60, np.random.default_rng(2), folds=3, labels=LABELS)
ROWS = LABELS[:, None] + np.random.default_rng(0).normal(size=(60, 3))
OTHERS = ROWS[:, :2] + np.random.default_rng(1).normal(size=(60, 2))
THREE = ROWS[:, :1], OTHERS, ROWS[:, 1:]
CODES = np.arange(60) % 3
SHORT = TrainingBudget(max_steps=2, check_every=1)
RECORD = AtomRecord(0.0, "t", "a", "b", 0.1, 0.2, 0.3, 0.4, 0.3, 0.4, 1.0, 0.0, 9, 9, 0.01)
RECORDS = AtomRecords((RECORD,), entropy_y=1.0, n_samples=60, phases=(), provenance={})
POINTS = tuple(PlanePoint("net", 1.0, "fc", axis, "ksg", 0.5) for axis in ("mi_input", "mi_label"))
PLANE = PlaneTrajectory(POINTS, "bits", entropy_y=1.0, n_samples=60, provenance={})
TABLE = pidkit.bivariate_pid(AND)


def codes_by(kind: type, **base: Any) -> Callable[..., Any]:
    """Return a call that makes a quantiser and codes the rows: what it keeps is as passed, as scikit-learn wants it."""
    return lambda **changed: kind(**{**base, **changed}).fit_transform(ROWS)


def drawn(plot: Callable[..., Any], *shown: Any) -> Callable[..., Any]:
    """Return a call that draws: two figures are compared by their labels."""
    return lambda **changed: plot(*shown, **changed).get_ylabel()


def plots() -> dict[str, Door]:
    """Return the figures, which load matplotlib."""
    from pidkit import plot

    return {
        "atoms_over_epochs": Door(drawn(plot.atoms_over_epochs, RECORDS)),
        "plot_embedding": Door(
            lambda **c: plot.plot_embedding({"a": ROWS}, LABELS, **{"perplexity": 5.0, **c}).get_title(),
            perplexity=4.0,
            n_pca=2,
        ),
        "information_plane": Door(drawn(plot.information_plane, PLANE)),
        "plot_atom_map": Door(drawn(plot.plot_atom_map, [[TABLE]])),
        "plot_atoms_over": Door(drawn(plot.plot_atoms_over, [TABLE, TABLE])),
        "plot_maps_beside": Door(drawn(plot.plot_maps_beside, {"a": [[TABLE]]})),
    }


def coded(**changed: Any) -> Any:
    return pidkit.coded_pid(labels=LABELS, x1=ROWS, x2=OTHERS, **{"quantiser": UniformBins(2), **changed})


DOORS: dict[str, Door] = {
    # decompose
    "bivariate_pid": Door(lambda **c: pidkit.bivariate_pid(AND, **c), tol=1e-6, max_iter=50),
    "bivariate_pid_batch": Door(
        lambda **c: pidkit.bivariate_pid_batch(BATCH, **c).synergy, tol=1e-6, max_iter=50, n_jobs=2
    ),
    "pid_from_samples": Door(
        lambda **c: pidkit.pid_from_samples(y=LABELS, x1=LABELS, x2=LABELS[::-1], **c),
        tol=1e-6,
        max_iter=50,
        n_y=2,
        n_x1=3,
        n_x2=4,
    ),
    "solve_broja": Door(lambda **c: pidkit.solve_broja(*PAIRS, **c).unique_1, tol=1e-6, max_iter=50),
    "solve_broja_batch": Door(
        lambda **c: pidkit.solve_broja_batch(BATCH.sum(3), BATCH.sum(2), **c).unique_1, tol=1e-6, max_iter=50, n_jobs=2
    ),
    "BROJASolution.coupling_block": Door(pidkit.solve_broja(*PAIRS).coupling_block, y=1),
    "coded_pid": Door(coded, fit_fraction=0.5, n_bootstrap=2, n_null=3, tol=1e-6, memory=5000),
    "codes_of": Door(lambda **c: pidkit.codes_of(x=ROWS, **c).codes, memory=5000),
    "representation_pid": Door(
        lambda **c: pidkit.representation_pid(labels=LABELS, x1=ROWS, x2=OTHERS, **{"folds": 2, **c}),
        folds=3,
        n_codes=2,
        n_bootstrap=2,
        n_null=2,
        memory=5000,
    ),
    "posteriors_of": Door(
        lambda **c: pidkit.posteriors_of(labels=LABELS, x=ROWS, **{"folds": 2, "decoder": "knn", **c}).posteriors,
        folds=3,
        n_codes=2,
        memory=5000,
    ),
    "pid_table": Door(
        lambda **c: [
            one.result
            for one in pidkit.pid_table(
                labels=LABELS,
                x1={"a": ROWS},
                x2={"b": OTHERS},
                **{"folds": 2, "decoder": "knn", "n_codes": 2, **c},
            ).pairs
        ],
        folds=3,
        n_codes=2,
        n_jobs=1,
        n_bootstrap=2,
        n_null=2,
        memory=5000,
    ),
    "estimate_pid": Door(
        lambda **c: pidkit.estimate_pid(y=LABELS, x1=LABELS, x2=LABELS[::-1], **{"folds": 3, **c}),
        folds=3,
        n_bootstrap=2,
        n_null=2,
    ),
    "joint_from_samples": Door(
        lambda **c: pidkit.joint_from_samples(y=LABELS, x1=LABELS, x2=LABELS, **c), n_y=2, n_x1=3, n_x2=4
    ),
    # intersect
    "intersection_information": Door(
        lambda **c: pidkit.intersection_information(AND, **c), tol=1e-6, max_iter=50, time_limit=60.0
    ),
    "relaxed_intersection_information": Door(
        lambda **c: pidkit.relaxed_intersection_information(AND, **{"n_starts": 1, **c}),
        tol_1=0.25,
        tol_2=0.25,
        n_q=2,
        n_starts=1,
        time_limit=60.0,
    ),
    "compare": Door(lambda **c: pidkit.compare(AND, **{"measures": ("mmi", "blackwell"), **c}), time_limit=60.0),
    "mmi_redundancy": Door(lambda **c: pidkit.mmi_redundancy(AND, **c)),
    "williams_beer_redundancy": Door(lambda **c: pidkit.williams_beer_redundancy(AND, **c)),
    # estimate
    "estimate_mi": Door(lambda **c: pidkit.estimate_mi(ROWS, OTHERS, **c)),
    "estimate_conditional_mi": Door(lambda **c: pidkit.estimate_conditional_mi(ROWS[:, :1], OTHERS, ROWS[:, 1:], **c)),
    "ConditionalKSG": Door(ConditionalKSG),
    "ConditionalKSG.estimate": Door(lambda **c: ConditionalKSG().estimate(*THREE, **c)),
    "ConditionalMixed": Door(ConditionalMixed),
    "ConditionalMixed.estimate": Door(lambda **c: ConditionalMixed().estimate(*THREE, **c)),
    "ConditionalCalibrated": Door(ConditionalCalibrated, n_surrogates=2),
    "ConditionalCalibrated.estimate": Door(lambda **c: ConditionalCalibrated().estimate(*THREE, **c)),
    "ConditionalPlugIn": Door(ConditionalPlugIn),
    "ConditionalPlugIn.estimate": Door(lambda **c: ConditionalPlugIn().estimate(LABELS, LABELS, CODES, **c)),
    "ConditionalGaussian": Door(ConditionalGaussian),
    "ConditionalGaussian.estimate": Door(lambda **c: ConditionalGaussian().estimate(*THREE, **c)),
    "ConditionalLabelDecoder": Door(ConditionalLabelDecoder),
    "ConditionalLabelDecoder.estimate": Door(
        lambda **c: ConditionalLabelDecoder().estimate(ROWS[:, :1], LABELS, ROWS[:, 1:], **c)
    ),
    "MIEstimate.normalised": Door(lambda **c: pidkit.estimate_mi(LABELS, CODES, estimator="plugin").normalised(**c)),
    "conditional_mutual_information": Door(lambda **c: conditional_mutual_information(AND, **c)),
    "KSG": Door(KSG, jitter=0.25),
    "KSG.estimate": Door(lambda **c: KSG().estimate(ROWS, OTHERS, **c)),
    "Calibrated": Door(Calibrated, n_surrogates=2),
    "Calibrated.estimate": Door(lambda **c: Calibrated().estimate(ROWS, OTHERS, **c)),
    "Ross": Door(Ross, jitter=0.25),
    "Ross.estimate": Door(lambda **c: Ross().estimate(ROWS, LABELS, **c)),
    "Gao": Door(Gao, jitter=0.25),
    "Gao.estimate": Door(lambda **c: Gao().estimate(ROWS, OTHERS, **c)),
    "GaussianMI": Door(GaussianMI),
    "GaussianMI.estimate": Door(lambda **c: GaussianMI().estimate(ROWS, OTHERS, **c)),
    "GaussianCopulaMI": Door(GaussianCopulaMI),
    "GaussianCopulaMI.estimate": Door(lambda **c: GaussianCopulaMI().estimate(ROWS, OTHERS, **c)),
    "PlugIn": Door(PlugIn),
    "PlugIn.estimate": Door(lambda **c: PlugIn().estimate(LABELS, LABELS, **c)),
    "LabelDecoder": Door(LabelDecoder, folds=3),
    "LabelDecoder.estimate": Door(lambda **c: LabelDecoder(folds=1).estimate(ROWS, LABELS, **c)),
    "LabelDecoder.cross_fit": Door(lambda **c: len(LabelDecoder().cross_fit(ROWS, LABELS, **{"splits": SPLITS, **c}))),
    "LabelDecoder.fit": Door(lambda **c: LabelDecoder(folds=1).fit(ROWS, LABELS, **c).estimate(ROWS, LABELS)),
    "FittedLabelDecoder.estimate": Door(
        lambda **c: LabelDecoder(folds=1).fit(ROWS, LABELS).estimate(ROWS, LABELS, **c)
    ),
    "ReconstructionDecoder": Door(ReconstructionDecoder, folds=3),
    "ReconstructionDecoder.estimate": Door(
        lambda **c: ReconstructionDecoder(folds=1, budget=SHORT).estimate(ROWS, OTHERS, **c)
    ),
    "TrainingBudget": Door(TrainingBudget, learning_rate=0.5, weight_decay=0.5),
    "Task.sample": Door(TASKS["mixed"].sample, n=5),
    "gaussian_task": Door(lambda **c: gaussian_task("pair", np.eye(3), **c).d_a, d_a=2),
    # quantise
    "UniformBins": Door(codes_by(UniformBins), n_bins=3),
    "QuantileBins": Door(codes_by(QuantileBins), n_bins=3),
    "KMeansCodes": Door(codes_by(KMeansCodes), n_codes=3, n_init=2, random_state=5),
    "PrincipalComponents": Door(codes_by(PrincipalComponents, n_components=2), n_components=2, random_state=5),
    "RepresentationCodes": Door(
        codes_by(RepresentationCodes, n_pca=2, n_codes=3, n_init=2, memory=1000),
        memory=1000,
        n_pca=2,
        n_codes=3,
        n_init=2,
        random_state=5,
    ),
    # records
    "AtomRecords.select": Door(RECORDS.select, epoch=0.0),
    "PlaneTrajectory.select": Door(PLANE.select, step=1.0),
    **plots(),
}
