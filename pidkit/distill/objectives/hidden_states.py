"""An objective of transformers: hidden states, through a learned linear map."""

from __future__ import annotations

from collections.abc import Sequence

from pidkit.distill.objectives.fitnet import FitNet, Side
from pidkit.distill.pairing import checked_pairs
from pidkit.distill.places import LayerPair
from pidkit.errors import InputError


class HiddenStates(FitNet):
    """The teacher's hidden states: sum_pairs mean (H_T - W H_S)^2, W a learned linear map of the student's width.

    The hint of `FitNet` for token sequences, with a map that adds no constant. Means over tokens and width, of all the
    tokens of a batch that its mask keeps.
    With projects="teacher", mean (W H_T - H_S)^2: see `FitNet` for what that allows.

    Parameters
    ----------
    pairs : sequence of LayerPair
        Layers that put out tokens (n, length, width), of the same length.
    projects : "student" or "teacher"
        Whose hidden states W maps.

    Raises
    ------
    InputError
        If there are no pairs, the layers of a pair are no token sequences of one length, or `projects` is unknown.

    Source: Goswami, "Notes on Distillation", 2025, eq. 16 and, with projects="teacher", 18.

    Examples
    --------
    >>> HiddenStates([LayerPair("block", "block", (10, 8), (10, 4))]).regressors[0].weight.shape
    torch.Size([8, 4, 1])
    """

    def __init__(self, pairs: Sequence[LayerPair], *, projects: Side = "student") -> None:
        """Build a linear map for each pair."""
        for pair in checked_pairs(pairs):
            if len(pair.teacher_shape) != 2 or len(pair.student_shape) != 2:
                raise InputError(f"pairs holds {pair}, not both tokens (length, width); use FitNet for others")
        super().__init__(pairs, bias=False, projects=projects)
