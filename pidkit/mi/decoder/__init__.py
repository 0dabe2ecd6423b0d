"""Decoder estimators: how much of a label, or of an input, a probe reads out of a representation.

Compare layers and epochs only under the same probe and budget; probe values need not obey the data-processing
inequality.
"""

from pidkit.mi.decoder.label import FittedLabelProbe, LabelProbe
from pidkit.mi.decoder.network import Budget
from pidkit.mi.decoder.reconstruction import ReconstructionProbe

__all__ = ["Budget", "FittedLabelProbe", "LabelProbe", "ReconstructionProbe"]
