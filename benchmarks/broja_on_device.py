"""Print seconds to each certified gap for large random marginals on tensors of one device.

python benchmarks/broja_on_device.py [cuda] [1000] [1000]      # device, n_y, n_x1 = n_x2
"""

import sys
import time

import torch
from broja_joints import marginals

from pidkit import solve_broja


def main(device="cuda", n_y="1000", n_x="1000"):
    shape = int(n_y), int(n_x), int(n_x)
    pair = [torch.tensor(p, device=device) for p in marginals(*shape)]
    solve_broja(*pair, solver="scaling", tol=1.0)  # warm up
    for tol in (1e-4, 1e-5, 1e-6):
        began = time.perf_counter()
        found = solve_broja(*pair, solver="scaling", tol=tol, check=False)
        print(
            f"{device} {'x'.join(map(str, shape))}, tol {tol:.0e} bits: {time.perf_counter() - began:.2f} s, "
            f"{found.report.iterations} iterations, certified gap {found.gap:.1e}"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
