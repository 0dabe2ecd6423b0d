"""The compiled interior point, numba's one home.

`pipeline` strings one solve together, and many; `iteration` is the method, `starts` and `continuation` are where it
begins, `bounds` is the certificate. `steps` has the pieces of one step, `pairs` the arithmetic over all (x1, x2),
`newton` the linear system, `cholesky` and `blas` what it is factored with. `arrays` names what they hand to each other,
`room` makes the memory; `views`, `compiling` and `caching` say how numba is used.
"""
