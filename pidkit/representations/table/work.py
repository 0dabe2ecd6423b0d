"""The two kinds of tasks of a table: read a layer, and solve a pair of layers that were read. Both fill the store."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from joblib import Parallel, delayed
from joblib.parallel import get_active_backend
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from pidkit.array_likes import plain_array
from pidkit.arrays.checksums import digest_of
from pidkit.errors import InputError, PidkitWarning
from pidkit.mi.nulls import SHOW_PROGRESS_AFTER
from pidkit.provenance import recorded_versions
from pidkit.quantise.pieces import needs_pieces
from pidkit.representations.coded import coded_pid
from pidkit.representations.coded_layer import code_once
from pidkit.representations.coding import Quantiser
from pidkit.representations.decoded_pid import decoded_pid
from pidkit.representations.layer_reading import Rows, read_layer_once, readings_of
from pidkit.representations.sequences import read_tokens
from pidkit.representations.table.loaded import loaded
from pidkit.representations.table.records import (
    codes_of_entry,
    entry_of_codes,
    entry_of_reading,
    entry_of_result,
    reading_of_entry,
)
from pidkit.representations.table.sources import NamedLayer, NamedPair
from pidkit.representations.table.store import LAYOUT, Entry, Store
from pidkit.types import AnyArray, Unit

Item = TypeVar("Item")
Made = TypeVar("Made")

BOTH_SIDES = ("x1", "x2")
"""The names of the two layers of a pair."""


@dataclass(frozen=True)
class Plan:
    """Everything that the numbers of a table depend on beside its layers.

    Attributes
    ----------
    rows : Rows
        The labels, and how layers are decoded.
    quantisers : dict of str to Quantiser, or None
        Of "x1" and "x2", where layers are coded without the labels instead.
    synergy : bool
    n_null, n_bootstrap : int
    unit : str
    run : str
        Names the call that the plan is of, for which each process keeps what it loaded; "" keeps nothing.
    """

    rows: Rows
    quantisers: Mapping[str, Quantiser] | None = None
    synergy: bool = False
    n_null: int = 0
    n_bootstrap: int = 0
    unit: Unit = "bits"
    run: str = ""

    def layer_digest(self, layer: NamedLayer, array: AnyArray) -> str:
        """Return the digest of a layer's content, `array`, and of how it is read; it passes over the layer once."""
        how: dict[str, Any] = {"layout": LAYOUT, "versions": recorded_versions()}
        if self.quantisers is None:
            how |= self.rows.described()
        else:
            quantiser = self.quantisers[layer.side]
            parameters = {name: value for name, value in quantiser.get_params().items() if name != "memory"}
            how |= {"quantiser": f"{type(quantiser).__name__}{sorted(parameters.items())}"}
        if needs_pieces(array, self.rows.memory):
            how["memory"] = self.rows.memory
        return digest_of({**how, "layer": array})

    def pair_digest(self, digests: tuple[str, str]) -> str:
        """Return the digest of a pair of layers that were read."""
        how = {
            "layout": LAYOUT,
            "layers": digests,
            "labels": digest_of(self.rows.y),
            "rng": self.rows.seed,
            "synergy": self.synergy,
            "n_null": self.n_null,
            "n_bootstrap": self.n_bootstrap,
            "unit": self.unit,
        }
        return digest_of(how)


def read_one(store: Store, plan: Plan, layer: NamedLayer, *, wait: bool) -> str | None:
    """Read one layer unless it was read before; return its digest, or None while another process reads it."""
    array = plain_array(loaded(layer, plan.run), layer.called)
    digest = plan.layer_digest(layer, array)

    def how() -> Entry:
        try:
            if plan.quantisers is None:
                return entry_of_reading(read_layer_once(array, plan.rows, layer.called))
            return entry_of_codes(code_once(array, plan.quantisers[layer.side], plan.rows.memory))
        except InputError as error:
            said = str(error)
            raise InputError(said if said.startswith(layer.called) else f"{layer.called}: {said}") from error

    with threadpool_limits(1):
        return digest if store.make("layers", digest, how, wait=wait) else None


def solve_one(store: Store, plan: Plan, item: tuple[NamedPair, tuple[str, str]], *, wait: bool) -> str | None:
    """Solve one pair unless it was solved before; return its digest, or None while another process solves it."""
    pair, digests = item
    digest = plan.pair_digest(digests)

    def how() -> Entry:
        solve = _decoded if plan.quantisers is None else _coded
        return solve(store, plan, pair, digests)

    with threadpool_limits(1):
        return digest if store.make("pairs", digest, how, wait=wait) else None


def _load(store: Store, digest: str) -> Entry:
    """Return the entry of a layer that was read a moment ago."""
    entry = store.load("layers", digest)
    if entry is None:
        raise InputError(f"path must not be changed while a table is made: {store.folder} lost a layer; call again")
    return entry


def _decoded(store: Store, plan: Plan, pair: NamedPair, digests: tuple[str, str]) -> Entry:
    """Solve a pair of decoded layers, as `representation_pid` does."""
    readings = {name: reading_of_entry(_load(store, digest)) for name, digest in zip(BOTH_SIDES, digests, strict=True)}
    lengths = [len(one.whole.posteriors) for one in readings.values()]
    if lengths[0] != lengths[1]:
        raise InputError(
            f"{pair.x1.called} and {pair.x2.called} must have sequences of one length to be read token by token; take "
            "sequences='mean'"
        )
    rows = plan.rows
    y, groups = rows.as_read(lengths[0] // rows.y.size)
    layers = (
        {name: loaded(one, plan.run) for name, one in zip(BOTH_SIDES, (pair.x1, pair.x2), strict=True)}
        if plan.synergy
        else {}
    )
    if plan.synergy and rows.sequences == "tokens":
        layers, _, _ = read_tokens(layers, rows.y, rows.groups)
    result = decoded_pid(
        layers,
        y,
        decoder=rows.decoder,
        n_codes=rows.n_codes,
        n_folds=rows.n_folds,
        groups=groups,
        n_bootstrap=plan.n_bootstrap,
        n_null=plan.n_null,
        unit=plan.unit,
        rng=np.random.default_rng(rows.seed),
        synergy=plan.synergy,
        known=readings_of(readings),
        memory=rows.memory,
        provenance={"sequences": rows.sequences, "memory": rows.memory, "rng": rows.seed},
    )
    return entry_of_result(result, result.warnings)


def _coded(store: Store, plan: Plan, pair: NamedPair, digests: tuple[str, str]) -> Entry:
    """Solve a pair of layers that were coded without the labels, as `coded_pid` does."""
    first, second = (codes_of_entry(_load(store, digest)) for digest in digests)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", PidkitWarning)
        result = coded_pid(
            labels=plan.rows.y,
            x1=first,
            x2=second,
            n_bootstrap=plan.n_bootstrap,
            n_null=plan.n_null,
            unit=plan.unit,
            rng=plan.rows.seed,
        )
    return entry_of_result(result, tuple(str(one.message) for one in caught))


def each(
    task: Callable[..., Made | None],
    store: Store,
    plan: Plan,
    items: Sequence[Item],
    *,
    n_jobs: int | None,
    what: str,
) -> list[Made]:
    """Run a task for every item in as many processes as `n_jobs`, and return the outcomes in the items' order.

    What other processes are making is left for the end, and then waited for.
    """
    outcomes: dict[int, Made] = {}
    # Sums in one order, however many tasks run at once. Each task limits its own process too; of those that are threads
    # of this one, none may be the last to restore the limit that another one set.
    with threadpool_limits(1), tqdm(total=len(items), desc=what, delay=SHOW_PROGRESS_AFTER, leave=False) as bar:
        for wait in (False, True):
            left = [number for number in range(len(items)) if number not in outcomes]
            if not left:
                break
            run = Parallel(n_jobs=n_jobs, return_as=_order_of_outcomes())
            for number, outcome in run(delayed(_numbered)(task, store, plan, k, items[k], wait) for k in left):
                if outcome is not None:
                    outcomes[number] = outcome
                    bar.update()
    return [outcomes[number] for number in range(len(items))]


def _order_of_outcomes() -> str:
    """Return how joblib gives outcomes: each as soon as there is one, or, where its backend cannot, all at the end."""
    backend, _ = get_active_backend()
    return "generator_unordered" if getattr(backend, "supports_return_generator", True) else "list"


def _numbered(
    task: Callable[..., Made],
    store: Store,
    plan: Plan,
    number: int,
    item: Any,
    wait: bool,  # noqa: FBT001
) -> tuple[int, Made]:
    """Return the outcome of a task beside its number."""
    return number, task(store, plan, item, wait=wait)
