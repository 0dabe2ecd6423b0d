"""What every test and doctest shares: hypothesis profiles, one thread a process, a skip where an extra is missing."""

import os
import sys
import traceback
from collections.abc import Generator
from importlib.util import find_spec

# Before numpy and torch are imported: test processes run side by side, and threads of small matrix products that wait
# for each other are many times slower than one thread.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import HealthCheck, settings

# "fixed" draws the same examples in every run; "search" draws new ones, and is for looking for faults.
settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.register_profile("fixed", parent=settings.get_profile("search"), derandomize=True)
settings.load_profile(os.environ.get("PIDKIT_HYPOTHESIS", "fixed"))

collect_ignore = [] if find_spec("dit") else ["pidkit/interop.py"]
"""The doctests that call dit, which their module imports only when it is asked to."""

EXTRAS = {"torch": "torch", "safetensors": "torch", "dit": "dit"}
"""The extra of pidkit that installs each optional package."""


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Skip a test module, or the doctests of a module, whose import needs an extra that is not installed.

    A test module imports torch, safetensors or dit as if they were always there. Any other failing import stays an
    error; that pidkit imports torch only where it may is what `lint-imports` checks.
    """
    report = yield
    error = report.call.excinfo.value if report.failed else None
    while error is not None:
        missing = error.name.split(".")[0] if isinstance(error, ModuleNotFoundError) and error.name else ""
        if missing in EXTRAS:
            reason = f"Skipped: {missing} is missing: pip install pidkit[{EXTRAS[missing]}]"
            report.outcome, report.longrepr = "skipped", (str(collector.path), 0, reason)
            forget_half_imported(error)
            break
        error = error.__cause__
    return report


def forget_half_imported(error: BaseException) -> None:
    """Remove the modules in whose top level an error was raised from `sys.modules`, where pytest's import leaves them.

    Otherwise the next module that imports a name from one of them fails on the name, and not on the missing package.
    """
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    files = {frame.f_code.co_filename for frame in frames if frame.f_code.co_name == "<module>"}
    for name, module in list(sys.modules.items()):
        if getattr(module, "__file__", None) in files:
            del sys.modules[name]
