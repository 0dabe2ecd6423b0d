"""Many small runs: one result file each, written when it is finished, so that a stopped program can go on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from joblib import Parallel, delayed
from tqdm import tqdm

from pidkit.arrays import write_atomic

Result = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """A student: its teacher, how it learns from it, the weight lambda of that, and the seed.

    `changed` are settings that this one has otherwise, by name.
    """

    teacher: str
    method: str
    weight: float
    seed: int
    probed: bool = False
    changed: tuple[tuple[str, Any], ...] = ()

    @property
    def name(self) -> str:
        ends = [*(["probed"] if self.probed else []), *(f"{name}={value}" for name, value in self.changed)]
        whole = "_".join([self.teacher, self.method, f"{self.weight:g}", str(self.seed), *ends])
        return whole.replace("+", "_").replace(" ", "")


def check_settings(folder: Path, settings: Any, *, choices: Sequence[str]) -> None:
    """Note what the folder's runs are made with; refuse a folder whose runs were made with something else.

    `choices` are the settings that say which runs there are, and not how each is made: those may change.
    """
    (folder / "runs").mkdir(parents=True, exist_ok=True)
    path = folder / "settings.json"
    own = json.dumps({name: value for name, value in asdict(settings).items() if name not in choices}, indent=1)
    if path.exists() and path.read_text() != own:
        raise SystemExit(f"{path} holds other settings than these; give another --out, or remove that folder")
    write_atomic(path, own)


def finish_all(
    runs: Iterable[Any],
    do: Callable[[Any, Any, Path], Result],
    settings: Any,
    folder: Path,
    *,
    jobs: int,
    what: str,
    threads: int | None = None,
) -> dict[Any, Result]:
    """Return the result of every run, `do(run, settings, folder)`; those of `folder` that are finished are read.

    The order in which runs finish changes nothing: each has its own seed. `threads` is what torch may use in each
    process.
    """
    wanted = list(dict.fromkeys(runs))
    results = {run: json.loads(path.read_text()) for run in wanted if (path := _path(folder, run)).exists()}
    waiting = [run for run in wanted if run not in results]
    finished = Parallel(n_jobs=min(jobs, max(1, len(waiting))), return_as="generator_unordered")(
        delayed(_finish)(run, do, settings, folder, threads) for run in waiting
    )
    with tqdm(total=len(wanted), initial=len(results), desc=what, unit="run") as bar:
        for run, result in finished:
            results[run] = result
            bar.update()
    return {run: results[run] for run in wanted}


def _finish(
    run: Any, do: Callable[[Any, Any, Path], Result], settings: Any, folder: Path, threads: int | None
) -> tuple[Any, Result]:
    if threads is not None:
        torch.set_num_threads(threads)
    before = time.process_time()
    result = do(run, settings, folder)
    result["cpu_seconds"] = round(time.process_time() - before, 1)
    # Through JSON and back, so that a fresh result and one that is read are the same.
    text = json.dumps(result, indent=1)
    write_atomic(_path(folder, run), text)
    return run, json.loads(text)


def _path(folder: Path, run: Any) -> Path:
    return folder / "runs" / f"{run.name}.json"
