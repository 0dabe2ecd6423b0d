"""Outputs of networks, collected without a trace; and the batch of atoms with its second solver."""

import numpy as np
import pytest
import torch
from torch import nn

from pidkit.distill.batch import LOGITS
from pidkit.distill.probe import atoms
from pidkit.distill.probe.atoms import LARGEST_GAP, CodeColumn, measure_pair, solve_joints
from pidkit.distill.probe.outputs import RowCollector, collect_rows, undisturbed
from pidkit.errors import InputError
from pidkit.gates import gate
from pidkit.nn.sample import fingerprint


def test_rows_are_those_of_one_pass_whatever_the_batch() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout()).train()
    x = torch.arange(30.0).reshape(10, 3)
    found = collect_rows(model, ["0", LOGITS], x, batch_size=4)
    assert model.training
    assert model[1].num_batches_tracked.item() == 0
    torch.testing.assert_close(found["0"], model[0](x).detach())
    torch.testing.assert_close(found[LOGITS], model.eval()(x).detach())


def test_rows_follow_the_dtype_of_the_model() -> None:
    found = collect_rows(nn.Sequential(nn.Linear(2, 2)).double(), ["0"], torch.ones(3, 2), batch_size=2)
    assert found["0"].dtype == torch.float64
    assert collect_rows(nn.Sequential(nn.Linear(2, 2)).bfloat16(), [LOGITS], torch.ones(3, 2), batch_size=2)[
        LOGITS
    ].dtype == (torch.float32)


def test_outputs_that_are_no_rows_are_refused() -> None:
    rows = RowCollector()
    with pytest.raises(InputError, match=r"'0' must put out a tensor .* it puts out shape \(3, 2\)"):
        rows.add("0", torch.ones(3, 2), 4)
    with pytest.raises(InputError, match="it puts out tuple"):
        rows.add("0", (torch.ones(4),), 4)


def test_undisturbed_leaves_inference_mode_and_autocast() -> None:
    with torch.inference_mode(), undisturbed(nn.Linear(1, 1)):
        assert not torch.is_inference_mode_enabled()
        assert not torch.is_grad_enabled()


def test_a_fingerprint_tells_values_shapes_and_dtypes_apart() -> None:
    a = torch.arange(4.0)
    others = (a + 1, a.reshape(2, 2), a.double(), a.bfloat16(), torch.tensor(1.0), torch.ones(0))
    assert len({fingerprint(t) for t in (a, *others)}) == 7
    assert fingerprint(a) == fingerprint(a.clone())


def test_gates_have_their_atoms_in_the_order_of_the_quantities() -> None:
    values, gaps = solve_joints(np.stack([gate("AND").joint, gate("XOR").joint]))
    # AND: redundancy .311, no unique, synergy .5 bits; XOR: one bit of synergy.
    np.testing.assert_allclose(values[0], [0.311278, 0, 0, 0.5, 0.311278, 0.311278, 0.811278], atol=1e-5)
    np.testing.assert_allclose(values[1], [0, 0, 0, 1, 0, 0, 1], atol=1e-6)
    assert gaps.max() < LARGEST_GAP


def nearly_the_same_codes() -> tuple[np.ndarray, CodeColumn, CodeColumn]:
    """Codes of ten that differ in one sample, and labels that they know nothing of: the interior point stalls there."""
    rng = np.random.default_rng(0)
    teacher = rng.integers(10, size=1000)
    student = teacher.copy()
    student[0] = (student[0] + 1) % 10
    return rng.integers(10, size=1000), CodeColumn(teacher, 10), CodeColumn(student, 10)


def test_nearly_identical_codes_are_certified() -> None:
    y, teacher, student = nearly_the_same_codes()
    found = measure_pair(y, teacher, student, n_null=3, generator=np.random.default_rng(0))
    assert found["gap"] <= LARGEST_GAP
    assert found["null_gap"] <= LARGEST_GAP
    assert found["redundancy"] == pytest.approx(found["mi_teacher"], abs=0.01)
    assert sum(found[a] for a in ("redundancy", "unique_teacher", "unique_student", "synergy")) == pytest.approx(
        found["mi_joint"], abs=1e-9
    )


def test_a_gap_that_stays_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    y, teacher, student = nearly_the_same_codes()
    monkeypatch.setattr(atoms, "solve_joints", lambda joints: (np.ones((len(joints), 7)), np.array([0.0, 0.02])))
    found = measure_pair(y, teacher, student, n_null=1, generator=np.random.default_rng(0))
    assert (found["gap"], found["null_gap"]) == (0.0, 0.02)
    assert "an atom or its null is certified no closer than 2.0e-02 bits" in found["warnings"]
