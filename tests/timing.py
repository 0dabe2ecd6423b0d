"""Times that a busy machine does not lengthen: the least of several runs that take turns, on one thread."""

import time
from collections.abc import Callable, Mapping

from threadpoolctl import threadpool_limits


def least_cpu_seconds(runs: Mapping[str, Callable[[], object]], *, rounds: int = 4) -> dict[str, float]:
    """Return the least CPU time of each function, each called once a round, after one call that may compile.

    CPU time counts every thread of the process, and threads of BLAS that wait for each other spin: there is one.
    """
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    with threadpool_limits(limits=1):
        for run in runs.values():
            run()
        for _ in range(rounds):
            for name, run in runs.items():
                began = time.process_time()
                run()
                seconds[name].append(time.process_time() - began)
    return {name: min(each) for name, each in seconds.items()}
