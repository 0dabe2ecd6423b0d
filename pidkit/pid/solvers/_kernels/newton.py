"""The Newton system of the interior point: its block structure and its Schur complement.

With pi[y] = q(y|x1,x2) the softmax of lam + mu over y, and kappa = w (1/g - 1), the Hessian is

    H = sum over pairs (x1, x2) of  w diag(pi) + kappa pi pi'   on the variables lam[x1, .], mu[x2, .].

Its lam-lam part is one block for each x1, so the lam blocks are eliminated one by one, and what is left to factor is
the Schur complement on mu. Adding k to every lam[., y] and subtracting it from every
mu[., y] changes nothing (the gauge), so one mu of each y is fixed at its value. The variables are what is left: the lam
on the support of P(y, x1), the mu on that of P(y, x2) but for the fixed ones.

Where two sources nearly agree, most x1 have one partner x2 whose pair has nearly all the curvature, w / g = 1e9.
What decides how lam[x1] and mu[partner] move against one another are the other pairs, with curvatures of 1e-9, and the
difference of large entries in which the Schur complement would show them is all rounding. So the variable in place of
lam[x1] is lam[x1] + mu[partner], on which alone the partners' pair depends: it has no entries beyond its lam block,
those of the other pairs depend on mu[x2] - mu[partner], and nothing large is subtracted. It is the same Newton step.
"""

from __future__ import annotations

from pidkit.pid.solvers._kernels.arrays import Integers, Matrix, Side, Step, System, Tensor, Variables, Vector
from pidkit.pid.solvers._kernels.blas import divide_rows, subtract_gram_of_columns
from pidkit.pid.solvers._kernels.cholesky import backward, cholesky, forward
from pidkit.pid.solvers._kernels.compiling import kernel
from pidkit.pid.solvers._kernels.pairs import copy, fill

FEW_COLUMNS, FEW_ROWS = 6, 32
"""Up to so many columns of the coupling, or rows of a block, plain loops are faster than a call of BLAS."""

RELATIVE_PIVOT = 1e-20
"""A pivot of a lam block that is this share of its diagonal entry or less is rounding, and its direction null."""

DOMINANT = 1e4
"""How many times the curvature of any other pair of an x1 its partner's has; below, differences lose no digits."""

PROXIMAL = 1e-15
"""The curvature added to the mu-mu part, as a share of its diagonal: a few roundings of what is subtracted from it.

Where the optimum is a whole face, as with two sources that are copies of one another, the Schur complement is zero
along it but for rounding, which would send the step anywhere. With more, the step would be too short where the
curvature is small and real.
"""


@kernel()
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
def choose_partners(w: Matrix, kappa: Matrix, partner: Integers) -> None:
    """Choose for each x1 the x2 whose pair has most of the curvature w + kappa = w / g by far, -1 where none has."""
    for i in range(w.shape[0]):
        best, largest, second = -1, 0.0, 0.0
        for j in range(w.shape[1]):
            curvature = w[i, j] + kappa[i, j] if w[i, j] > 0.0 else 0.0  # off the active pairs kappa means nothing
            if curvature > largest:
                best, largest, second = j, curvature, largest
            elif curvature > second:
                second = curvature
        partner[i] = best if largest > DOMINANT * second else -1


@kernel()
def assemble(pi: Tensor, w: Matrix, kappa: Matrix, system: System) -> None:
    """Fill the parts of the Hessian: blocks, coupling and schur, of blocks and schur the lower triangles only."""
    rows, columns, blocks, coupling = system.rows, system.columns, system.blocks, system.coupling
    schur, here, there = system.schur, system.room1, system.room2
    n_1, n_2, _ = pi.shape
    choose_partners(w, kappa, system.partner)
    for i in range(n_1):
        fill(blocks[i], 0.0)
    for k in range(system.n_mu):
        for z in range(k + 1):
            schur[k, z] = 0.0
    for i in range(n_1):
        n, row, p = rows.number[i], rows.offset[i], system.partner[i]
        for turn in range(n_2):
            j = p + 1 + turn  # the partner last
            if j >= n_2:
                j -= n_2
            m, column = columns.number[j], columns.offset[j]
            weight, scale = w[i, j], kappa[i, j]
            if j == p:
                m = 0  # what its pair has beyond the block is what the other pairs leave to it
                _add_beside_partner(i, p, system)
            elif weight == 0.0:
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
def _add_beside_partner(i: int, p: int, system: System) -> None:
    """Fill the columns of the partner p of i, and add its part of schur, once all other pairs of i are in place.

    Those pairs depend on mu[x2] - mu[p]: the columns of p hold minus the sum of theirs, which is the lam block so far.
    """
    rows, columns, coupling, schur, block = system.rows, system.columns, system.coupling, system.schur, system.blocks[i]
    row, first = rows.offset[i], columns.offset[p]
    last = first + columns.number[p]
    for z in range(first, last):
        met = -1
        for k in range(rows.number[i]):
            coupling[row + k, z] = 0.0
            if rows.support[i, k] == columns.support[p, z - first]:
                met = k
        if met < 0:
            continue
        for k in range(rows.number[i]):
            coupling[row + k, z] = -block[max(k, met), min(k, met)]
        for column in range(system.n_mu):
            if column <= z or column >= last:
                schur[max(z, column), min(z, column)] -= coupling[row + met, column]


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


@kernel()
def divide_few_rows(lower: Matrix, n: int, x: Matrix, start: int, width: int) -> None:
    """Do what `blas.divide_rows` does, without BLAS."""
    for k in range(n):
        for m in range(k):
            for column in range(width):
                x[start + k, column] -= lower[k, m] * x[start + m, column]
        inverse = 1.0 / lower[k, k]
        for column in range(width):
            x[start + k, column] *= inverse


@kernel()
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
    """Add the solution of H x = (side.b1, side.b2) to the step; side.b1 is zero off the support.

    In the variables of the system, lam[x1] + mu[partner] and mu, the side of mu is b2 less the b1 of its partners.
    """
    rows, columns, partner, x2 = system.rows, system.columns, system.partner, system.x2
    _gather(side.b1, rows, system.x1)
    _gather(side.b2, columns, x2)
    for i in range(partner.size):
        p = partner[i]
        for z in range(columns.number[p] if p >= 0 else 0):
            x2[columns.offset[p] + z] -= side.b1[i, columns.support[p, z]]
    solve(system)
    _scatter(system.x1, rows, step.joint)
    _scatter(x2, columns, step.mu)
    copy(step.joint, step.lam)
    for i in range(partner.size):
        for y in range(step.lam.shape[1] if partner[i] >= 0 else 0):
            step.lam[i, y] -= step.mu[partner[i], y]  # off the support of i, where lam is -inf, this changes nothing


@kernel()
def _gather(table: Matrix, variables: Variables, x: Vector) -> None:
    """Read the free entries of a table into a vector."""
    for i in range(table.shape[0]):
        for k in range(variables.number[i]):
            x[variables.offset[i] + k] = table[i, variables.support[i, k]]


@kernel()
def _scatter(x: Vector, variables: Variables, table: Matrix) -> None:
    """Add a vector to the free entries of a table."""
    for i in range(table.shape[0]):
        for k in range(variables.number[i]):
            table[i, variables.support[i, k]] += x[variables.offset[i] + k]
