"""Intersection information: what a variable common to the sources tells about the target, with proved bounds."""

from pidkit.intersection.closed_forms import mmi_redundancy as mmi_redundancy
from pidkit.intersection.closed_forms import williams_beer_redundancy as williams_beer_redundancy
from pidkit.intersection.compare import MEASURES as MEASURES
from pidkit.intersection.compare import Comparison as Comparison
from pidkit.intersection.compare import compare as compare
from pidkit.intersection.information import intersection_information as intersection_information
from pidkit.intersection.relaxed import relaxed_intersection_information as relaxed_intersection_information
from pidkit.intersection.result import IntersectionReport as IntersectionReport
from pidkit.intersection.result import IntersectionResult as IntersectionResult

__all__ = [
    "MEASURES",
    "Comparison",
    "IntersectionReport",
    "IntersectionResult",
    "compare",
    "intersection_information",
    "mmi_redundancy",
    "relaxed_intersection_information",
    "williams_beer_redundancy",
]
