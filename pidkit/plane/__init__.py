"""Information planes: I(X;F) against I(F;Y) for the layers of networks while they train.

`trajectory` holds what was measured, without torch; `tracker` measures; `estimators` says with what; `schedule` when.
"""
