import math
from typing import Any

import pytest

from pidkit.errors import InputError
from pidkit.units import NATS_PER_UNIT, check_unit, convert, from_nats


def test_a_bit_is_ln_2_nats() -> None:
    assert {"bits": math.log(2.0), "nats": 1.0} == NATS_PER_UNIT
    assert from_nats(math.log(2.0), "bits") == 1.0
    assert from_nats(0.3, "nats") == 0.3
    assert convert(1.0, old="bits", new="nats") == math.log(2.0)
    assert convert(math.log(2.0), old="nats", new="bits") == 1.0


@pytest.mark.parametrize("unit", ["bits", "nats"])
def test_the_same_unit_changes_nothing_at_all(unit: str) -> None:
    assert check_unit(unit) == unit
    assert convert(0.1, old=unit, new=unit) == 0.1


@pytest.mark.parametrize("unit", ["bit", "", "BITS", None, 2, ["bits"]])
def test_other_units_are_refused(unit: Any) -> None:
    message = r"^unit must be 'bits' or 'nats', not "
    with pytest.raises(InputError, match=message):
        check_unit(unit)
    with pytest.raises(InputError, match=message):
        from_nats(1.0, unit)
    with pytest.raises(InputError, match=message):
        convert(1.0, old=unit, new="bits")
    with pytest.raises(InputError, match=message):
        convert(1.0, old="bits", new=unit)
