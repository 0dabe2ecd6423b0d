"""`import pidkit` is light, and its table of contents is true."""

import json
import subprocess
import sys

import pytest

import pidkit

HEAVY = {"torch", "matplotlib", "cvxpy", "dit", "numba", "sklearn"}
LOADED = """
import json, sys, time
began = time.process_time()
import pidkit
print(json.dumps([time.process_time() - began, sorted({name.split(".")[0] for name in sys.modules})]))
"""


def fresh_imports(n: int) -> list[tuple[float, list[str]]]:
    """Import pidkit in n fresh interpreters: the CPU seconds and the top-level modules of each."""
    runs = [
        subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True) for _ in range(n)
    ]
    return [json.loads(run.stdout) for run in runs]


def test_import_is_light() -> None:
    runs = fresh_imports(5)
    assert min(seconds for seconds, _ in runs) < 0.1  # .01 s measured: not even numpy is loaded
    assert not HEAVY & set(runs[0][1])


def test_every_public_name_resolves_and_is_listed() -> None:
    pytest.importorskip("torch")  # InformationPlane is built on it
    listed = dir(pidkit)
    assert len(set(pidkit.__all__)) == len(pidkit.__all__)
    for name in pidkit.__all__:
        assert getattr(pidkit, name) is not None
        assert name in listed


def test_public_functions_and_classes_say_what_they_do() -> None:
    pytest.importorskip("torch")
    for name in set(pidkit.__all__) - {"__version__", "GATES", "AXIS_ORDERS"}:
        assert getattr(pidkit, name).__doc__.strip(), name


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"^module 'pidkit' has no attribute 'bivariate_pdi'$"):
        _ = pidkit.bivariate_pdi
