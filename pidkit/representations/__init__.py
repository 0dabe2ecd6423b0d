"""The main job: what two saved representations tell about a label, alone and together, and how far to believe it.

`decomposition` has the public function for layers, `estimate` that for discrete samples, `coded` that for codes made
without labels; `result`, `estimate_result` and `coded_result` hold what they return; `explain` tells it in words, and
`paired` compares results of the same rows by their `row_scores`. `table` decomposes many layers against many, each
read once as `layer_posteriors`, or coded once as `layer_codes`, say it.

A layer is read by `decoders` (`classifiers`, `wide_layers` and `calibration` are their parts, `folds` deals the rows);
`posterior_codes` codes what they say, and `union` scores it by a `market`; `decoded` has the arithmetic. Discrete
samples are scored by `predictors` and `held_out`. `nulls` and `finite_samples` have replicates, and the corrections of
the literature; `coding` turns rows into codes.
"""

from typing import TYPE_CHECKING

from pidkit._lazy import attach

if TYPE_CHECKING:
    from pidkit.representations.coded import coded_pid as coded_pid
    from pidkit.representations.coded_layer import CodedLayer as CodedLayer
    from pidkit.representations.coded_result import CodedPID as CodedPID
    from pidkit.representations.coding import Quantiser as Quantiser
    from pidkit.representations.decomposition import representation_pid as representation_pid
    from pidkit.representations.estimate import estimate_pid as estimate_pid
    from pidkit.representations.estimate_result import PIDEstimate as PIDEstimate
    from pidkit.representations.explain import explain as explain
    from pidkit.representations.finite_samples import Spread as Spread
    from pidkit.representations.layer_codes import codes_of as codes_of
    from pidkit.representations.layer_posteriors import LayerPosteriors as LayerPosteriors
    from pidkit.representations.layer_posteriors import posteriors_of as posteriors_of
    from pidkit.representations.paired import PairedDifferences as PairedDifferences
    from pidkit.representations.paired import paired_differences as paired_differences
    from pidkit.representations.result import DecoderReport as DecoderReport
    from pidkit.representations.result import RepresentationPID as RepresentationPID
    from pidkit.representations.table.door import pid_table as pid_table
    from pidkit.representations.table.result import PIDTable as PIDTable
    from pidkit.representations.table.result import TableDifference as TableDifference
    from pidkit.representations.table.result import TablePair as TablePair

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "representation_pid": "pidkit.representations.decomposition",
        "RepresentationPID": "pidkit.representations.result",
        "DecoderReport": "pidkit.representations.result",
        "pid_table": "pidkit.representations.table.door",
        "PIDTable": "pidkit.representations.table.result",
        "TablePair": "pidkit.representations.table.result",
        "TableDifference": "pidkit.representations.table.result",
        "posteriors_of": "pidkit.representations.layer_posteriors",
        "LayerPosteriors": "pidkit.representations.layer_posteriors",
        "codes_of": "pidkit.representations.layer_codes",
        "CodedLayer": "pidkit.representations.coded_layer",
        "paired_differences": "pidkit.representations.paired",
        "PairedDifferences": "pidkit.representations.paired",
        "coded_pid": "pidkit.representations.coded",
        "CodedPID": "pidkit.representations.coded_result",
        "estimate_pid": "pidkit.representations.estimate",
        "PIDEstimate": "pidkit.representations.estimate_result",
        "explain": "pidkit.representations.explain",
        "Spread": "pidkit.representations.finite_samples",
        "Quantiser": "pidkit.representations.coding",
    },
)
