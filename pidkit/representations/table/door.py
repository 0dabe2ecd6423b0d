"""`pid_table`: many layers against many layers, each read once, every pair solved, all of it kept on disk."""

from __future__ import annotations

import itertools
import os
import tempfile
import uuid
from collections.abc import Callable, Hashable, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from pidkit.arguments import Memory, Rng, flag, one_of, seed_name, whole_number
from pidkit.errors import InputError, takes_memory, warn
from pidkit.provenance import recorded_versions
from pidkit.representations.coding import Quantiser, copy_quantisers, refuse_for_decoders
from pidkit.representations.decoder_kinds import Decoder
from pidkit.representations.layer_reading import Rows, describe_decoder
from pidkit.representations.paired import paired_differences
from pidkit.representations.reading import splits_and_folds
from pidkit.representations.result import RepresentationPID
from pidkit.representations.sequences import Sequences
from pidkit.representations.table.loaded import forget
from pidkit.representations.table.records import result_of_entry
from pidkit.representations.table.result import PIDTable, TableDifference, TablePair
from pidkit.representations.table.sources import NamedPair, Source, pair_layers, read_index, read_side
from pidkit.representations.table.store import Entry, Store
from pidkit.representations.table.work import BOTH_SIDES, Plan, each, read_one, solve_one
from pidkit.types import Unit
from pidkit.units import check_unit

Key = TypeVar("Key")


@takes_memory
def pid_table(
    *,
    labels: npt.ArrayLike | Iterable[Hashable],
    x1: Mapping[Any, Source],
    x2: Mapping[Any, Source],
    index: str | Iterable[str] = (),
    compare: str | None = None,
    path: str | os.PathLike[str] | None = None,
    n_jobs: int | None = None,
    decoder: Decoder = "linear",
    n_codes: int | None = None,
    quantiser: Quantiser | tuple[Quantiser | None, Quantiser | None] | None = None,
    folds: int | None = None,
    groups: npt.ArrayLike | Iterable[Hashable] | None = None,
    sequences: Sequences = "mean",
    synergy: bool = False,
    n_bootstrap: int = 0,
    n_null: int = 0,
    memory: Memory = "1 GiB",
    unit: Unit = "bits",
    rng: Rng = 0,
) -> PIDTable:
    """Decompose every layer of x1 against every layer of x2, reading each layer once.

    The results are those of a loop of `representation_pid` with the same arguments, at a fraction of its time: each
    layer is decoded once, not once for every pair. What was read and solved lies in the folder `path`; the same call
    again computes only what is missing there, whatever stopped the last one, and gives the same bytes.

    Parameters
    ----------
    labels : array_like or iterable of hashables, length n
        The target Y, one label a row, the same for all layers.
    x1, x2 : mapping
        Layers by name. A layer is an array, the path of a file of arrays, or (path, key) where the file holds several;
        files are mapped into memory where their format allows. With `index` a key may be a tuple of the name and a
        value for each index, such as ("conv1", 10): layers are paired where these values agree, and a layer without any
        is paired with all.
    index : str or sequence of str
        What those values are, such as "epoch", or ("student", "epoch").
    compare : str, optional
        One of `index`: any two of its values, such as two students, are compared row by row (`paired_differences`).
    path : path, optional
        The folder to keep layers and pairs in, which several tables and processes may share. None: a temporary one.
    n_jobs : int, optional
        Processes, as joblib counts them: -1 is all cores; None is 1, or what `joblib.parallel_config` says, whose
        backends may reach other computers. The numbers depend on neither.
    decoder, n_codes, folds, groups, sequences
        As in `representation_pid`.
    quantiser : transformer or pair of transformers, optional
        Codes without labels in place of decoders: the results are then those of `coded_pid`, with its defaults.
    synergy : bool
        Whether to decode both layers of every pair together, which takes longer than all the rest. False: the synergy
        and I(Y;X1,X2) are NaN, and the table says so.
    memory
        As in `representation_pid`, for each process.
    n_bootstrap, n_null, unit
        As in `representation_pid`. The same rows are resampled in all pairs.
    rng : int or numpy.random.Generator
        Seeds everything, alike for every pair. A Generator gives its next seed.

    Returns
    -------
    PIDTable

    Warns
    -----
    PidkitWarning
        If results have warnings: how many pairs, and an example. `PIDTable.warnings` has all. If a file in `path` is
        damaged: it is made again.

    Raises
    ------
    InputError
        As `representation_pid`, and if there is no pair, a key or a file cannot be read, or `path` is no folder that
        can be written. The message names the layer.

    Notes
    -----
    Files are named by a digest of the layer's content, the labels, the groups, the decoder, the folds, the seed and the
    versions of the packages involved, so that a change of any is noticed. Taking the digest reads every layer once in
    each call. A decoder object counts by its class and parameters.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(400) % 2
    >>> teacher = {"fc": labels[:, None] + 0.3 * rng.normal(size=(400, 2))}
    >>> student = {("fc", epoch): labels[:, None] + rng.normal(size=(400, 2)) / epoch for epoch in (1, 4)}
    >>> table = pid_table(labels=labels, x1=teacher, x2=student, index="epoch", compare="epoch")
    >>> [row["epoch"] for row in table.rows() if row["atom"] == "redundancy"]
    [1, 4]
    >>> (change,) = table.differences
    >>> change.of, change.less, bool(change.result.interval["redundancy"][0] > 0.0)
    (4, 1, True)
    """
    check_unit(unit)
    names = read_index(index)
    compare = None if compare is None else one_of("compare", compare, names, remedy="compare values of an index")
    if compare is not None and quantiser is not None:
        raise InputError("compare is for decoded layers; codes of a quantiser have no scores of rows")
    jobs = None if n_jobs is None else whole_number("n_jobs", n_jobs, least=-1)
    if jobs == 0:
        raise InputError("n_jobs must be a whole number >= 1, or -1 for all cores, not 0")
    name_of_seed = seed_name(rng)
    rows = Rows.read(
        labels=labels,
        decoder=decoder,
        n_codes=n_codes,
        folds=folds,
        groups=groups,
        sequences=sequences,
        rng=rng,
        memory=memory,
    )
    plan = Plan(
        rows=rows,
        quantisers=_quantisers(
            quantiser,
            rows.memory,
            {
                "n_codes": n_codes,
                "folds": folds,
                "groups": groups,
                "synergy": flag("synergy", synergy) or None,
                "decoder": None if isinstance(decoder, str) and decoder == "linear" else decoder,
                "sequences": None if rows.sequences == "mean" else sequences,
            },
        ),
        synergy=synergy,
        n_null=whole_number("n_null", n_null),
        n_bootstrap=whole_number("n_bootstrap", n_bootstrap),
        unit=unit,
        run=uuid.uuid4().hex,
    )
    layers = [*read_side("x1", x1, names), *read_side("x2", x2, names)]
    pairs = pair_layers(*([one for one in layers if one.side == side] for side in BOTH_SIDES))
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory()) if path is None else path
        store = Store.open(Path(folder).absolute())
        stack.callback(forget, plan.run)
        read = each(read_one, store, plan, layers, n_jobs=jobs, what="reading layers")
        digests = dict(zip(layers, read, strict=True))
        items = [(pair, (digests[pair.x1], digests[pair.x2])) for pair in pairs]
        solved = each(solve_one, store, plan, items, n_jobs=jobs, what="solving pairs")
        store.sweep()
        found = _collect(store, plan, pairs, solved, in_memory=path is None)
    table = PIDTable(
        pairs=found,
        index=names,
        compared=compare,
        differences=() if compare is None else _differences(found, names.index(compare)),
        unit=unit,
        provenance={
            "decoder": None if quantiser is not None else describe_decoder(decoder),
            "n_codes": n_codes,
            "folds": rows.n_folds,
            "groups": groups is not None,
            "sequences": rows.sequences,
            "synergy": synergy,
            "n_bootstrap": plan.n_bootstrap,
            "n_null": plan.n_null,
            "memory": rows.memory,
            "rng": name_of_seed,
            "seed": rows.seed,
            "versions": recorded_versions(),
        },
    )
    if noted := [one for one in found if one.result.warnings]:
        pair = noted[0]
        warn(
            f"{len(noted)} of {len(found)} pairs have warnings, which PIDTable.warnings has; {pair.x1} with {pair.x2}: "
            f"{pair.result.warnings[0]}"
        )
    return table


def _quantisers(quantiser: Any, memory: int, of_decoders: Mapping[str, Any]) -> dict[str, Quantiser] | None:
    """Return the quantisers of both sides, None where layers are decoded; refuse what only decoders have."""
    if quantiser is None:
        return None
    refuse_for_decoders(of_decoders)
    return dict(zip(BOTH_SIDES, copy_quantisers(quantiser, memory), strict=True))


def _collect(
    store: Store, plan: Plan, pairs: list[NamedPair], digests: list[str], *, in_memory: bool
) -> tuple[TablePair, ...]:
    """Return the results of all pairs from the store, the scores of rows mapped unless `in_memory`."""
    found: list[TablePair] = []
    shared: dict[int, Any] = {}
    for pair, digest in zip(pairs, digests, strict=True):
        entry = store.load("pairs", digest)
        if entry is None:
            raise InputError(f"path must not be changed while a table is made: {store.folder} lost a pair; call again")
        if in_memory:
            entry = Entry(entry.record, {name: np.array(array) for name, array in entry.arrays.items()})
        y, folds, groups = plan.rows.y, None, None
        if plan.quantisers is None:
            length = len(entry.arrays["row_scores"]) // plan.rows.y.size
            if length not in shared:
                y, groups = plan.rows.as_read(length)
                _, folds = splits_and_folds(y, plan.rows.n_folds, groups, np.random.default_rng(plan.rows.seed))
                shared[length] = y, folds, groups
            y, folds, groups = shared[length]
        found.append(TablePair(pair.x1.name, pair.x2.name, pair.place, result_of_entry(entry, y, folds, groups)))
    return tuple(found)


def _differences(pairs: tuple[TablePair, ...], number: int) -> tuple[TableDifference, ...]:
    """Return the paired differences between all values of the index of this number, later less earlier."""

    def others(one: TablePair) -> tuple[Any, ...]:
        return (*one.place[:number], *one.place[number + 1 :])

    together = _grouped([one for one in pairs if one.place], lambda one: (one.x1, one.x2, others(one)))
    found = []
    for same in together:
        for earlier, later in itertools.combinations(same, 2):
            assert isinstance(earlier.result, RepresentationPID)
            assert isinstance(later.result, RepresentationPID)
            found.append(
                TableDifference(
                    x1=later.x1,
                    x2=later.x2,
                    place=others(later),
                    of=later.place[number],
                    less=earlier.place[number],
                    result=paired_differences(later.result, earlier.result),
                )
            )
    return tuple(found)


def _grouped(pairs: list[TablePair], key: Callable[[TablePair], Key]) -> list[list[TablePair]]:
    """Return the pairs of each key together, in the order of their first."""
    groups: dict[Key, list[TablePair]] = {}
    for one in pairs:
        groups.setdefault(key(one), []).append(one)
    return list(groups.values())
