"""Seeds, and seeded randomness after which the global generators are as they were."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import numpy as np
import torch

from pidkit.arguments import Rng, integer_seed


def seed_of(*key: int) -> int:
    """Return a seed that depends on all numbers of a key, such as a run's seed, the epoch, what draws, the process."""
    return int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0] >> np.uint64(1))


@contextlib.contextmanager
def others_kept() -> Iterator[None]:
    """Run a block, and put the global generators of numpy and Python back, which models and datasets draw from too."""
    of_numpy, of_python = np.random.get_state(), random.getstate()  # noqa: NPY002  (the state that others use)
    try:
        yield
    finally:
        np.random.set_state(of_numpy)  # noqa: NPY002
        random.setstate(of_python)


def torch_generator(rng: np.random.Generator) -> torch.Generator:
    """Return a CPU torch.Generator seeded by the next draw of a numpy Generator.

    Examples
    --------
    >>> import numpy as np, torch
    >>> first, second = (torch_generator(np.random.default_rng(0)) for _ in range(2))
    >>> bool((torch.rand(3, generator=first) == torch.rand(3, generator=second)).all())
    True
    """
    return torch.Generator().manual_seed(int(rng.integers(2**63 - 1)))


@contextlib.contextmanager
def seeded(rng: np.random.Generator) -> Iterator[None]:
    """Run a block with the global CPU generator seeded by the next draw of `rng`, then put it back as it was.

    Layers draw their initial weights from the global generator, and take no other. Build them on the CPU in here and
    move them afterwards: the generators of other devices are never touched.

    Examples
    --------
    >>> import numpy as np, torch
    >>> before = torch.get_rng_state()
    >>> with seeded(np.random.default_rng(0)):
    ...     layer = torch.nn.Linear(2, 2)
    >>> bool((torch.get_rng_state() == before).all())
    True
    """
    state = torch.get_rng_state()
    # torch.manual_seed would reseed every device; the default generator is the CPU's alone.
    torch.default_generator.manual_seed(int(rng.integers(2**63 - 1)))
    try:
        yield
    finally:
        torch.set_rng_state(state)


@contextlib.contextmanager
def own_random_state(rng: Rng | None = None) -> Iterator[None]:
    """Give a block a random state of its own, and put torch's back at its end, on the CPU and on CUDA where in use.

    With a seed, or one drawn from a Generator, the block starts there; with None it goes on from where torch is.

    Examples
    --------
    >>> before = torch.get_rng_state()
    >>> with own_random_state():
    ...     _ = torch.rand(3)
    >>> torch.equal(torch.get_rng_state(), before)
    True
    """
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
    seed = None if rng is None else integer_seed(rng)
    with torch.random.fork_rng(devices=devices):
        if seed is not None:
            # torch.manual_seed would also reach a CUDA that is yet to be initialised, which nothing puts back.
            torch.default_generator.manual_seed(seed)
            if devices:
                torch.cuda.manual_seed_all(seed)
        yield
