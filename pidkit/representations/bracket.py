"""Between what the atoms of decoded posteriors lie: what the market and the codes say, the sample's error added."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pidkit.mi.row_groups import variance_of_mean
from pidkit.representations.decoded import DecodedScores
from pidkit.representations.estimate import TWO_SIDED_95
from pidkit.representations.held_out import OF_ATOMS


def atom_bracket(scored: DecodedScores, estimate: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    """Return what the redundancy and the unique atoms of the posteriors lie between, in nats.

    With R_C the redundancy of the posteriors' codes and U the union information of the market, in the population,

        R_C <= Red <= I1 + I2 - U,   U - I2 <= Uni_1 <= I1 - R_C,   U - I1 <= Uni_2 <= I2 - R_C.

    A sample has these ends up to its own error, which can be larger than what the codes lose: every end is moved
    outwards by 1.96 of its standard errors. Posteriors that are not calibrated tell more than the I1 that labels count:
    if they are too sure, the information of their calibrated form lies between that and what they claim. So I1 and I2
    may be larger by what the claim differs from the count, beyond 1.96 standard errors of the difference.

    Parameters
    ----------
    scored : DecodedScores
    estimate : mapping
        The estimated atoms and informations, in nats.

    Examples
    --------
    >>> from pidkit.representations.decoded import score_decoded
    >>> from pidkit.representations.estimate import atoms_from, by_name
    >>> from pidkit.representations.posterior_codes import posterior_codes
    >>> y = np.arange(400) % 2
    >>> q = np.where(np.eye(2)[y] > 0, 0.9, 0.1)  # no row is told wrong, and the posteriors say .9
    >>> rng = np.random.default_rng(0)
    >>> codes = posterior_codes(q, 2, rng)
    >>> scored = score_decoded(y, (q, q, q), (codes, codes), np.arange(400) % 5, rng)
    >>> informations, _ = scored.informations()
    >>> low, high = atom_bracket(scored, {**by_name(informations), **atoms_from(informations)})["redundancy"]
    >>> bool(low < np.log(2) < high)
    True
    """
    of_codes = min(scored.coded_redundancy(), estimate["redundancy"])
    rows, _ = scored.of_rows
    coded = scored.coded @ OF_ATOMS[0, :3]
    columns = np.stack([coded, rows[:, 0] - coded, rows[:, 1] - coded], axis=1)
    of_coded, of_first, of_second = TWO_SIDED_95 * np.sqrt(variance_of_mean(columns, scored.groups))
    error = {name: TWO_SIDED_95 * value for name, value in scored.standard_errors().items()}
    more_1, more_2 = scored.undercounted()
    return {
        "redundancy": (of_codes - of_coded, estimate["redundancy"] + error["redundancy"] + more_1 + more_2),
        "unique_1": (
            estimate["unique_1"] - error["unique_1"] - more_2,
            estimate["mi_1"] - of_codes + of_first + more_1,
        ),
        "unique_2": (
            estimate["unique_2"] - error["unique_2"] - more_1,
            estimate["mi_2"] - of_codes + of_second + more_2,
        ),
    }
