"""Information planes: I(X;F) against I(F;Y) for the layers of networks while they train.

`tracker` runs the networks and records points, `measurement` turns features into points, `estimators` names the pairs
of estimators, and `schedule` spaces the steps. `pidkit.records` holds what was recorded, without torch.
"""
