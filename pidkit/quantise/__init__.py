"""Quantise representations: transformers that turn an array (n, ...) into integer codes.

`codes(x)` gives the codes as a vector, (n,), and `transform(x)` as a column, (n, 1), as a Pipeline, a ColumnTransformer
and set_output want them. All follow scikit-learn (fit, transform, fit_transform, get_params, clone), take numpy arrays
and torch tensors of any real dtype, flatten the trailing axes, compute in float64, are seeded, and leave the global
random state alone.
"""

from typing import TYPE_CHECKING

from pidkit._lazy import attach

if TYPE_CHECKING:
    from pidkit.quantise.bins import QuantileBins as QuantileBins
    from pidkit.quantise.bins import UniformBins as UniformBins
    from pidkit.quantise.clusters import KMeansCodes as KMeansCodes
    from pidkit.quantise.representation import RepresentationCodes as RepresentationCodes
    from pidkit.quantise.steps import L2Normalise as L2Normalise
    from pidkit.quantise.steps import PrincipalComponents as PrincipalComponents

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "RepresentationCodes": "pidkit.quantise.representation",
        "KMeansCodes": "pidkit.quantise.clusters",
        "UniformBins": "pidkit.quantise.bins",
        "QuantileBins": "pidkit.quantise.bins",
        "L2Normalise": "pidkit.quantise.steps",
        "PrincipalComponents": "pidkit.quantise.steps",
    },
)
