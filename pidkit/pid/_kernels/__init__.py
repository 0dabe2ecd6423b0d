"""The compiled interior point, numba's one home.

`pairs` holds the arithmetic over all (x1, x2), `newton` the linear system, `iteration` the method, `bounds` the
certificate, and `pipeline` strings them together for one problem and for many.
"""
