"""Atom records: what is kept, selected, shown, saved and loaded."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pidkit.arrays.checksums import digest_of
from pidkit.errors import InputError
from pidkit.records import AtomRecord, AtomRecords
from pidkit.records.atom_record import QUANTITIES, Assumption, DecodedAtoms
from pidkit.records.resume import start_run
from pidkit.representations import DecoderReport, Spread


def record(epoch: float, layer: str = "conv", **more: Any) -> AtomRecord:
    values: dict[str, Any] = dict(zip(QUANTITIES, (0.5, 0.3, 0.1, 0.2, 0.8, 0.6, 1.1), strict=True))
    return AtomRecord(
        epoch, "teacher", layer, layer, **values, gap=1e-9, n_codes_teacher=4, n_codes_student=3, bias=0.01, **more
    )


def records() -> AtomRecords:
    spread = Spread(0.01, 0.002, 0.005, 0.02)
    full = record(
        0.0,
        null=dict.fromkeys(QUANTITIES, spread),
        null_gap=1e-8,
        assumption=Assumption(0.2, spread, 0.9, 1.5, (0.25, 0.75)),
        warnings=("the predicted bias is large",),
    )
    return AtomRecords(
        (full, record(5.0), record(0.0, "fc")), 1.5, 100, ((0.0, 2.0, "warm-up"),), {"settings": {"n_null": 2}}
    )


def test_saved_records_come_back_the_same(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    records().save(path)
    assert AtomRecords.load(path) == records()
    assert json.loads(path.read_text())["records"][0]["redundancy"] == 0.5


def test_decoded_records_keep_what_the_decoders_read_in_either_unit(tmp_path: Path) -> None:
    numbers = dict.fromkeys(QUANTITIES, 0.5)
    report = DecoderReport("linear", 0.7, 0.8, 0.1, 0.9, 0.95)
    decoded = DecodedAtoms(
        "linear",
        interval=dict.fromkeys(QUANTITIES, (0.25, 0.75)),
        standard_error=numbers,
        at_limit=numbers,
        p_value={"redundancy": 0.01},
        decoders={"teacher": report},
    )
    run = records().extended([record(7.0, decoded=decoded), record(8.0, decoded=replace(decoded, at_limit=None))])
    run.save(tmp_path / "run.json")
    assert AtomRecords.load(tmp_path / "run.json") == run
    row = run.table()[3]
    assert (row["recipe"], row["redundancy low"], row["synergy high"]) == ("linear", 0.25, 0.75)
    assert run.table()[0]["recipe"] == "codes"
    found = run.to("nats").records[3].decoded
    assert found is not None
    assert found.interval["redundancy"] == pytest.approx((0.25 * math.log(2.0), 0.75 * math.log(2.0)))
    assert found.at_limit is not None
    assert found.at_limit["synergy"] == pytest.approx(0.5 * math.log(2.0))
    assert (found.p_value, found.decoders["teacher"].accuracy) == ({"redundancy": 0.01}, 0.95)


def test_files_from_before_decoders_are_read(tmp_path: Path) -> None:
    content = records().to_dict()
    del content["format"]
    for one in content["records"]:
        del one["decoded"]
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"format": "pidkit atom records 2", "digest": digest_of(content), **content}))
    assert AtomRecords.load(path) == records()
    path.write_text(json.dumps({"format": "pidkit atom records 3", "digest": digest_of(content), **content}))
    with pytest.raises(InputError, match=r"is damaged \(content.records\[0\] has no entry 'decoded'\)"):
        AtomRecords.load(path)


def test_records_are_selected_and_drawn_by_pair() -> None:
    run = records()
    assert run.pairs == (("teacher", "conv", "conv"), ("teacher", "fc", "fc"))
    assert run.epochs == (0.0, 5.0)
    epochs, values = run.select(teacher_layer="conv").curve("mi_student")
    assert epochs.tolist() == [0.0, 5.0]
    assert values.tolist() == [0.6, 0.6]
    with pytest.raises(
        InputError, match="records must be of one pair of layers, there are: teacher conv conv; teacher fc"
    ):
        run.curve("synergy")
    with pytest.raises(InputError, match="quantity must be one of 'redundancy'"):
        run.curve("gap")


def test_an_epoch_is_recorded_once() -> None:
    with pytest.raises(InputError, match="hold teacher conv conv at epoch 5 already"):
        records().extended([record(5.0)])
    assert records().extended([record(6.0)]).epochs == (0.0, 5.0, 6.0)


def test_the_table_is_flat_and_readable() -> None:
    run = records()
    row = run.table()[0]
    assert row["layers"] == "conv & conv"
    assert (row["redundancy null"], row["I(eps;Y|f_s)"], row["std f_t"], row["sigma"]) == (0.01, 0.2, 1.5, 0.5)
    shown = repr(run)
    assert "AtomRecords: 3 records, n = 100, H(Y) = 1.5000 bits" in shown
    assert shown.endswith("the predicted bias is large")
    assert len({len(line) for line in shown.splitlines()[1:5]}) == 1
    assert repr(AtomRecords((), 1.0, 10, (), {})) == "AtomRecords: 0 records, n = 10, H(Y) = 1.0000 bits"


def test_files_that_are_no_records_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    with pytest.raises(InputError, match=r"path must end in \.json"):
        records().save(tmp_path / "run.npz")
    with pytest.raises(InputError, match="path must name a file that save wrote"):
        AtomRecords.load(path)
    path.write_text("{")
    with pytest.raises(InputError, match="path must name a file that save wrote"):
        AtomRecords.load(path)
    path.write_text("[]")
    with pytest.raises(InputError, match="says None"):
        AtomRecords.load(path)
    path.write_text('{"format": "pidkit atom records 3", "records": [{}]}')
    with pytest.raises(
        InputError, match=r"is damaged \(its digest is that of other content\); restore it, or write it again"
    ):
        AtomRecords.load(path)
    content: dict[str, Any] = {"records": [{}]}
    path.write_text(json.dumps({"format": "pidkit atom records 3", "digest": digest_of(content), **content}))
    with pytest.raises(InputError, match=r"is damaged \(content has no entry 'entropy_y'\)"):
        AtomRecords.load(path)


def test_another_unit_changes_information_and_nothing_else(tmp_path: Path) -> None:
    run, factor = records(), math.log(2.0)
    nats = run.to("nats")
    before, after = run.records[0], nats.records[0]
    assert (nats.unit, run.unit, nats.entropy_y) == ("nats", "bits", pytest.approx(1.5 * factor))  # type: ignore[comparison-overlap]
    assert after.redundancy == pytest.approx(factor * before.redundancy)
    assert (after.null_gap, after.bias) == pytest.approx((factor * 1e-8, factor * 0.01))
    assert after.null is not None
    assert after.null["synergy"] == Spread(*(pytest.approx(factor * x) for x in (0.01, 0.002, 0.005, 0.02)))  # type: ignore[arg-type]
    assert after.assumption is not None
    assert (after.assumption.value, after.assumption.cap) == pytest.approx((0.2 * factor, 0.9 * factor))
    assert (after.assumption.teacher_std, after.assumption.sigma) == (1.5, (0.25, 0.75))
    assert (after.epoch, after.n_codes_teacher, nats.phases, nats.n_samples) == (0.0, 4, run.phases, 100)
    assert repr(nats).startswith("AtomRecords: 3 records, n = 100, H(Y) = 1.0397 nats")
    nats.save(tmp_path / "run.json")
    assert AtomRecords.load(tmp_path / "run.json") == nats
    with pytest.raises(InputError, match=r"^unit must be 'bits' or 'nats', not 'bans'$"):
        AtomRecords((), 1.0, 10, (), {}, unit="bans")


def test_a_gap_that_is_not_known_survives_the_file(tmp_path: Path) -> None:
    run = AtomRecords((replace(record(0.0), gap=math.nan),), 1.5, 100, (), {})
    run.save(tmp_path / "run.json")
    assert json.loads((tmp_path / "run.json").read_text())["records"][0]["gap"] is None
    assert math.isnan(AtomRecords.load(tmp_path / "run.json").records[0].gap)


def test_a_run_saved_in_another_unit_is_continued_in_the_unit_of_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    records().to("nats").save(path)
    found = start_run(path, resume=True, fresh=replace(records(), records=()), load=AtomRecords.load)
    assert (found.unit, found.entropy_y) == ("bits", pytest.approx(1.5))  # type: ignore[comparison-overlap]
    assert found.records[0].redundancy == pytest.approx(0.5)
