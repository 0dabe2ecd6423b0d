"""The options that estimators by nearest neighbours share, and their checks."""

from __future__ import annotations

from dataclasses import dataclass

from pidkit.arguments import check_count, keep_checked, whole_number


@dataclass(frozen=True)
class WithNeighbours:
    """What counts `k` neighbours.

    Parameters
    ----------
    k : int
        Neighbours; a larger k lowers the variance and raises the bias.
    """

    k: int = 3

    def __post_init__(self) -> None:
        """Check the parameter."""
        keep_checked(self, k=check_count("k", self.k))


@dataclass(frozen=True)
class WithSurrogates(WithNeighbours):
    """What takes the bias of neighbours off that it sees on surrogates.

    Parameters
    ----------
    k : int
        Neighbours.
    n_surrogates : int
        Surrogates that the bias is averaged over, at least two; the time grows in proportion.
    """

    n_surrogates: int = 4

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        keep_checked(self, n_surrogates=whole_number("n_surrogates", self.n_surrogates, least=2))
