"""Seeds and Generators."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pidkit.arguments import check_seed, generator, integer_seed, seed_name
from pidkit.errors import InputError


def test_seeds_repeat_and_generators_move_on() -> None:
    draws = np.random.default_rng(5)
    assert generator(draws) is draws
    assert generator(5).random() == generator(np.int64(5)).random() == draws.random()
    first, second = integer_seed(draws), integer_seed(draws)
    assert first != second
    assert 0 <= first < 2**32
    assert integer_seed(np.uint8(7)) == 7
    assert (seed_name(np.int64(7)), seed_name(draws)) == (7, "generator")


@pytest.mark.parametrize("rng", [None, -1, 2**32, 1.0, "1", True, np.random.RandomState(0)])
def test_what_seeds_nothing_is_refused(rng: Any) -> None:
    for check in (generator, integer_seed, seed_name):
        with pytest.raises(
            InputError, match=r"^rng must be a whole number from 0 to 2\*\*32 - 1 or a numpy.random.Gen"
        ):
            check(rng)


def test_a_long_seed_has_a_remedy() -> None:
    with pytest.raises(InputError, match=r"; wrap a longer seed in numpy\.random\.default_rng$"):
        generator(2**128)


@pytest.mark.parametrize("value", [None, -1, 2**32, 1.0, np.random.default_rng(0)])
def test_a_random_state_is_an_integer(value: Any) -> None:
    assert check_seed(np.int64(3)) == 3
    with pytest.raises(InputError, match=r"^random_state must be a whole number from 0 to 2\*\*32 - 1, not "):
        check_seed(value)
