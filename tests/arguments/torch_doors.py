"""One valid call of every public callable that takes numbers, seeds, choices or flags; those that load torch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from pidkit import InformationPlane, RepresentationCodes, UniformBins, distill
from pidkit.distill import LayerPair, LogitCodes, NearestCentres, Objective, Phases
from pidkit.distill.filters import FilteredPair
from pidkit.distill.probe import measure_assumption
from pidkit.mi import neural
from pidkit.mi.decoder import LabelDecoder
from pidkit.nn import TrainingBudget
from pidkit.nn.class_activation import class_activation_maps
from pidkit.nn.features import collect_features
from pidkit.nn.seeding import own_random_state
from pidkit.nn.taps import Taps
from pidkit.plane.estimators import PlaneEstimator, plane_estimator
from pidkit.plane.schedule import log_spaced_steps
from pidkit.representations.calibration import Calibration
from tests.arguments.doors import LABELS, OTHERS, ROWS, Door
from tests.arguments.training_doors import TRAINING_DOORS
from tests.distill.toys import blobs, network, tapped

MAPS = [LayerPair("conv", "conv", (4, 2, 2), (3, 2, 2))]
NETWORKS = tapped()
CLASS_MAPS = [LayerPair("maps", "maps", (3, 2, 2), (3, 2, 2))]
TOKENS = [LayerPair("block", "block", (5, 4), (5, 3))]
HEADS = [LayerPair("attention", "attention", (2, 4, 4), (2, 4, 4))]
LAYER = nn.Linear(4, 6).weight.detach()
X, Y = blobs(48)
LAYERS = torch.arange(24.0).reshape(4, 6)
SHORT = TrainingBudget(max_steps=2, check_every=1)
FITTED = RepresentationCodes(2, 3, n_init=1).fit(X)


def seeded(make: Callable[..., Any]) -> Callable[..., Any]:
    """Return a call whose first weights are the same every time, because they come from torch's global state."""

    def call(**changed: Any) -> Any:
        with own_random_state(0):
            return make(**changed)

    return call


def points(**changed: Any) -> Any:
    settings = {"layers": "1", "sample": (X, Y.numpy()), "estimators": "binned", **changed}
    with InformationPlane(network(5), **settings) as plane:
        return plane.step(0.0)


def plane_step(**changed: Any) -> Any:
    with InformationPlane(network(5), layers="1", sample=(X, Y.numpy()), estimators="binned") as plane:
        return plane.step(**changed)


def records(**changed: Any) -> Any:
    decoded = {"folds", "learning_curve"} & set(changed)
    recipe: dict[str, Any] = {"folds": 2, "learning_curve": False} if decoded else {"quantiser": UniformBins(2)}
    with distill.AtomProbe(tapped(), sample=(X, Y.numpy()), **{**recipe, "n_null": 2, **changed}) as probe:
        return probe.step(0.0)


def probe_step(**changed: Any) -> Any:
    with distill.AtomProbe(tapped(), sample=(X, Y.numpy()), quantiser=UniformBins(2), n_null=0) as probe:
        return probe.step(**changed)


def assumption(**changed: Any) -> Any:
    teacher, student = (torch.as_tensor(rows[:, :1, None]) for rows in (ROWS, OTHERS))
    pair = FilteredPair(LayerPair("a", "b", (1,), (1,)), teacher, student, torch.ones(1))
    return measure_assumption(pair, LABELS, quantiser=UniformBins(2), **changed)


def sketch(**changed: Any) -> Any:
    model = network(5)
    with Taps(model, "1", **changed) as taps:
        model(X)
        return taps.take()


def draws(**changed: Any) -> Any:
    with own_random_state(**changed):
        return torch.rand(3)


def trained(**changed: Any) -> Any:
    options = distill.TrainerOptions(epochs=1, batch_size=12, progress=False)
    return seeded(lambda: distill.Trainer(tapped(), CE, None, options, train=(X, Y), **changed))().history


def projected(**changed: Any) -> Any:
    return distill.project_layer(*seeded(lambda: (nn.Linear(4, 6), nn.Linear(4, 3)))(), **changed)


def copied(**changed: Any) -> Any:
    student = network(5, seed=1)
    return distill.copy_weights(network(5), student, **changed), student.state_dict()


def critic(kind: Any, **good: Any) -> Door:
    return Door(seeded(lambda **c: kind((2, 2, 2), (3, 2, 2), **c)), **good)


def objective(kind: Any, pairs: Any = MAPS, **good: Any) -> Door:
    return Door(seeded(lambda **c: kind(pairs, **c)), **good)


def told(one: Objective) -> Door:
    return Door(one.set_epoch, epoch=2)


def critic_of(**changed: Any) -> Any:
    return neural.NeuralMI(options=SHORT, folds=1).fit(ROWS, OTHERS, **changed)


def redundancy(**changed: Any) -> Any:
    return distill.ExactRedundancy(LogitCodes(3), LogitCodes(3, temperature=1.0), **changed)


CE = distill.CrossEntropy()
FREEZING = network(5)
IMAGES = torch.arange(12.0).reshape(3, 1, 2, 2)
LINEAR = ([LabelDecoder(folds=1).fit(ROWS, LABELS)], [Calibration(np.eye(3), np.zeros(3))])
DECODER = distill.LayerDecoder.fit(network(5), "1", X, Y)


class Packed(nn.Sequential):
    """A network that puts its logits out in a tuple, of which `logits` says the index."""

    def forward(self, x: torch.Tensor) -> Any:
        return (super().forward(x),)


def maybe_packed(model: Any, changed: dict[str, Any]) -> Any:
    return Packed(*model) if isinstance(model, nn.Sequential) and changed.get("logits") is not None else model


def tapped_for(changed: dict[str, Any]) -> dict[str, Any]:
    return {name: maybe_packed(part, changed) for name, part in TAPPED.items()}


TAPPED: dict[str, Any] = {"teacher": network(8), "student": network(5), "example": X[:2]}
LAYER_OF = {"a": [("1", "1")]}

TORCH_DOORS: dict[str, Door] = {
    # nn and plane
    "collect_features": Door(
        lambda **c: collect_features(maybe_packed(network(5), c), "1", X, **c), batch_size=5, max_features=2, logits=0
    ),
    "TrainingBudget": Door(TrainingBudget, learning_rate=0.5, weight_decay=0.5),
    "own_random_state": Door(draws, rng=5),
    "Taps": Door(sketch, max_features=2),
    "log_spaced_steps": Door(log_spaced_steps, last=50),
    "plane_estimator": Door(plane_estimator),
    "InformationPlane": Door(points, max_features=2),
    "InformationPlane.step": Door(plane_step, step=3.0),
    # neural estimators
    "ConcatenateAndConvolve": critic(neural.ConcatenateAndConvolve, width=4),
    "ConcatenatedCritic": critic(neural.ConcatenatedCritic, width=4),
    "ProjectAndDot": critic(neural.ProjectAndDot, width=4),
    "SeparableCritic": critic(neural.SeparableCritic, width=4),
    "NeuralMI": Door(neural.NeuralMI, folds=3),
    "NeuralMI.estimate": Door(lambda **c: neural.NeuralMI(options=SHORT, folds=1).estimate(ROWS, OTHERS, **c)),
    "NeuralMI.fit": Door(lambda **c: critic_of(**c).estimate(ROWS, OTHERS)),
    "FittedCritic.estimate": Door(lambda **c: critic_of().estimate(ROWS, OTHERS, **c)),
    # codes
    "LogitCodes": Door(LogitCodes, n_codes=3, temperature=0.5),
    "SoftCodes": Door(seeded(lambda **c: distill.SoftCodes(MAPS[0], **c)), n_codes=3),
    "NearestCentres": Door(lambda **c: NearestCentres("1", FITTED, **c), temperature=0.5, spread=0.5),
    "NearestCentres.fit": Door(
        lambda **c: NearestCentres.fit(network(5), "1", X, **c), n_codes=3, n_pca=2, temperature=0.5
    ),
    "PosteriorCodes": Door(lambda **c: distill.PosteriorCodes([[0.5, 0.5]], **c), temperature=0.5),
    "PosteriorCodes.fit": Door(
        lambda **c: distill.PosteriorCodes.fit(network(5), "1", X, Y, **c), n_codes=3, temperature=0.5
    ),
    "PosteriorCodes.of_student": Door(distill.PosteriorCodes([[0.5, 0.5]]).of_student, temperature=0.5),
    "LayerDecoder": Door(lambda **c: distill.LayerDecoder(["1"], *LINEAR, **c), pool=True),
    "LayerDecoder.fit": Door(lambda **c: distill.LayerDecoder.fit(network(5), "1", X, Y, **c), folds=3),
    "CropAndFlip": Door(lambda **c: repr(distill.CropAndFlip(**c))),
    "TeacherCache": Door(lambda **c: repr(distill.TeacherCache(**c))),
    "FeatureBank": Door(distill.FeatureBank, size=3, channels=2),
    "soft_pid": Door(lambda **c: distill.soft_pid(torch.full((2, 2, 2), 0.125), **c), tol=1e-6),
    "soft_pair_atoms": Door(
        lambda **c: distill.soft_pair_atoms(torch.eye(2) / 2, torch.full((2, 2), 0.25), **c), tol=1e-6
    ),
    # objectives
    "AttentionMaps": objective(distill.AttentionMaps, HEADS),
    "AttentionTransfer": objective(distill.AttentionTransfer),
    "FitNet": objective(distill.FitNet),
    "MIMKD": objective(distill.MIMKD, width=4),
    "RID": objective(distill.RID, n_classes=3),
    "TED": objective(distill.TED, n_classes=3),
    "VID": objective(distill.VID, width=4),
    "CrossEntropy": Door(distill.CrossEntropy, label_smoothing=0.5),
    "ExactRedundancy": Door(redundancy, n_classes=3),
    "KD": Door(distill.KD, top_k=2, chunk=2),
    "TopKD": Door(distill.TopKD, top=2, chunk=2),
    "TopLogits": Door(partial(distill.TopLogits, np.zeros((1, 2)), np.zeros((1, 2), int)), n_classes=4),
    "TopLogits.of": Door(partial(distill.TopLogits.of, torch.eye(2, 4)), top_k=2, chunk=2, class_axis=-1),
    "DecodedKD": Door(lambda **c: distill.DecodedKD(DECODER, **c)),
    "DecodedKD.set_epoch": told(distill.DecodedKD(DECODER)),
    "AdaptiveWeight": Door(
        partial(distill.AdaptiveWeight, CE, NETWORKS, sample=(X, Y)), folds=3, batch_size=16, every=2
    ),
    "AdaptiveWeight.set_epoch": told(distill.AdaptiveWeight(CE, NETWORKS, sample=(X, Y), every=3)),
    "UniqueWeight": Door(
        partial(distill.UniqueWeight, CE, NETWORKS, NETWORKS.pairs[0], sample=(X, Y)), folds=3, batch_size=16, every=2
    ),
    "UniqueWeight.set_epoch": told(distill.UniqueWeight(CE, NETWORKS, NETWORKS.pairs[0], sample=(X, Y), every=3)),
    "preset": Door(seeded(lambda **c: distill.preset(pairs=MAPS, **c)), name="vid", paper="rid-cifar-10", n_classes=3),
    "AEKD": Door(lambda **c: distill.AEKD({"teacher": CE}, **c), cap=1.0),
    "CATKD": objective(distill.CATKD, CLASS_MAPS),
    "CC": objective(distill.CC),
    "CRD": objective(lambda pairs, **c: distill.CRD(pairs[0], Y, **c), n_negatives=4, embedding=3, momentum=0.5),
    "ClassMaps": Door(seeded(distill.ClassMaps), channels=4, n_classes=3),
    "CrossModalAlignment": objective(lambda pairs, **c: distill.CrossModalAlignment(pairs[0], **c), embedding=3),
    "DIST": Door(distill.DIST),
    "DKD": Door(distill.DKD, warm_up=3),
    "DKD.set_epoch": told(distill.DKD()),
    "HiddenStates": objective(distill.HiddenStates, TOKENS),
    "LabelInformation": objective(distill.LabelInformation, n_classes=3),
    "MeanOfTeachers": Door(lambda **c: distill.MeanOfTeachers(CE, **c)),
    "PKT": objective(distill.PKT),
    "RKD": objective(distill.RKD),
    "ReusedHead": Door(
        seeded(lambda **c: distill.ReusedHead(nn.Identity(), nn.Identity(), **c)), channels_in=2, channels_out=4
    ),
    "ReviewKD": objective(distill.ReviewKD, width=4),
    "SemCKD": objective(distill.SemCKD, batch_size=8),
    "SalientMask": Door(lambda **c: distill.SalientMask(CE, **c), keep=0.5),
    "FeaturePyramid": objective(distill.FeaturePyramid),
    "Curriculum": Door(lambda **c: distill.Curriculum(CE, [0.5, 0.25], **c), n_epochs=3, start=0.5),
    "Curriculum.set_epoch": told(distill.Curriculum(CE, [0.5, 0.25], n_epochs=3)),
    "ProgressiveFreezing.set_epoch": told(distill.ProgressiveFreezing(CE, FREEZING, {9: "0"})),
    "Prompted": Door(lambda **c: distill.Prompted(nn.Identity(), torch.ones(1, 2), **c).state_dict(), learned=True),
    "deep_inversion": Door(
        lambda **c: distill.deep_inversion(network(5), Y[:4], (4,), student=network(3), **{"n_steps": 1, **c}),
        n_steps=2,
    ),
    "inference_seconds": Door(lambda **c: len(distill.inference_seconds(network(3), X, **c)), n_runs=2, warm_up=1),
    "linear_transfer": Door(
        lambda **c: distill.linear_transfer(network(5), "1", train=(X, Y), test=(X, Y), **c), penalty=2.0
    ),
    "class_activation_maps": Door(
        seeded(lambda **c: class_activation_maps(nn.Sequential(nn.Conv2d(1, 2, 1), nn.Flatten()), "0", IMAGES, **c)),
        batch_size=2,
    ),
    "difficulties_by": Door(lambda **c: distill.difficulties_by(network(5), X, Y, **c), batch_size=7),
    "layer_sensitivities": Door(lambda **c: distill.layer_sensitivities(network(5), "1", X, Y, **c), batch_size=7),
    "fake_quantise": Door(lambda **c: distill.fake_quantise(network(5), **c)(X), bits=4, activation_bits=4),
    "copy_weights": Door(copied, bits=4),
    "redundancy_weights": Door(lambda **c: distill.redundancy_weights({"a": 1.0, "b": 0.25}, **c)),
    "keep_top": Door(lambda **c: distill.keep_top(LAYERS, **c), keep=0.5),
    "top_fraction_mask": Door(lambda **c: distill.top_fraction_mask(LAYERS, **c), keep=0.5),
    "norm_projection": Door(lambda **c: distill.norm_projection(LAYER, **c), n=2, axis=1),
    "singular_projection": Door(lambda **c: distill.singular_projection(LAYER, **c), n=2, axis=1),
    "project_layer": Door(projected),
    "KD.set_epoch": told(distill.KD()),
    "Objective.set_epoch": told(CE),
    "WrappedObjective.set_epoch": told(distill.SalientMask(CE, keep=0.5)),
    "SeveralTeachers.set_epoch": told(distill.SeveralTeachers({"teacher": CE})),
    "WeightedSum.set_epoch": told(distill.WeightedSum({"labels": CE})),
    # training
    "Phases": Door(lambda **c: Phases(**{"cycle": 4, **c}), warm_up=2, cycle=4, teacher_share=0.25),
    "Phases.at": Door(Phases(warm_up=2).at, epoch=3),
    **TRAINING_DOORS,
    "TrainerOptions": Door(distill.TrainerOptions, learning_rate=0.5, momentum=0.5, weight_decay=0.5),
    "Trainer": Door(trained),
    "evaluate": Door(
        lambda **c: distill.evaluate(maybe_packed(network(5), c), (X, Y), **c), batch_size=7, class_axis=-1, logits=0
    ),
    "tap": Door(lambda **c: distill.tap(**tapped_for(c), layers="1", **c).pairs, class_axis=-1, logits=0),
    "Networks": Door(
        lambda **c: distill.Networks(
            {"a": tapped_for(c)["teacher"]}, tapped_for(c)["student"], LAYER_OF, X[:2], **c
        ).pairs_of("a"),
        class_axis=-1,
        logits=0,
    ),
    "AtomProbe": Door(records, fit_fraction=0.5, n_null=2, folds=3),
    "AtomProbe.step": Door(probe_step, epoch=2.0),
    "PlaneEstimator": Door(lambda **c: PlaneEstimator("own", **c)),
    "smile": Door(lambda **c: neural.smile(torch.eye(3), **c), clip=5.0),
    "measure_assumption": Door(assumption, n_null=2),
}
