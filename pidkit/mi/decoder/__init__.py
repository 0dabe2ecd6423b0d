"""Decoder estimators: how much of a label, or of an input, a decoder can predict from a representation.

Compare layers and epochs only under the same decoder and budget; decoder values need not obey the data-processing
inequality.
"""

from pidkit.mi.decoder.fitted import FittedLabelDecoder
from pidkit.mi.decoder.label import LabelDecoder
from pidkit.mi.decoder.network import DECODER_BUDGET
from pidkit.mi.decoder.reconstruction import ReconstructionDecoder

__all__ = ["DECODER_BUDGET", "FittedLabelDecoder", "LabelDecoder", "ReconstructionDecoder"]
