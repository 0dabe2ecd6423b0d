"""What a decoder may be, what results call it, and how fast decoders of its kind learn."""

from __future__ import annotations

from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from pidkit.errors import InputError
from pidkit.mi.decoder import LabelDecoder
from pidkit.representations.classifiers import ProbabilisticClassifier

Decoder = str | ProbabilisticClassifier | LabelDecoder

DECODERS = ("linear", "mlp", "knn", "softmax")
"""The decoders that have a name."""

FLEXIBLE = 0.5
"""Power of the rows with which perceptrons, and classifiers of unknown kind, are taken to learn (Barron 1994)."""


def check_decoder(decoder: object) -> None:
    """Raise InputError unless `decoder` is the name of one, a classifier or a LabelDecoder."""
    if isinstance(decoder, LabelDecoder) or (isinstance(decoder, str) and decoder in DECODERS):
        return
    if isinstance(decoder, type) or not isinstance(decoder, ProbabilisticClassifier):
        raise InputError(
            f"decoder must be one of {', '.join(map(repr, DECODERS))}, or a scikit-learn classifier object with "
            f"predict_proba; not {decoder!r}"
        )


def decoder_name(decoder: Decoder) -> str:
    """Return what a result calls the decoder."""
    if isinstance(decoder, str):
        return decoder
    return decoder.model if isinstance(decoder, LabelDecoder) else type(decoder).__name__


def learning_exponent(decoder: Decoder, n_features: int) -> float:
    """Return the power of the rows with which what a decoder has not learned is taken to fall.

    One that has a fixed number of parameters loses in proportion to 1 / n against the best of its kind. Perceptrons and
    classifiers of unknown kind are taken to lose in proportion to n ** -.5, nearest neighbours of d features to
    n ** -(4 / (4 + d)): where nothing but the smoothness of P(y | x) is known, no method learns faster in the worst
    case.

    References
    ----------
    Barron, Approximation and estimation bounds for artificial neural networks, Machine Learning 14, 1994; Stone,
    Optimal global rates of convergence for nonparametric regression, Annals of Statistics 10, 1982.

    Examples
    --------
    >>> learning_exponent("linear", 32), learning_exponent("mlp", 32), round(learning_exponent("knn", 32), 2)
    (1.0, 0.5, 0.11)
    """
    if decoder == "knn" or isinstance(decoder, KNeighborsClassifier):
        return 4.0 / (4.0 + n_features)
    if isinstance(decoder, LabelDecoder):
        decoder = decoder.model
    linear = isinstance(decoder, (LogisticRegression, LinearDiscriminantAnalysis)) or decoder in ("linear", "softmax")
    return 1.0 if linear else FLEXIBLE
