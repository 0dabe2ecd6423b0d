"""The law of containers: a sequence or mapping is one at every public door, or an InputError names the argument.

The parameters are read from the signatures, so that none is forgotten. Each gets a bare number, the commonest slip,
and must refuse it by name: no raw TypeError ("'float' object is not iterable"), and no silence.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pidkit
from pidkit import joint_from_outcomes
from pidkit.arguments import items_of, mapping_of
from pidkit.errors import InputError
from pidkit.mi import LabelDecoder, ReconstructionDecoder
from pidkit.representations.calibration import Calibration
from tests.arguments.doors import AND, LABELS, PLANE, RECORDS, ROWS
from tests.arguments.several_of_figures import figures
from tests.arguments.signatures import HAS_TORCH, container_parameters, public_callables
from tests.arguments.test_law import RECORDS as RECORD_CLASSES

BARE = 2.5

TAKES: dict[str, Callable[[Any], Any]] = {
    "AtomRecords.extended.records": RECORDS.extended,
    "AtomRecords.with_phases.phases": RECORDS.with_phases,
    "LabelDecoder.cross_fit.splits": lambda value: LabelDecoder().cross_fit(ROWS, LABELS, splits=value),
    "LabelDecoder.hidden": lambda value: LabelDecoder(hidden=value),
    "PlaneTrajectory.extended.points": PLANE.extended,
    "ReconstructionDecoder.hidden": lambda value: ReconstructionDecoder(hidden=value),
    "compare.measures": lambda value: pidkit.compare(AND, measures=value),
    "joint_from_outcomes.masses": lambda value: joint_from_outcomes(value, axes="y x1 x2"),
    "joint_from_outcomes.shape": lambda value: joint_from_outcomes({"000": 1.0}, axes="y x1 x2", shape=value),
    "pid_table.index": lambda value: pidkit.pid_table(labels=LABELS, x1={"a": ROWS}, x2={"b": ROWS}, index=value),
}
"""A call of every parameter that takes several values, with nothing else in it that could be refused."""


TAKES |= figures()

if HAS_TORCH:
    from pidkit import InformationPlane, distill
    from pidkit.mi import neural
    from pidkit.nn.features import collect_features
    from pidkit.nn.taps import Taps, find_layers
    from pidkit.plane.estimators import PlaneEstimator, plane_estimator
    from tests.distill.toys import blobs, network, tapped

    X, Y = blobs(30)
    LINEAR = ([LabelDecoder(folds=1).fit(ROWS, LABELS)], [Calibration(np.eye(3), np.zeros(3))])
    CE = distill.CrossEntropy()
    FREEZING = network(5)
    NETWORKS = tapped()

    def plane(**changed: Any) -> None:
        settings = {"layers": "1", "sample": (X, Y.numpy()), "estimators": "binned", **changed}
        with InformationPlane(settings.pop("model", network(5)), **settings) as tracked:
            tracked.step(2)

    def probe(**changed: Any) -> Any:
        return distill.AtomProbe(tapped(), **{"sample": (X, Y.numpy()), **changed})

    def tap(**changed: Any) -> Any:
        given = {"teacher": network(8), "student": network(5), "layers": ["1"], "example": X[:2], **changed}
        return distill.tap(**given)

    def networks(teachers: Any = None, layers: Any = None, **changed: Any) -> Any:
        names = {"teacher": network(8)} if teachers is None else teachers
        pairs = {"teacher": [("1", "1")]} if layers is None else layers
        return distill.Networks(names, network(5), pairs, X[:2], **changed)

    def trainer(**changed: Any) -> Any:
        options = distill.TrainerOptions(epochs=1, progress=False)
        return distill.Trainer(tapped(), CE, None, options, train=(X, Y), **changed)

    def unique(**changed: Any) -> Any:
        return distill.UniqueWeight(CE, NETWORKS, NETWORKS.pairs[0], sample=(X, Y), **changed)

    def first_shape(kind: Any) -> Callable[[Any], Any]:
        return lambda value: kind(value, (2,))

    def second_shape(kind: Any) -> Callable[[Any], Any]:
        return lambda value: kind((2,), value)

    def pairs_of(kind: Any) -> Callable[[Any], Any]:
        classified = {"n_classes": 3} if kind in (distill.RID, distill.TED, distill.LabelInformation) else {}
        options = {"batch_size": 4} if kind is distill.SemCKD else classified
        return lambda value: kind(value, **options)

    CRITICS = (neural.ConcatenateAndConvolve, neural.ConcatenatedCritic, neural.ProjectAndDot, neural.SeparableCritic)
    PAIRED = (
        *("AttentionMaps", "AttentionTransfer", "CATKD", "CC", "FeatureCovariance", "FeaturePyramid", "FitNet", "VID"),
        *("HiddenStates", "LabelInformation", "MIMKD", "PKT", "RID", "RKD", "ReviewKD", "SP", "SemCKD", "SimKD", "TED"),
    )
    TAKES |= {f"{kind.__name__}.shape_a": first_shape(kind) for kind in CRITICS}
    TAKES |= {f"{kind.__name__}.shape_b": second_shape(kind) for kind in CRITICS}
    TAKES |= {f"{name}.pairs": pairs_of(getattr(distill, name)) for name in PAIRED}
    ONE_PAIR = [distill.LayerPair("a", "b", (2, 2, 2), (2, 2, 2))]
    TAKES |= {
        "AEKD.objectives": lambda value: distill.AEKD(value),
        "MLKD.temperatures": lambda value: distill.MLKD(value),
        "ReviewKD.levels": lambda value: distill.ReviewKD(ONE_PAIR, levels=value),
        "AdaptiveWeight.sample": lambda value: distill.AdaptiveWeight(CE, NETWORKS, sample=value),
        "UniqueWeight.student_layers": lambda value: unique(student_layers=value),
        "TopLogits.join.parts": lambda value: distill.TopLogits.join(value),
        "TrainerOptions.metrics": lambda value: distill.TrainerOptions(epochs=1, metrics=value),
        "evaluate.metrics": lambda value: distill.evaluate(network(5), (X, Y), metrics=value),
        "LayerDecoder.fit.x": lambda value: distill.LayerDecoder.fit(network(5), ["1"], value, Y),
        "NearestCentres.fit.x": lambda value: distill.NearestCentres.fit(network(5), "1", value),
        "collect_features.x": lambda value: collect_features(network(5), "1", value),
        "UniqueWeight.sample": lambda value: distill.UniqueWeight(CE, NETWORKS, NETWORKS.pairs[0], sample=value),
        "Curriculum.difficulties": lambda value: distill.Curriculum(CE, value, n_epochs=2),
        "FeaturePyramid.weights": lambda value: distill.FeaturePyramid(ONE_PAIR, value),
        "ProgressiveFreezing.layers": lambda value: distill.ProgressiveFreezing(CE, FREEZING, value),
        "copy_weights.layers": lambda value: distill.copy_weights(network(5), network(5), value),
        "deep_inversion.shape": lambda value: distill.deep_inversion(network(5), Y[:4], value, n_steps=1),
        "drop_layers.layers": lambda value: distill.drop_layers(network(5), value),
        "linear_transfer.test": lambda value: distill.linear_transfer(network(5), "1", train=(X, Y), test=value),
        "linear_transfer.train": lambda value: distill.linear_transfer(network(5), "1", train=value, test=(X, Y)),
        "layer_sensitivities.layers": lambda value: distill.layer_sensitivities(network(5), value, X, Y),
        "preset.pairs": lambda value: distill.preset("vid", "rid-cub", pairs=value, n_classes=3),
        "AtomProbe.objective": lambda value: probe(objective=value),
        "AtomProbe.pairs": lambda value: probe(pairs=value),
        "AtomProbe.sample": lambda value: probe(sample=value),
        "AtomProbe.schedule": lambda value: probe(schedule=value),
        "InformationPlane.atom_options": lambda value: plane(atom_options=value),
        "InformationPlane.atoms": lambda value: plane(atoms=value),
        "InformationPlane.estimators": lambda value: plane(estimators=value),
        "InformationPlane.layers": lambda value: plane(layers=value),
        "InformationPlane.model": lambda value: plane(model=value),
        "InformationPlane.sample": lambda value: plane(sample=value),
        "InformationPlane.schedule": lambda value: plane(schedule=value),
        "LayerDecoder.calibrations": lambda value: distill.LayerDecoder(["1"], *LINEAR[:1], value, pool=True),
        "LayerDecoder.decoders": lambda value: distill.LayerDecoder(["1"], value, *LINEAR[1:], pool=True),
        "LayerDecoder.fit.layers": lambda value: distill.LayerDecoder.fit(network(5), value, X, Y),
        "LayerDecoder.layers": lambda value: distill.LayerDecoder(value, *LINEAR, pool=True),
        "LayerPair.student_shape": lambda value: distill.LayerPair("a", "b", (2,), value),
        "LayerPair.teacher_shape": lambda value: distill.LayerPair("a", "b", value, (2,)),
        "Milestones.epochs": lambda value: distill.Milestones(epochs=value),
        "Distillation.forward.x": lambda value: distill.Distillation(networks(), CE)(value, Y),
        "Networks.alone": lambda value: networks(alone=value),
        "Networks.example": lambda value: distill.Networks({}, network(5), {}, value),
        "Networks.forward.x": lambda value: networks()(value),
        "Networks.layers": lambda value: networks(layers=value),
        "Networks.layout": lambda value: networks(layout=value),
        "Networks.reduce": lambda value: networks(reduce=value),
        "Networks.logits": lambda value: networks(logits=value),
        "Networks.teacher_outputs.x": lambda value: networks().teacher_outputs("teacher", value),
        "Networks.teachers": lambda value: networks(teachers=value),
        "NeuralMI.critic_options": lambda value: neural.NeuralMI(critic_options=value),
        "PlaneEstimator.options": lambda value: PlaneEstimator("own", options=value),
        "PosteriorCodes.fit.layers": lambda value: distill.PosteriorCodes.fit(network(5), value, X, Y),
        "SalientMask.layers": lambda value: distill.SalientMask(CE, keep=0.5, layers=value),
        "SeveralTeachers.objectives": lambda value: distill.SeveralTeachers(value),
        "SeveralTeachers.set_weights.weights": distill.SeveralTeachers({"teacher": CE}).set_weights,
        "SeveralTeachers.weights": lambda value: distill.SeveralTeachers({"teacher": CE}, value),
        "Taps.layers": lambda value: Taps(network(5), value),
        "Taps.reduce": lambda value: Taps(network(5), "1", reduce=value),
        "Trainer.on_epoch_end": lambda value: trainer(on_epoch_end=value),
        "TrainerOptions.betas": lambda value: distill.TrainerOptions(betas=value),
        "TrainerOptions.learning_rates": lambda value: distill.TrainerOptions(epochs=1, learning_rates=value),
        "TrainerOptions.schedule": lambda value: distill.TrainerOptions(epochs=1, schedule=value),
        "TrainerOptions.weight_decays": lambda value: distill.TrainerOptions(epochs=1, weight_decays=value),
        "WeightedSum.terms": lambda value: distill.WeightedSum(value),
        "WeightedSum.weights": lambda value: distill.WeightedSum({"labels": CE}, value),
        "collect_features.layers": lambda value: collect_features(network(5), value, X),
        "collect_features.reduce": lambda value: collect_features(network(5), "1", X, reduce=value),
        "find_layers.layers": lambda value: find_layers(network(5), value),
        "plane_estimator.mi_input": lambda value: plane_estimator("ksg", mi_input=value),
        "plane_estimator.mi_label": lambda value: plane_estimator("ksg", mi_label=value),
        "redundancy_weights.redundancies": distill.redundancy_weights,
        "tap.example": lambda value: tap(example=value),
        "tap.layers": lambda value: tap(layers=value),
        "tap.layout": lambda value: tap(layout=value),
        "tap.logits": lambda value: tap(logits=value),
        "tap.reduce": lambda value: tap(reduce=value),
        "tap.teacher": lambda value: tap(teacher=value),
    }

EXEMPT = {
    "AtomProbe.quantiser": "a quantiser or two of them; what is none of them is refused in tests of representations",
    "Batch.teachers": "made by Networks",
    "Comparison.results": "made by compare",
    "ConcatenateAndConvolve.diagonals.shifts": "called by the bounds of pidkit, not by users",
    **dict.fromkeys(
        (
            "DecodedAtoms.at_limit",
            "DecodedAtoms.decoders",
            "DecodedAtoms.interval",
            "DecodedAtoms.p_value",
            "DecodedAtoms.standard_error",
        ),
        "made by AtomProbe",
    ),
    **dict.fromkeys(
        ("PIDTable.differences", "PIDTable.index", "PIDTable.pairs", "PIDTable.provenance"), "made by pid_table"
    ),
    **dict.fromkeys(("TableDifference.place", "TablePair.place"), "made by pid_table"),
    "FittedLabelDecoder.codes": "made by LabelDecoder.fit",
    "FittedLabelDecoder.warnings": "made by LabelDecoder.fit",
    "FileDescription.entries": "made by describe_file",
    "History.from_dict.plain": "reads what a checkpoint holds",
    "Outputs.layers": "made by Networks",
    **dict.fromkeys(("TeacherCache.outputs.kept", "TeacherCache.outputs.x"), "called by Networks"),
    **dict.fromkeys(("AdaptiveWeight.share_of.x", "UniqueWeight.share_of.x"), "called by measure"),
    "Phases.load_state_dict.state": "reads what a checkpoint holds",
    "ProjectAndDot.diagonals.shifts": "called by the bounds of pidkit, not by users",
    **dict.fromkeys(("codes_of.x", "posteriors_of.x"), "an array, a file, or a file and a key, as in pid_table"),
    "coded_pid.quantiser": "as AtomProbe's",
    "joint_from_dit.sources": "variables by position or by name; see test_interop",
    "joint_from_dit.target": "variables by position or by name; see test_interop",
    "pid_table.quantiser": "as AtomProbe's",
    "representation_pid.quantiser": "as AtomProbe's",
}
"""Parameters that the law leaves out, each with its reason, beside those of the records that pidkit makes."""


@pytest.mark.skipif(not HAS_TORCH, reason="some of the calls load torch")
def test_every_public_container_is_under_the_law() -> None:
    public = {
        f"{name}.{parameter}"
        for name, call in public_callables().items()
        for parameter in container_parameters(call)
        if name.split(".")[0] not in RECORD_CLASSES or "." in name
    }
    assert sorted(public - set(TAKES) - set(EXEMPT)) == []
    assert sorted((set(TAKES) | set(EXEMPT)) - public) == []


@pytest.mark.parametrize("name", TAKES)
def test_a_bare_number_is_no_container(name: str) -> None:
    with pytest.raises(InputError) as refused:
        TAKES[name](BARE)
    assert re.search(rf"\b{name.split('.')[-1]}\b", str(refused.value)), str(refused.value)


@pytest.mark.parametrize("value", ["ab", b"ab", {"a": 1}, 3, None])
def test_a_string_or_a_mapping_is_no_sequence(value: Any) -> None:
    with pytest.raises(InputError, match=r"^n must be a sequence, not .*; put a single one in a tuple$"):
        items_of("n", value)
    assert items_of("n", np.arange(2)) == (0, 1)


@pytest.mark.parametrize("value", ["ab", [("a", 1)], 3, None])
def test_pairs_are_no_mapping(value: Any) -> None:
    with pytest.raises(InputError, match=r"^n must be a mapping by name, not "):
        mapping_of("n", value)
    given = {"a": 1}
    assert mapping_of("n", given) == given
    assert mapping_of("n", given) is not given
