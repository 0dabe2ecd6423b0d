"""`TeacherCache`: what frozen teachers answered, found again by the content of teacher and sample."""

from __future__ import annotations

import os
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pidkit.arguments import check_count
from pidkit.arrays.checksums import digest_of
from pidkit.distill.teacher_cache import proof
from pidkit.distill.teacher_cache.folder import FILE_BYTES, folder_bytes, waiting_bytes, write_last_rows, write_rows
from pidkit.distill.teacher_cache.identity import KnownTeacher, describe_computation, device_of
from pidkit.distill.teacher_cache.rows import RowStore
from pidkit.distill.teacher_cache.tensor_rows import as_rows, row_keys
from pidkit.errors import InputError, warn
from pidkit.nn.inputs import Inputs, n_samples, named_tensors


@dataclass
class _Asked:
    """A batch of a teacher's inputs, and what it was asked for.

    `computed` is all that the bits of the outputs depend on, beside the sample and the size of the pass.
    """

    name: str
    kind: str
    computed: Mapping[str, Any]
    kept: Mapping[str, Any]
    x: Inputs
    run: proof.Pass
    keys: list[bytes] = field(init=False)
    n: int = field(init=False)

    def __post_init__(self) -> None:
        self.keys, self.n = row_keys([*named_tensors(self.x).values()]), n_samples(self.x)


class TeacherCache:
    """Answers of frozen teachers, the logits and the tapped layers, each computed once: `tap(cache=TeacherCache())`.

    A training step on a CPU is for the most part the teacher's pass. With a cache a sample that was seen before costs
    a copy: without augmentation from the second epoch on, with it in every further run of the same seed, whose batches
    are the same. One cache serves all phases of a run, several runs, `AtomProbe`, and what is fitted to layers.

    **Nothing is found by its number.** The key of a row is a hash of the sample's own bytes, as they reach the teacher:
    it is right whatever draws, augments, orders or edits the samples. That of the teacher is a hash of its weights, its
    modules' options and code, what is kept of the layer, and how and where it computes (device, precision, threads,
    torch). A checksum of its weights is compared at each batch.

    **The same bits.** Training with a cache gives the weights that training without it gives. Of the first batch of
    each size some samples are computed again, in another order and in passes of eight. Where the rows are equal bit by
    bit, samples that are not known are computed in such passes; where they are so only at the batch's own size, whole
    batches are; where they are not even then, the teacher mixes the samples of a batch, or draws, and is refused. Rows
    that are found for the first batch are compared with what the teacher answers now.

    Parameters
    ----------
    path : path, optional
        A folder of the cache alone, made if need be: rows lie in files that are mapped, written whole or not at all,
        and shared by processes. None keeps them in memory, for the runs of this process.
    max_bytes : int
        Of memory, or of the folder with all that lies in it. Rows that find no room are computed each time, and a
        warning says so; none is thrown out.

    Attributes
    ----------
    hits, misses : int
        Samples, times teachers, that were found or were not.
    path : Path or None

    Raises
    ------
    InputError
        If `max_bytes` is not a whole number from 1 on, or `path` is no folder; from a batch, if a teacher is not
        frozen, has changed since it was tapped, mixes samples, or answers otherwise than what `path` holds of it.

    Notes
    -----
    Worth it where a pass of the teacher costs more than hashing its inputs and copying its outputs, about a nanosecond
    a byte: on CPUs nearly always, on a fast GPU for large teachers alone. Three maps of 32x32 take some hundred
    kilobytes a sample, and pooled layers, `tap(reduce="mean")`, a hundredth of that.

    A change of the functions that a teacher's `forward` calls, in code of others, is noticed by what it does to the
    answers of the first batch alone.

    Examples
    --------
    >>> from pidkit.distill import tap
    >>> teacher, student = nn.Linear(4, 2), nn.Linear(4, 2)
    >>> cache = TeacherCache()
    >>> networks = tap(teacher=teacher, student=student, example=torch.ones(1, 4), cache=cache)
    >>> x = torch.randn(32, 4)
    >>> first, second = networks(x), networks(x.flip(0))
    >>> torch.equal(first.teacher.logits.flip(0), second.teacher.logits), cache.hits, cache.misses
    (True, 32, 32)
    """

    def __init__(self, path: str | os.PathLike[str] | None = None, *, max_bytes: int = 1 << 32) -> None:
        """Look at nothing yet: rows are found when a teacher asks for them."""
        self.path = None if path is None else Path(path)
        self.max_bytes = check_count("max_bytes", max_bytes)
        if self.path is not None and self.path.exists() and not self.path.is_dir():
            raise InputError(f"path must name a folder for the cache, but {self.path} is a file; pass another path")
        self.hits = self.misses = 0
        self._stores: dict[str, RowStore] = {}
        self._teachers: weakref.WeakKeyDictionary[nn.Module, KnownTeacher] = weakref.WeakKeyDictionary()
        self._on_disk, self._told = folder_bytes(self.path), False
        if self.path is not None:
            weakref.finalize(self, write_last_rows, self.path, self._stores, self.max_bytes)

    @property
    def n_bytes(self) -> int:
        """The bytes of all rows: in memory, or in the folder and still to be written."""
        return self._on_disk + waiting_bytes(self._stores)

    def __repr__(self) -> str:
        """Show where the rows are, how many bytes they take, and how many samples were found."""
        where = "in memory" if self.path is None else f"in {self.path}"
        share = f"{self.hits:,} of {self.hits + self.misses:,} samples found"
        return f"TeacherCache({where}, {self.n_bytes / 1e6:,.1f} of {self.max_bytes / 1e6:,.1f} MB, {share})"

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def outputs(
        self, name: str, teacher: nn.Module, kept: Mapping[str, Any], x: Inputs, run: proof.Pass
    ) -> dict[str, Tensor]:
        """Return the outputs of a frozen teacher for a batch: those that are known, and the others from `run`.

        Parameters
        ----------
        name : str
            Of the teacher, for messages.
        teacher : nn.Module
            As it was tapped.
        kept : mapping of str to object
            The outputs asked for, and in plain values what is kept of each.
        x : Tensor, or mapping of str to Tensor
        run : callable
            The teacher's pass, from inputs to the outputs by name.

        Raises
        ------
        InputError
            See the class.
        """
        if teacher not in self._teachers:
            self._teachers[teacher] = KnownTeacher(name, teacher)
        known, device = self._teachers[teacher], device_of(teacher, x)
        known.check_unchanged(name, teacher)
        inputs = {key: [str(part.dtype), list(part.shape[1:])] for key, part in named_tensors(x).items()}
        computed = {"teacher": known.digest, "inputs": inputs, "computation": describe_computation(device)}
        asked = _Asked(name, known.kind, computed, kept, x, run)
        proved = digest_of([computed, dict(kept), asked.n])
        if proved not in known.compositions:
            outputs, composition = self._first(asked)
            known.compositions[proved] = composition
            return outputs
        composition = known.compositions[proved]
        stores = self._stores_of(asked, composition)
        new = self._new(stores, asked.keys)
        if not new:
            return {output: store.gather(asked.keys, device) for output, store in stores.items()}
        if composition == "whole" or len(new) > asked.n - proof.SMALL_PASS:
            outputs = run(x)
            self._add(stores, outputs, {asked.keys[at]: at for at in new})
            return outputs
        found = proof.in_chunks(run, x, new)
        new_keys = [asked.keys[at] for at in new]
        self._add(stores, found, {key: at for at, key in enumerate(new_keys)})
        fresh = {output: dict(zip(new_keys, as_rows(rows), strict=True)) for output, rows in found.items()}
        return {output: store.gather(asked.keys, device, fresh[output]) for output, store in stores.items()}

    def save(self) -> None:
        """Write the rows that are in no file yet, unless another process is writing: then later.

        `Trainer` calls this after each epoch, `Networks.remove` and the end of the program do.
        """
        if self.path is not None and waiting_bytes(self._stores):
            total = write_rows(self.path, self._stores, self.max_bytes)
            self._on_disk = self._on_disk if total is None else total

    def _first(self, asked: _Asked) -> tuple[dict[str, Tensor], proof.Composition]:
        """Return the outputs of a batch of a new size, computed, and in which passes its rows are the same.

        What is known of the batch is compared with them.
        """
        whole = asked.run(asked.x)
        proof.check_rows(asked.name, whole, asked.n)
        composition = proof.composition_of(asked.name, asked.run, asked.x, whole)
        stores = self._stores_of(asked, composition)
        places = {key: at for at, key in enumerate(asked.keys)}
        for output, store in stores.items():
            store.learn(whole[output])
            there = [key for key in places if key in store]
            rows = torch.tensor([places[key] for key in there], dtype=torch.int64)
            again = {output: store.gather(there, whole[output].device)} if there else {}
            if there and not proof.same_bits(again, {output: whole[output]}, rows):
                where = "memory" if self.path is None else str(self.path)
                raise InputError(
                    f"cache in {where} holds other answers of teacher {asked.name!r} ({output}) than it gives now: "
                    "code that it calls, or the machine, has changed; use another path, or a new TeacherCache"
                )
        new = self._new(stores, asked.keys)
        self._add(stores, whole, {asked.keys[at]: at for at in new})
        return whole, composition

    def _stores_of(self, asked: _Asked, composition: proof.Composition) -> dict[str, RowStore]:
        """Return the rows of every output that is asked for."""
        size = None if composition == "chunks" else asked.n
        found = {}
        for output, how in asked.kept.items():
            digest = digest_of([asked.computed, size, output, how])
            if digest not in self._stores:
                about = {"teacher": asked.kind, "output": output, "digest": digest}
                self._stores[digest] = RowStore(None if self.path is None else self.path / digest[:32], about)
            found[output] = self._stores[digest]
        return found

    def _new(self, stores: Mapping[str, RowStore], keys: list[bytes]) -> list[int]:
        """Return the place of each sample of which some output is not known, the first of equal ones; and count."""
        for store in stores.values():
            if any(key not in store for key in keys):
                store.refresh()
        first = {key: at for at, key in reversed([*enumerate(keys)])}
        new = sorted(at for key, at in first.items() if any(key not in store for store in stores.values()))
        self.misses += len(new)
        self.hits += len(keys) - len(new)
        return new

    def _add(self, stores: Mapping[str, RowStore], outputs: Mapping[str, Tensor], places: Mapping[bytes, int]) -> None:
        """Keep the rows at these places of outputs, as long as there is room."""
        size = sum(as_rows(out[:1]).nbytes for out in outputs.values())
        room = max(self.max_bytes - self.n_bytes, 0) // max(size, 1)
        if room < len(places) and not self._told:
            self._told = True
            advice = "raise max_bytes, or keep less of the layers, tap(reduce='mean')"
            warn(f"the cache is full at {self.n_bytes:,} bytes; other samples are computed each time: {advice}")
        for output, store in stores.items():
            new = {key: at for key, at in [*places.items()][:room] if key not in store}
            if new:
                rows = torch.tensor([*new.values()], device=outputs[output].device)
                store.add([*new], outputs[output][rows])
        if self.path is not None and waiting_bytes(self._stores) >= FILE_BYTES:
            self.save()
