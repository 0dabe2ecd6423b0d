"""pidkit: certified partial information decomposition for people who study and train neural networks.

The names that most work needs, by what they are for; the packages (`pidkit.mi`, `pidkit.plot`, `pidkit.distill`, ...)
export the rest. Each is loaded on first use, so `import pidkit` costs almost nothing and brings in none of numba,
scikit-learn, cvxpy, matplotlib, dit or torch.
"""

from typing import TYPE_CHECKING

from pidkit._lazy import attach
from pidkit._version import __version__

if TYPE_CHECKING:
    from pidkit.arrays import describe_file as describe_file
    from pidkit.arrays import load_array as load_array
    from pidkit.arrays import save_arrays as save_arrays
    from pidkit.errors import BiasWarning as BiasWarning
    from pidkit.errors import DivergenceError as DivergenceError
    from pidkit.errors import InputError as InputError
    from pidkit.errors import PidkitError as PidkitError
    from pidkit.errors import PidkitWarning as PidkitWarning
    from pidkit.errors import SolverError as SolverError
    from pidkit.gates import GATES as GATES
    from pidkit.gates import Gate as Gate
    from pidkit.gates import gate as gate
    from pidkit.interop import AXIS_ORDERS as AXIS_ORDERS
    from pidkit.interop import array_from_joint as array_from_joint
    from pidkit.interop import dit_from_joint as dit_from_joint
    from pidkit.interop import joint_from_array as joint_from_array
    from pidkit.interop import joint_from_dit as joint_from_dit
    from pidkit.interop import joint_from_outcomes as joint_from_outcomes
    from pidkit.interop import outcomes_from_joint as outcomes_from_joint
    from pidkit.intersection import Comparison as Comparison
    from pidkit.intersection import IntersectionReport as IntersectionReport
    from pidkit.intersection import IntersectionResult as IntersectionResult
    from pidkit.intersection import compare as compare
    from pidkit.intersection import intersection_information as intersection_information
    from pidkit.intersection import mmi_redundancy as mmi_redundancy
    from pidkit.intersection import relaxed_intersection_information as relaxed_intersection_information
    from pidkit.intersection import williams_beer_redundancy as williams_beer_redundancy
    from pidkit.joint import joint_from_samples as joint_from_samples
    from pidkit.mi import MIEstimate as MIEstimate
    from pidkit.mi import check_samples as check_samples
    from pidkit.mi import estimate_conditional_mi as estimate_conditional_mi
    from pidkit.mi import estimate_mi as estimate_mi
    from pidkit.pid import BROJABatch as BROJABatch
    from pidkit.pid import BROJASolution as BROJASolution
    from pidkit.pid import PIDBatch as PIDBatch
    from pidkit.pid import PIDResult as PIDResult
    from pidkit.pid import SolverReport as SolverReport
    from pidkit.pid import bivariate_pid as bivariate_pid
    from pidkit.pid import bivariate_pid_batch as bivariate_pid_batch
    from pidkit.pid import pid_from_samples as pid_from_samples
    from pidkit.pid import solve_broja as solve_broja
    from pidkit.pid import solve_broja_batch as solve_broja_batch
    from pidkit.plane import InformationPlane as InformationPlane
    from pidkit.quantise import KMeansCodes as KMeansCodes
    from pidkit.quantise import L2Normalise as L2Normalise
    from pidkit.quantise import QuantileBins as QuantileBins
    from pidkit.quantise import RepresentationCodes as RepresentationCodes
    from pidkit.quantise import UniformBins as UniformBins
    from pidkit.records import PlaneTrajectory as PlaneTrajectory
    from pidkit.representations import CodedLayer as CodedLayer
    from pidkit.representations import CodedPID as CodedPID
    from pidkit.representations import DecoderReport as DecoderReport
    from pidkit.representations import LayerPosteriors as LayerPosteriors
    from pidkit.representations import PairedDifferences as PairedDifferences
    from pidkit.representations import PIDEstimate as PIDEstimate
    from pidkit.representations import PIDTable as PIDTable
    from pidkit.representations import RepresentationPID as RepresentationPID
    from pidkit.representations import coded_pid as coded_pid
    from pidkit.representations import codes_of as codes_of
    from pidkit.representations import estimate_pid as estimate_pid
    from pidkit.representations import explain as explain
    from pidkit.representations import paired_differences as paired_differences
    from pidkit.representations import pid_table as pid_table
    from pidkit.representations import posteriors_of as posteriors_of
    from pidkit.representations import representation_pid as representation_pid

_HOME = {
    # decompose
    "bivariate_pid": "pidkit.pid",
    "pid_from_samples": "pidkit.pid",
    "bivariate_pid_batch": "pidkit.pid",
    "solve_broja": "pidkit.pid",
    "solve_broja_batch": "pidkit.pid",
    "estimate_pid": "pidkit.representations",
    "explain": "pidkit.representations",
    "representation_pid": "pidkit.representations",
    "pid_table": "pidkit.representations",
    "posteriors_of": "pidkit.representations",
    "codes_of": "pidkit.representations",
    "coded_pid": "pidkit.representations",
    "paired_differences": "pidkit.representations",
    # intersect and compare
    "intersection_information": "pidkit.intersection",
    "relaxed_intersection_information": "pidkit.intersection",
    "mmi_redundancy": "pidkit.intersection",
    "williams_beer_redundancy": "pidkit.intersection",
    "compare": "pidkit.intersection",
    # estimate
    "estimate_mi": "pidkit.mi",
    "estimate_conditional_mi": "pidkit.mi",
    "check_samples": "pidkit.mi",
    # results
    "PIDResult": "pidkit.pid",
    "SolverReport": "pidkit.pid",
    "PIDBatch": "pidkit.pid",
    "BROJASolution": "pidkit.pid",
    "BROJABatch": "pidkit.pid",
    "PIDEstimate": "pidkit.representations",
    "RepresentationPID": "pidkit.representations",
    "DecoderReport": "pidkit.representations",
    "PairedDifferences": "pidkit.representations",
    "PIDTable": "pidkit.representations",
    "LayerPosteriors": "pidkit.representations",
    "CodedLayer": "pidkit.representations",
    "CodedPID": "pidkit.representations",
    "MIEstimate": "pidkit.mi",
    "IntersectionResult": "pidkit.intersection",
    "IntersectionReport": "pidkit.intersection",
    "Comparison": "pidkit.intersection",
    # joints
    "joint_from_samples": "pidkit.joint",
    "Gate": "pidkit.gates",
    "GATES": "pidkit.gates",
    "gate": "pidkit.gates",
    # joints to and from other packages
    "joint_from_outcomes": "pidkit.interop",
    "outcomes_from_joint": "pidkit.interop",
    "joint_from_array": "pidkit.interop",
    "array_from_joint": "pidkit.interop",
    "joint_from_dit": "pidkit.interop",
    "dit_from_joint": "pidkit.interop",
    "AXIS_ORDERS": "pidkit.interop",
    # representations
    "load_array": "pidkit.arrays",
    "save_arrays": "pidkit.arrays",
    "describe_file": "pidkit.arrays",
    "L2Normalise": "pidkit.quantise",
    "UniformBins": "pidkit.quantise",
    "QuantileBins": "pidkit.quantise",
    "KMeansCodes": "pidkit.quantise",
    "RepresentationCodes": "pidkit.quantise",
    # information planes
    "InformationPlane": "pidkit.plane",
    "PlaneTrajectory": "pidkit.records",
    # errors and warnings
    "PidkitError": "pidkit.errors",
    "InputError": "pidkit.errors",
    "DivergenceError": "pidkit.errors",
    "SolverError": "pidkit.errors",
    "PidkitWarning": "pidkit.errors",
    "BiasWarning": "pidkit.errors",
}
"""Where each public name lives."""

__getattr__, __dir__, _names = attach(__name__, _HOME)
__all__ = ["__version__", *_names]
