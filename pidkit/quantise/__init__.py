"""Quantise representations: transformers that turn an array (n, ...) into integer codes (n,).

All follow scikit-learn (fit, transform, fit_transform, get_params, clone), take numpy arrays and torch tensors of any
real dtype, flatten the trailing axes, compute in float64, are seeded, and leave the global random state alone.
"""

from pidkit.quantise.bins import QuantileBins, UniformBins
from pidkit.quantise.clusters import KMeansCodes
from pidkit.quantise.representation import RepresentationCodes
from pidkit.quantise.steps import L2Normalise, PrincipalComponents

__all__ = [
    "KMeansCodes",
    "L2Normalise",
    "PrincipalComponents",
    "QuantileBins",
    "RepresentationCodes",
    "UniformBins",
]
