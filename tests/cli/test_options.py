"""The help of every command says what happens without an option."""

import argparse
from typing import Any

import pytest

from pidkit.cli import _parser


def commands() -> dict[str, Any]:
    (choices,) = (action.choices for action in _parser()._actions if isinstance(action, argparse._SubParsersAction))
    return dict(choices)


@pytest.mark.parametrize("name", ["atoms", "map", "gates", "info"])
def test_every_option_that_takes_a_value_says_its_default(name: str) -> None:
    command = commands()[name]
    formatter = command._get_formatter()
    silent = []
    for action in command._actions:
        takes_a_value = action.option_strings and action.nargs != 0 and not action.required
        if takes_a_value and "default: " not in formatter._expand_help(action):
            silent.append(action.option_strings[0])
    # A key is needed where a file holds several arrays, and without these nothing is written.
    assert not set(silent) - {"--labels-key", "--x1-key", "--x2-key", "--json", "--plot"}


def test_zero_is_a_default_too() -> None:
    assert "replicates of the nulls (default: 0)" in " ".join(commands()["map"].format_help().split())
