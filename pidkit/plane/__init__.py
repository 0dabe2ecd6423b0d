"""Information planes: I(X;F) against I(F;Y) for the layers of networks while they train.

`tracker` measures, `estimators` says with what, `schedule` when. What was measured is a `PlaneTrajectory` of
`pidkit.records`, which is read and drawn without torch.
"""

from typing import TYPE_CHECKING

from pidkit._lazy import attach

if TYPE_CHECKING:
    from pidkit.plane.estimators import PLANE_ESTIMATORS as PLANE_ESTIMATORS
    from pidkit.plane.estimators import PlaneEstimator as PlaneEstimator
    from pidkit.plane.estimators import plane_estimator as plane_estimator
    from pidkit.plane.schedule import log_spaced_steps as log_spaced_steps
    from pidkit.plane.tracker import InformationPlane as InformationPlane

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "InformationPlane": "pidkit.plane.tracker",
        "PlaneEstimator": "pidkit.plane.estimators",
        "plane_estimator": "pidkit.plane.estimators",
        "PLANE_ESTIMATORS": "pidkit.plane.estimators",
        "log_spaced_steps": "pidkit.plane.schedule",
    },
)
