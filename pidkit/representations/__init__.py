"""The main job: what two saved representations tell about a label, alone and together, and how far to believe it.

`decomposition` is the door for representations, `estimate` that for discrete samples. `coding` turns rows into codes;
`predictors`, `held_out` and `nulls` are what estimates rest on; `finite_samples` has the corrections of the literature.
"""

from typing import TYPE_CHECKING

from pidkit._lazy import attach

if TYPE_CHECKING:
    from pidkit.representations.decomposition import representation_pid as representation_pid
    from pidkit.representations.estimate import estimate_pid as estimate_pid
    from pidkit.representations.estimate_result import PIDEstimate as PIDEstimate
    from pidkit.representations.finite_samples import CodedSamples as CodedSamples
    from pidkit.representations.finite_samples import Spread as Spread
    from pidkit.representations.finite_samples import bootstrap as bootstrap
    from pidkit.representations.finite_samples import extrapolate as extrapolate
    from pidkit.representations.finite_samples import miller_madow as miller_madow
    from pidkit.representations.finite_samples import shuffled_null as shuffled_null
    from pidkit.representations.finite_samples import within_label_excess as within_label_excess
    from pidkit.representations.result import RepresentationPID as RepresentationPID

_FINITE = (
    "CodedSamples",
    "Spread",
    "bootstrap",
    "extrapolate",
    "miller_madow",
    "shuffled_null",
    "within_label_excess",
)
__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "representation_pid": "pidkit.representations.decomposition",
        "RepresentationPID": "pidkit.representations.result",
        "estimate_pid": "pidkit.representations.estimate",
        "PIDEstimate": "pidkit.representations.estimate_result",
        **dict.fromkeys(_FINITE, "pidkit.representations.finite_samples"),
    },
)
