"""What options are refused, and what a resumed run must share."""

import json
from typing import Any

import pytest

from pidkit import InputError
from pidkit.distill import Cosine, Milestones, Phase, TrainerOptions


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "epochs must be a whole number >= 1, not 0"),
        ({"batch_size": 2.0}, "batch_size must be a whole number >= 1"),
        ({"accumulate": True}, "accumulate must be a whole number >= 1"),
        ({"rng": -1}, r"rng must be a whole number from 0 to 2\*\*32 - 1"),
        ({"workers": -1}, "workers must be a whole number >= 0"),
        ({"optimiser": "lion"}, "optimiser must be one of 'sgd', 'adam', 'adamw', not 'lion'"),
        ({"precision": "half"}, "precision must be one of 'float32', 'bfloat16', 'float16'"),
        ({"keep": "best"}, "keep must be 'last' or 'best-validation'"),
        ({"learning_rate": float("nan")}, "learning_rate must be a finite number >= 0"),
        ({"weight_decay": -1}, "weight_decay must be a finite number >= 0"),
        (
            {"learning_rates": {"teacher": 0.1}},
            "learning_rates holds 'teacher', which is no group; the groups are 'student'",
        ),
        ({"learning_rates": {"sigma": "fast"}}, r"learning_rates\['sigma'\] must be a finite number"),
        ({"weight_decays": {"head": 0.1}}, "weight_decays holds 'head', which is no group"),
        ({"momentum": 1.0}, r"momentum must be a number in \[0, 1\)"),
        ({"clip_norm": 0.0}, "clip_norm must be a number > 0, not 0.0; None does not clip"),
        ({"schedule": 0.1}, "schedule must be Constant, Milestones, Linear or Cosine, or map a Phase to one"),
        ({"schedule": {"student": Cosine(length=3)}}, "schedule must be Constant"),
    ],
)
def test_bad_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        TrainerOptions(**options)


def test_groups_have_their_own_or_the_common_value() -> None:
    options = TrainerOptions(learning_rate=0.1, learning_rates={"sigma": 0.01}, weight_decays={"sigma": 0.0})
    assert (options.learning_rate_of("sigma"), options.learning_rate_of("student")) == (0.01, 0.1)
    assert (options.weight_decay_of("sigma"), options.weight_decay_of("student")) == (0.0, 5e-4)


def test_phases_have_their_own_or_the_common_schedule() -> None:
    drop = Milestones(epochs=(5,))
    assert set(TrainerOptions(schedule=drop).schedules.values()) == {drop}
    own = TrainerOptions(schedule={Phase.STUDENT: drop}).schedules
    assert own[Phase.STUDENT] is drop
    assert own[Phase.WARM_UP].factor(100) == 1.0


def test_settings_are_plain_and_leave_out_what_may_change() -> None:
    first = TrainerOptions(epochs=3, workers=1, progress=True, learning_rates={"sigma": 0.1}).settings()
    assert first == json.loads(json.dumps(first))
    assert first == TrainerOptions(epochs=9, learning_rates={"sigma": 0.1}).settings()
    assert first != TrainerOptions(epochs=3, learning_rates={"sigma": 0.2}).settings()
