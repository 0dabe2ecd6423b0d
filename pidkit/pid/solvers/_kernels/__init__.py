"""The compiled interior point, numba's one home.

`pairs` holds the arithmetic over all (x1, x2), `newton` the linear system, `cholesky` and `blas` what it is factored
with, `steps` the pieces of one step, `iteration` the method, `bounds` the certificate; `pipeline` strings them together
for one problem and for many.
"""
