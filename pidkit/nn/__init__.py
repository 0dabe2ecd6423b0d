"""The floor that mi, plane and distill share: training budgets, the loop, seeding, and hooks into layers of torch.

`taps` finds layers and reads what they put out, `features` does so for a whole data set and leaves the network as it
was, `class_activation` says where in a layer a class is found, `budget` how long decoders and critics train,
`early_stopping` is the one loop that trains them and `fit` what it does with a torch module, `seeding` keeps torch's
random numbers apart from the user's.
"""

from typing import TYPE_CHECKING

from pidkit._lazy import attach

if TYPE_CHECKING:
    from pidkit.nn.budget import TrainingBudget as TrainingBudget
    from pidkit.nn.class_activation import class_activation_maps as class_activation_maps
    from pidkit.nn.early_stopping import FitReport as FitReport
    from pidkit.nn.features import collect_features as collect_features
    from pidkit.nn.seeding import own_random_state as own_random_state
    from pidkit.nn.taps import Taps as Taps
    from pidkit.nn.taps import find_layers as find_layers

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Taps": "pidkit.nn.taps",
        "find_layers": "pidkit.nn.taps",
        "collect_features": "pidkit.nn.features",
        "class_activation_maps": "pidkit.nn.class_activation",
        "TrainingBudget": "pidkit.nn.budget",
        "FitReport": "pidkit.nn.early_stopping",
        "own_random_state": "pidkit.nn.seeding",
    },
)
