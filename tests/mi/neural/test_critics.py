"""Critics: scores of all pairs, each that of its pair alone, places kept apart."""

import pytest
import torch

from pidkit import InputError
from pidkit.mi.neural.critics import (
    CRITICS,
    ConcatenateAndConvolve,
    ConcatenatedCritic,
    ProjectAndDot,
    SeparableCritic,
)

MAP, VECTOR = (3, 2, 2), (5,)


def draws(n: int, shape: tuple[int, ...]) -> torch.Tensor:
    return torch.randn(n, *shape, generator=torch.Generator().manual_seed(n))


@pytest.mark.parametrize("kind", [SeparableCritic, ConcatenatedCritic])
def test_flat_critics_score_every_pair(kind: type[ConcatenatedCritic] | type[SeparableCritic]) -> None:
    critic = kind(MAP, VECTOR)
    scores = critic(draws(4, MAP), draws(6, VECTOR))
    assert scores.shape == (4, 6)
    assert critic(draws(4, MAP)[2:3], draws(6, VECTOR)[5:]).item() == pytest.approx(scores[2, 5].item(), abs=1e-6)


@pytest.mark.parametrize("kind", [ProjectAndDot, ConcatenateAndConvolve])
@pytest.mark.parametrize(("shape_a", "shape_b"), [(MAP, VECTOR), (VECTOR, MAP), (MAP, (4, 2, 2)), (VECTOR, VECTOR)])
def test_critics_of_maps_score_every_pair_at_every_place(
    kind: type[ConcatenateAndConvolve] | type[ProjectAndDot], shape_a: tuple[int, ...], shape_b: tuple[int, ...]
) -> None:
    critic = kind(shape_a, shape_b, width=8)
    a, b = draws(4, shape_a), draws(6, shape_b)
    scores = critic(a, b)
    places = 1 if shape_a == shape_b == VECTOR else 4
    assert scores.shape == (places, 4, 6)
    for place in range(places):
        here = [x.flatten(2)[..., place] if x.ndim > 2 else x for x in (a, b)]
        alone = critic(here[0][1:2], here[1][3:4])
        assert alone.item() == pytest.approx(scores[place, 1, 3].item(), abs=1e-5)


@pytest.mark.parametrize("kind", [ProjectAndDot, ConcatenateAndConvolve])
@pytest.mark.parametrize(("shape_a", "shape_b"), [(MAP, VECTOR), (VECTOR, MAP), (MAP, (4, 2, 2)), (VECTOR, VECTOR)])
def test_diagonals_are_those_of_the_matrix_of_scores(
    kind: type[ConcatenateAndConvolve] | type[ProjectAndDot], shape_a: tuple[int, ...], shape_b: tuple[int, ...]
) -> None:
    critic = kind(shape_a, shape_b, width=8)
    a, b = draws(5, shape_a), draws(5, shape_b).flip(0)
    scores, shifts = critic(a, b), (0, 1, 4)
    some = critic.diagonals(a, b, shifts)
    rows = torch.arange(5)
    expected = torch.stack([scores[:, rows, (rows + shift) % 5] for shift in shifts])
    assert some.shape == expected.shape
    torch.testing.assert_close(some, expected, rtol=0, atol=1e-5)


def test_the_projections_are_normalised_before_the_product() -> None:
    critic = ProjectAndDot(VECTOR, VECTOR, width=16)
    assert critic(1e4 * draws(50, VECTOR), 1e4 * draws(50, VECTOR)).abs().max() <= 16**0.5 + 1e-3


def test_a_first_layer_apart_is_a_layer_of_both() -> None:
    critic = ConcatenatedCritic(VECTOR, (2,))
    a, b = draws(1, VECTOR), draws(1, (2,))
    joined = torch.cat([critic.first_a.weight, critic.first_b.weight], 1) @ torch.cat([a[0], b[0]])
    assert critic(a, b).item() == pytest.approx(critic.rest(joined + critic.first_a.bias).item(), abs=1e-6)


@pytest.mark.parametrize("kind", [ProjectAndDot, ConcatenateAndConvolve])
def test_maps_of_different_sizes_are_refused(kind: type[ConcatenateAndConvolve] | type[ProjectAndDot]) -> None:
    with pytest.raises(InputError, match=r"^a and b must have as many places: they have 4 and 9; pool one of them, or"):
        kind(MAP, (3, 3, 3))


def test_the_table_of_critics_builds_all() -> None:
    for name, kind in CRITICS.items():
        assert isinstance(kind((2,), (2,)), torch.nn.Module), name
