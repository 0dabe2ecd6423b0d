"""`TrainingBudget`: how long and how fast decoders and critics train, one record for all of them."""

from __future__ import annotations

from dataclasses import dataclass

from pidkit.arguments import check_count, keep_checked, real_number
from pidkit.errors import InputError


@dataclass(frozen=True)
class TrainingBudget:
    """How long and how fast to train a decoder or a critic; the same for all layers and epochs that are compared.

    Optimiser steps on batches of the training rows, with a look at the held-out rows of `stop` every so often; training
    ends where they have not improved for `patience` looks, and keeps what they liked best.

    Attributes
    ----------
    learning_rate, weight_decay : float
        Of Adam with decoupled decay.
    batch_size : int
        Rows of a step; batches of a pass are as equal as can be, so the last is not a small one.
    max_steps : int
        Optimiser steps at most.
    check_every : int
        Steps between two looks at the held-out rows; the last step is followed by one too.
    patience : int
        Looks without a new best after which to stop.

    Raises
    ------
    InputError
        If a number is out of its range.

    Notes
    -----
    The defaults are those of critics. Decoders take `pidkit.mi.decoder.DECODER_BUDGET`; replace single numbers of it
    with `dataclasses.replace`. The linear decoder is fitted by L-BFGS on all rows, and has its share in `max_steps`
    alone.

    References
    ----------
    Loshchilov & Hutter, Decoupled weight decay regularization, ICLR 2019; Prechelt, Early stopping - but when?, 1998.

    Examples
    --------
    >>> from pidkit.mi import LabelDecoder
    >>> LabelDecoder("mlp", budget=TrainingBudget(max_steps=200)).budget.max_steps
    200
    """

    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    batch_size: int = 256
    max_steps: int = 5000
    check_every: int = 10
    patience: int = 20

    def __post_init__(self) -> None:
        """Check the numbers."""
        keep_checked(
            self,
            learning_rate=real_number("learning_rate", self.learning_rate, above=0.0),
            weight_decay=real_number("weight_decay", self.weight_decay, least=0.0),
            batch_size=check_count("batch_size", self.batch_size),
            max_steps=check_count("max_steps", self.max_steps),
            check_every=check_count("check_every", self.check_every),
            patience=check_count("patience", self.patience),
        )


def check_budget(budget: object) -> TrainingBudget:
    """Return `budget` if it is a TrainingBudget, else raise InputError."""
    if not isinstance(budget, TrainingBudget):
        raise InputError(f"budget must be a TrainingBudget, not {budget!r}; pass TrainingBudget(max_steps=300) or so")
    return budget
