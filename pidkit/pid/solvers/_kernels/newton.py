"""The Newton system of the interior point: its block structure and its Schur complement.

With pi[y] = q(y|x1,x2) the softmax of lam + mu over y, and kappa = w (1/g - 1), the Hessian is

    H = sum over pairs (x1, x2) of  w diag(pi) + kappa pi pi'   on the variables lam[x1, .], mu[x2, .].

Its lam-lam part is one block for each x1 and its mu-mu part one for each x2, so the lam blocks are eliminated one by
one, and what is left to factor is the Schur complement on mu. Adding k to every lam[., y] and subtracting it from every
mu[., y] changes nothing (the gauge), so one mu of each y is fixed at its value. The variables are what is left: the lam
on the support of P(y, x1), the mu on that of P(y, x2) but for the fixed ones.
"""

from __future__ import annotations

from pidkit.pid.solvers._kernels.arrays import Integers, Matrix, Side, Step, System, Tensor, Variables, Vector
from pidkit.pid.solvers._kernels.blas import divide_rows, subtract_gram_of_columns
from pidkit.pid.solvers._kernels.cholesky import backward, cholesky, forward
from pidkit.pid.solvers._kernels.compiling import inlined, kernel
from pidkit.pid.solvers._kernels.pairs import fill

FEW_COLUMNS, FEW_ROWS = 6, 32
"""Up to so many columns of the coupling, or rows of a block, plain loops are faster than a call of BLAS."""

RELATIVE_PIVOT = 1e-20
"""A pivot of a lam block that is this share of its diagonal entry or less is rounding, and its direction null."""

PROXIMAL = 1e-15
"""The curvature added to the mu-mu part, as a share of its diagonal: a few roundings of what is subtracted from it.

Where the optimum is a whole face, as with two sources that are copies of one another, the Schur complement is zero
along it but for rounding, which would send the step anywhere. With more, the step would be too short where the
curvature is small and real.
"""


@inlined
def fix_gauge(p2: Matrix, fixed: Integers) -> None:
    """Choose for each y the x2 whose mu is fixed: the one with the most mass, which conditions the system best."""
    for y in range(p2.shape[1]):
        fixed[y] = 0
        for j in range(p2.shape[0]):
            if p2[j, y] > p2[fixed[y], y]:
                fixed[y] = j


@kernel()
def number_variables(p: Matrix, fixed: Integers, variables: Variables) -> int:
    """Number the free potentials of one source: those on the support of p, but for x = fixed[y]; return how many."""
    support, count, offset = variables
    total = 0
    for x in range(p.shape[0]):
        offset[x] = total
        n = 0
        for y in range(p.shape[1]):
            if p[x, y] > 0.0 and fixed[y] != x:
                support[x, n] = y
                n += 1
        count[x] = n
        total += n
    return total


@kernel()
def assemble(pi: Tensor, w: Matrix, kappa: Matrix, system: System) -> None:
    """Fill the parts of the Hessian: blocks, coupling and schur, of blocks and schur the lower triangles only."""
    rows, columns, blocks, coupling = system.rows, system.columns, system.blocks, system.coupling
    schur, here, there = system.schur, system.room1, system.room2
    n_1, n_2, _ = pi.shape
    for i in range(n_1):
        fill(blocks[i], 0.0)
    for k in range(system.n_mu):
        for z in range(k + 1):
            schur[k, z] = 0.0
    for i in range(n_1):
        n, row = rows.number[i], rows.offset[i]
        for j in range(n_2):
            m, column = columns.number[j], columns.offset[j]
            weight, scale = w[i, j], kappa[i, j]
            if weight == 0.0:
                for k in range(n):
                    for z in range(m):
                        coupling[row + k, column + z] = 0.0
                continue
            for k in range(n):
                here[k] = pi[i, j, rows.support[i, k]]
            for z in range(m):
                there[z] = pi[i, j, columns.support[j, z]]
            for k in range(n):
                left = scale * here[k]
                for z in range(k):
                    blocks[i, k, z] += left * here[z]
                blocks[i, k, k] += (left + weight) * here[k]
                for z in range(m):
                    coupling[row + k, column + z] = left * there[z]
            same = 0  # walks along the support of x1 until it meets that of x2
            for z in range(m):
                left = scale * there[z]
                for y in range(z):
                    schur[column + z, column + y] += left * there[y]
                schur[column + z, column + z] += (left + weight) * there[z]
                while same < n and rows.support[i, same] < columns.support[j, z]:
                    same += 1
                if same < n and rows.support[i, same] == columns.support[j, z]:
                    coupling[row + same, column + z] += weight * there[z]


@kernel()
def factor(system: System) -> None:
    """Factor the system in place: Cholesky factors of the lam blocks, then of the Schur complement.

    On return `blocks` holds L1 with L1 L1' = H11 block by block, `coupling` holds L1^-1 H12, and the lower triangle of
    `schur` holds the Cholesky factor of H22 - H21 H11^-1 H12.
    """
    rows, blocks, coupling, schur, least = system.rows, system.blocks, system.coupling, system.schur, system.room1
    n = system.n_mu
    for i in range(rows.number.size):
        count = rows.number[i]
        for k in range(count):
            least[k] = RELATIVE_PIVOT * blocks[i, k, k]
        cholesky(blocks[i], count, least)
        if n > FEW_COLUMNS and count > FEW_ROWS:
            divide_rows(blocks[i], count, coupling, rows.offset[i], n)
        else:
            divide_few_rows(blocks[i], count, coupling, rows.offset[i], n)
    for k in range(n):  # a pivot that is no more than what is added here is rounding alone
        least[k] = PROXIMAL * schur[k, k]
        schur[k, k] *= 1.0 + PROXIMAL
    if n > FEW_COLUMNS:
        subtract_gram_of_columns(schur, n, coupling, system.n_lam)
    else:
        for k in range(system.n_lam):
            for row in range(n):
                for column in range(row + 1):
                    schur[row, column] -= coupling[k, row] * coupling[k, column]
    cholesky(schur, n, least)


@inlined
def divide_few_rows(lower: Matrix, n: int, x: Matrix, start: int, width: int) -> None:
    """Do what `blas.divide_rows` does, without BLAS."""
    for k in range(n):
        for m in range(k):
            for column in range(width):
                x[start + k, column] -= lower[k, m] * x[start + m, column]
        inverse = 1.0 / lower[k, k]
        for column in range(width):
            x[start + k, column] *= inverse


@inlined
def solve(system: System) -> None:
    """Replace (x1, x2) by H^-1 (x1, x2), with the factors of `factor`."""
    rows, blocks, coupling, schur, x1, x2 = (
        system.rows,
        system.blocks,
        system.coupling,
        system.schur,
        system.x1,
        system.x2,
    )
    n = system.n_mu
    for i in range(rows.number.size):
        forward(blocks[i], rows.number[i], x1, rows.offset[i])
    for k in range(system.n_lam):
        for column in range(n):
            x2[column] -= coupling[k, column] * x1[k]
    forward(schur, n, x2, 0)
    backward(schur, n, x2, 0)
    for k in range(system.n_lam):
        total = 0.0
        for column in range(n):
            total += coupling[k, column] * x2[column]
        x1[k] -= total
    for i in range(rows.number.size):
        backward(blocks[i], rows.number[i], x1, rows.offset[i])


@kernel()
def add_solution(system: System, side: Side, step: Step) -> None:
    """Add the solution of H x = (side.b1, side.b2) to (step.lam, step.mu), on the free variables."""
    _gather(side.b1, system.rows, system.x1)
    _gather(side.b2, system.columns, system.x2)
    solve(system)
    _scatter(system.x1, system.rows, step.lam)
    _scatter(system.x2, system.columns, step.mu)


@inlined
def _gather(table: Matrix, variables: Variables, x: Vector) -> None:
    """Read the free entries of a table into a vector."""
    for i in range(table.shape[0]):
        for k in range(variables.number[i]):
            x[variables.offset[i] + k] = table[i, variables.support[i, k]]


@inlined
def _scatter(x: Vector, variables: Variables, table: Matrix) -> None:
    """Add a vector to the free entries of a table."""
    for i in range(table.shape[0]):
        for k in range(variables.number[i]):
            table[i, variables.support[i, k]] += x[variables.offset[i] + k]
