"""Solver "scaling": ascent in the weights of the pairs, with matrix products alone, for large problems and GPUs.

`solver` is where it begins, `stacks` runs many problems side by side, `tensors` takes torch tensors. `weight_ascent` is
the method; `matrix_scaling` fits the marginals for given weights, `weight_domain` knows which weights are allowed,
`best_bounds` keeps the best certificate met on the way, `precision` decides when float32 is enough.
"""
