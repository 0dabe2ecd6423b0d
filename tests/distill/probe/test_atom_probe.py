"""AtomProbe: it leaves no trace, keeps its schedule, resumes, and refuses what it cannot use."""

# ruff: noqa: NPY002  (the global numpy generator is what must be left as found)

import copy
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from pidkit import InputError
from pidkit.distill import RID, AtomProbe, CrossEntropy, Networks, Phase, Phases, SeveralTeachers, WeightedSum, tap
from pidkit.records import AtomRecords
from tests.distill.probe.known_students import CODES, image_run, picking


def test_several_teachers_and_chosen_pairs() -> None:
    networks, x, y = image_run(("a", "b"))
    with AtomProbe(networks, sample=(x, y), pairs={"b": [("0", "2")]}, quantiser=CODES, n_null=0) as tracked:
        records = tracked.step(0)
    assert [record.key[1:] for record in records] == [
        ("a", "(logits)", "(logits)"),
        ("b", "0", "2"),
        ("b", "(logits)", "(logits)"),
    ]
    assert records[0].null is None
    assert records[0].null_gap is None


def train(
    *, probed: bool, between: bool = False, failing: bool = False, autocast: bool = False
) -> tuple[list[torch.Tensor], list[torch.Tensor | None], tuple[Any, ...]]:
    """Train a few epochs of RID, probed or not, and return everything that training changes."""
    torch.manual_seed(1)
    np.random.seed(2)
    random.seed(3)
    networks, x, y = image_run()
    objective = WeightedSum({"labels": CrossEntropy(), "rid": RID(networks.pairs, n_classes=3, sigma="closed-form")})
    phases = Phases(warm_up=1, cycle=2, teacher_share=0.5)
    optimiser = torch.optim.SGD([*networks.student.parameters(), *objective.parameters()], lr=0.05, momentum=0.9)
    tracked = AtomProbe(networks, sample=(x, y), objective=objective, quantiser=CODES, n_null=2, batch_size=20)

    def probe(epoch: int) -> None:
        if failing:
            hook = networks.student[4].register_forward_hook(fail)
            with pytest.raises(RuntimeError, match="half way"):
                tracked.step(epoch)
            hook.remove()
        elif probed:
            tracked.step(epoch)

    for epoch in range(4):
        networks.train()
        for start in range(0, 48, 16):
            optimiser.zero_grad()
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
                loss = objective(
                    networks(x[start : start + 16], phases.at(epoch)), y[start : start + 16], phases.at(epoch)
                )
                if between:
                    probe(3 * epoch + start // 16)
            loss.backward()
            optimiser.step()
        if not between:
            probe(3 * epoch)
        _ = np.random.random(), random.random()
    state = [*networks.state_dict().values(), *objective.state_dict().values(), torch.get_rng_state()]
    grads = [parameter.grad for parameter in networks.student.parameters()]
    modes = [module.training for module in networks.modules()]
    return state, grads, (modes, random.getstate(), np.random.get_state()[1].tolist(), torch.get_default_dtype())


def fail(*_: object) -> None:
    raise RuntimeError("half way")


NO, YES = False, True

BETWEEN_FAILING_AUTOCAST = ((NO, NO, NO), (YES, NO, NO), (YES, YES, NO), (NO, YES, NO), (YES, NO, YES))


@pytest.mark.usefixtures("kept_rng")
@pytest.mark.parametrize(
    "how",
    [{"probed": True, "between": b, "failing": f, "autocast": a} for b, f, a in BETWEEN_FAILING_AUTOCAST],
)
def test_training_with_an_atom_probe_is_bit_identical_to_training_without(how: Any) -> None:
    plain, probed = train(probed=False, autocast=how["autocast"]), train(**how)
    assert plain[2] == probed[2]
    for a, b in zip([*plain[0], *plain[1]], [*probed[0], *probed[1]], strict=True):
        if a is None or b is None:
            assert a is b
        else:
            assert torch.equal(a, b)


def test_hooks_and_autocast_are_as_found_and_results_do_not_depend_on_them() -> None:
    networks, x, y = image_run()
    tracked = AtomProbe(networks, sample=(x, y), quantiser=CODES, n_null=0)
    before = [len(module._forward_hooks) for module in networks.modules()]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        (first, _) = tracked.step(0)
        assert torch.is_autocast_enabled("cpu")
    (second, _) = tracked.step(1)
    assert first.redundancy == second.redundancy
    assert before == [len(module._forward_hooks) for module in networks.modules()]


def test_filters_of_rid_are_found_and_measured() -> None:
    networks, x, y = image_run()
    rid = RID(networks.pairs, n_classes=3)
    objective = WeightedSum({"labels": CrossEntropy(), "more": WeightedSum({"rid": rid})})
    with AtomProbe(networks, sample=(x, y), objective=objective, quantiser=CODES, n_null=3) as tracked:
        layer, logits = tracked.step(0)
    with torch.no_grad():
        networks.eval()
        (filtered,) = rid.filtered(networks(x, Phase.STUDENT))
    held = layer.assumption
    assert logits.assumption is None
    assert 0 <= held.value <= held.cap + 1e-12
    assert held.teacher_std == pytest.approx(filtered.teacher_std, rel=1e-5)
    assert held.sigma == pytest.approx(filtered.sigma.tolist())
    row = tracked.table()[0]
    assert row["I(eps;Y|f_s)"] == held.value
    assert row["I(eps;Y|f_s) null"] == held.null.mean
    assert "std f_t" in repr(tracked)


def test_the_schedule_is_kept_and_phases_recorded() -> None:
    networks, x, y = image_run()
    options: dict[str, Any] = {"sample": (x, y), "quantiser": CODES, "n_null": 0, "logits": False}
    phases = Phases(warm_up=2, cycle=2, teacher_share=0.5)
    every = AtomProbe(networks, schedule=2, phases=phases, **options)
    some = AtomProbe(networks, schedule=[1, 3], **options)
    for epoch in range(5):
        every(epoch)
        some(epoch)
    assert every.records.epochs == (0, 2, 4)
    assert some.records.epochs == (1, 3)
    assert every.step(2) == every.records.select(epoch=2).records
    assert every.step(3) == ()
    assert every.records.phases == ((0, 2, "warm-up"), (2, 3, "teacher-filter"), (3, 4, "student"))
    assert every.seconds > 0


def test_a_run_is_resumed_from_its_file(tmp_path: Path) -> None:
    networks, x, y = image_run()
    objective = RID(networks.pairs, n_classes=3)
    options: dict[str, Any] = {
        "sample": (x, y),
        "quantiser": CODES,
        "n_null": 2,
        "objective": objective,
        "phases": Phases(),
    }
    whole = AtomProbe(networks, **options)
    for epoch in range(3):
        whole(epoch)
    path = tmp_path / "atoms.json"
    AtomProbe(networks, path=path, **options).step(0)
    again = AtomProbe(networks, path=path, resume=True, **options)
    assert again.records.epochs == (0,)
    for epoch in range(3):
        again(epoch)
    assert again.records.records == whole.records.records
    assert AtomRecords.load(path) == again.records
    with pytest.raises(InputError, match="exists already; pass resume=True"):
        AtomProbe(networks, path=path, **options)
    with pytest.raises(InputError, match="other settings: n_null was 2 and is 3"):
        AtomProbe(networks, path=path, resume=True, **{**options, "n_null": 3})
    other: Any = copy.deepcopy(networks.teachers["teacher"].model)
    with torch.no_grad():
        other[0].weight.add_(1e-3)
    changed = tap(teacher=other, student=networks.student, layers="0", example=x[:2])
    with pytest.raises(InputError, match=r"other settings: teachers\.teacher was"):
        AtomProbe(changed, path=path, resume=True, **options)
    with pytest.raises(InputError, match="resume=True needs a path"):
        AtomProbe(networks, resume=True, **options)


def test_a_failed_step_records_nothing(tmp_path: Path) -> None:
    networks, x, y = image_run()
    path = tmp_path / "atoms.json"
    tracked = AtomProbe(networks, sample=(x, y), quantiser=CODES, n_null=0, path=path)
    tracked.step(0)
    with torch.no_grad():
        networks.student[0].weight.fill_(float("nan"))
    with pytest.raises(InputError, match=r"student: '0' at epoch 1 puts out NaN or infinity .* diverged"):
        tracked.step(1)
    assert tracked.records.epochs == (0,)
    assert AtomRecords.load(path).epochs == (0,)


def test_what_cannot_be_used_is_refused() -> None:
    networks, x, y = image_run()
    two, *_ = image_run(("a", "b"))
    rid = RID(networks.pairs, n_classes=3)

    def refused(message: str, nets: Networks = networks, **options: Any) -> None:
        with pytest.raises(InputError, match=message):
            AtomProbe(nets, **{"sample": (x, y), **options})

    refused("n_null must be a whole number >= 0, not -1", n_null=-1)
    refused("rng must be a whole number from 0", rng=True)
    refused("batch_size", batch_size=0)
    refused("schedule must be a whole number >= 1", schedule=0)
    refused("schedule must be a whole number >= 1", schedule="often")
    refused("sample must be a tuple", sample=x)
    refused("one class only", sample=(x, torch.zeros(48)))
    refused("pairs names teachers", pairs={"tutor": [("0", "0")]})
    refused("pairs must be tuples", pairs=[("0", "0", "0")])
    refused("layers", pairs=[("0", "nowhere")])
    refused("there is nothing to measure", pairs=[], logits=False)
    refused(r"fit_fraction must be a number in \(0, 1\)", fit_fraction=2.0)
    refused("quantiser must", quantiser=3)
    refused("objective names teacher 'tutor'", objective={"tutor": rid})
    refused("filters of one of several teachers; pass", nets=two, objective=rid)
    refused("hides filters inside a Sequential, at '0'", objective=nn.Sequential(rid))
    tracked = AtomProbe(networks, sample=(x, y), quantiser=CODES)
    for epoch in (float("nan"), -1):
        with pytest.raises(InputError, match="epoch must be a finite number >= 0"):
            tracked.step(epoch)
    with tracked:
        pass
    with pytest.raises(InputError, match="whose with block has ended"):
        tracked.step(0)


def test_several_teachers_have_an_objective_each() -> None:
    networks, x, y = image_run(("a", "b"))
    rid = RID(networks.pairs_of("b"), n_classes=3)
    several = WeightedSum({"all": SeveralTeachers({"a": CrossEntropy(), "b": rid})})
    for objective in ({"b": rid}, several):
        tracked = AtomProbe(networks, sample=(x, y), objective=objective, quantiser=CODES, logits=False, n_null=1)
        a, b = tracked.step(0)
        assert a.assumption is None
        assert b.assumption is not None


def test_records_are_read_without_torch(tmp_path: Path) -> None:
    networks, probe = picking([0], [1])
    path = tmp_path / "atoms.json"
    AtomProbe(networks, sample=probe, quantiser=CODES, path=path).step(0)
    assert json.loads(path.read_text())["unit"] == "bits"
    code = (
        "import sys; from pidkit.plot import atoms_over_epochs; from pidkit.records import AtomRecords; "
        f"atoms_over_epochs(AtomRecords.load({str(path)!r})); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
