"""Atoms of pairs of layers: known ones, those of coded_pid, exact codes of the teachers."""

from typing import Any

import pytest
import torch

from pidkit import BiasWarning, RepresentationCodes, coded_pid
from pidkit.distill import AtomProbe
from pidkit.nn import collect_features
from tests.distill.probe.known_students import CODES, image_run, measure


def test_a_copy_of_the_teacher_shares_all_of_it() -> None:
    record, entropy_y = measure([0, 1], [0, 1])
    assert record.redundancy == pytest.approx(entropy_y, abs=1e-6)
    assert record.mi_teacher == pytest.approx(entropy_y, abs=1e-9)
    assert (record.unique_teacher, record.unique_student, record.synergy) == pytest.approx((0, 0, 0), abs=1e-6)
    assert record.gap < 1e-6


def test_a_student_of_noise_stays_near_the_null() -> None:
    record, _ = measure([0, 1], [2])
    # I(Y;S) of one bit of noise and four labels: the predicted bias is 3 / (2 * 400 log 2) = .0054 bits.
    assert record.mi_student < 0.03
    assert record.redundancy <= record.mi_student + 1e-9
    assert record.unique_teacher > 1.9
    assert record.null["mi_teacher"].high < 0.05 < record.mi_teacher
    assert record.null["redundancy"].mean < 0.02


def test_a_student_that_knows_another_bit_has_it_alone() -> None:
    record, _ = measure([0], [1])
    assert record.unique_teacher == pytest.approx(record.mi_teacher, abs=0.02)
    assert record.unique_student == pytest.approx(record.mi_student, abs=0.02)
    assert record.mi_student > 0.97
    assert record.redundancy < 0.02


def test_the_numbers_are_those_of_coded_pid() -> None:
    networks, x, y = image_run()
    quantiser = RepresentationCodes(n_pca=3, n_codes=3, n_init=2)
    for fit_fraction in (None, 0.5):
        with AtomProbe(
            networks, sample=(x, y), quantiser=quantiser, fit_fraction=fit_fraction, rng=7, n_null=4
        ) as tracked:
            layer, logits = tracked.step(3)
        networks_in_order: list[Any] = [networks.teachers["teacher"].model, networks.student]
        with networks:
            features = [collect_features(net, "0", x)["0"].numpy() for net in networks_in_order]
        with pytest.warns(BiasWarning):
            whole = coded_pid(
                labels=y,
                x1=features[0],
                x2=features[1],
                quantiser=quantiser,
                fit_fraction=fit_fraction,
                rng=7,
                n_null=4,
            )
        for ours, theirs in (("redundancy", "redundancy"), ("unique_teacher", "unique_1"), ("synergy", "synergy")):
            assert getattr(layer, ours) == pytest.approx(getattr(whole, theirs), abs=1e-6)
            assert layer.null[ours].mean == pytest.approx(whole.null[theirs].mean, abs=1e-4)
        assert layer.mi_student == pytest.approx(whole.pid.mi_2, abs=1e-9)
        assert layer.bias == pytest.approx(whole.bias["mi_joint"], abs=1e-9)
        assert (logits.teacher_layer, logits.student_layer) == ("(logits)", "(logits)")
        assert "predicted plug-in bias" in layer.warnings[0]


def test_teachers_run_once_and_their_codes_are_exact() -> None:
    networks, x, y = image_run()
    ran = []
    hook = networks.teachers["teacher"].model.register_forward_hook(lambda *_: ran.append(1))
    tracked = AtomProbe(networks, sample=(x, y), quantiser=CODES, n_null=2, batch_size=48)
    assert len(ran) == 1
    first = tracked.step(0)
    assert len(ran) == 1
    hook.remove()
    fresh = AtomProbe(networks, sample=(x, y), quantiser=CODES, n_null=2, batch_size=10)
    assert fresh.step(0) == first


def test_a_constant_student_knows_nothing() -> None:
    networks, x, y = image_run()
    with torch.no_grad():
        networks.student[0].weight.zero_()
        networks.student[0].bias.zero_()
    record = AtomProbe(networks, sample=(x, y), quantiser=CODES).step(0)[0]
    assert record.n_codes_student == 1
    assert (record.mi_student, record.redundancy) == pytest.approx((0, 0), abs=1e-9)
