"""Codes in torch: hard ones are the quantiser's, soft ones by hand, heads, state, dtypes, and what is refused."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from pidkit import InputError, RepresentationCodes
from pidkit.distill import Codes, LayerPair, LogitCodes, NearestCentres, Outputs, SoftCodes, tap

VECTORS = LayerPair("fc", "fc", (4,), (3,))
MAPS = LayerPair("block", "block", (4, 2, 2), (3, 4, 5))


def outputs(features: torch.Tensor, name: str = "layer") -> Outputs:
    return Outputs(features, {name: features})


def draw(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def seeded(build: Callable[..., Any]) -> SoftCodes | nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build()


def network() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(48, 4))


@settings(max_examples=25)
@given(
    seed=st.integers(0, 1000),
    n_pca=st.sampled_from([None, 2, 5]),
    normalise=st.booleans(),
    scale=st.sampled_from([1e-200, 1e-3, 1.0, 1e5]),
    shift=st.sampled_from([0.0, 1e3]),
)
def test_hard_codes_are_those_of_the_quantiser(
    seed: int, n_pca: int | None, normalise: bool, scale: float, shift: float
) -> None:
    assume(normalise or scale > 1e-140)  # squared distances would underflow, which quantisers refuse
    rows = (np.random.default_rng(seed).standard_normal((60, 3, 4)) + shift) * scale
    quantiser = RepresentationCodes(n_pca, 5, normalise=normalise, n_init=1).fit(rows[:40])
    codes = NearestCentres("layer", quantiser)
    found = codes(outputs(torch.tensor(rows)))
    assert found.dtype == torch.float64
    assert found.shape == (60, quantiser.n_codes_)
    assert (found.sum(1) == 1.0).all()
    np.testing.assert_array_equal(found.argmax(1).numpy(), quantiser.codes(rows))


def test_a_row_of_zeros_has_a_code_and_equally_near_centres_give_the_first() -> None:
    rows = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    quantiser = RepresentationCodes(None, 3, normalise=True).fit(rows)
    codes = NearestCentres("layer", quantiser)
    tie = np.array([[1.0, 1.0], [0.0, 0.0]])  # (1, 1) / sqrt(2) is as far from (1, 0) as from (0, 1)
    np.testing.assert_array_equal(codes(outputs(torch.tensor(tie))).argmax(1).numpy(), quantiser.codes(tie))


def test_soft_codes_by_hand() -> None:
    """Centres 0 and 2, temperature 4: a sample at .5 has squared distances .25 and 2.25, so odds e^(2 / 4)."""
    quantiser = RepresentationCodes(None, 2).fit(np.array([[0.0], [2.0]]))
    codes = NearestCentres("layer", quantiser, temperature=4.0)
    zero = int(quantiser.codes(np.array([[0.0]]))[0])
    found = codes(outputs(torch.tensor([[0.5]])))[0]
    assert float(found[zero]) == pytest.approx(1.0 / (1.0 + np.exp(-0.5)), abs=1e-12)


def test_soft_codes_become_hard_as_the_temperature_falls() -> None:
    rows = draw(50, 6)
    quantiser = RepresentationCodes(3, 4).fit(rows)
    soft, hard = NearestCentres("layer", quantiser, temperature=1e-6), NearestCentres("layer", quantiser)
    torch.testing.assert_close(soft(outputs(rows)), hard(outputs(rows)), atol=1e-9, rtol=0)


@pytest.mark.parametrize("wrapped", [False, True])
def test_fit_reads_a_layer_and_leaves_the_network_as_it_was(wrapped: bool) -> None:
    teacher, student = seeded(network), seeded(network)
    before = copy.deepcopy(teacher.state_dict())
    x = draw(30, 1, 6, 6)
    state = torch.get_rng_state()
    with tap(teacher=teacher, student=student, layers="2", example=x[:2]) as networks:
        codes = NearestCentres.fit(networks if wrapped else teacher, "2", x, n_codes=4, n_pca=3, batch_size=7)
        found = codes(networks(x).teacher)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[key]) for key, value in teacher.state_dict().items())
    with torch.no_grad():
        features = teacher[:3].eval()(x)
    quantiser = RepresentationCodes(3, 4, normalise=True).fit(features)
    np.testing.assert_array_equal(found.argmax(1).numpy(), quantiser.codes(features))
    nearest = codes._distances(features).min(1).values
    assert float(codes.spread) == pytest.approx(float(nearest.mean()), rel=1e-9)


def test_the_state_brings_the_centres_back() -> None:
    first, second = (NearestCentres("layer", RepresentationCodes(2, 3).fit(draw(20, 5, seed=s))) for s in (1, 2))
    rows = outputs(draw(40, 5))
    assert not torch.equal(first(rows), second(rows))
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(rows), second(rows))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_codes_are_of_float64_whatever_the_features_and_the_module_are(dtype: torch.dtype) -> None:
    rows = draw(20, 5).to(dtype)
    codes = NearestCentres("layer", RepresentationCodes(2, 3).fit(rows)).to(torch.bfloat16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert codes(outputs(rows)).dtype == torch.float64


def test_logit_codes_by_hand() -> None:
    logits = torch.tensor([[0.0, np.log(3.0)], [1.0, 0.0]])
    assert LogitCodes(2)(outputs(logits)).tolist() == [[0.0, 1.0], [1.0, 0.0]]
    soft = LogitCodes(2, temperature=1.0)(outputs(logits))
    assert soft[0].tolist() == pytest.approx([0.25, 0.75], abs=1e-7)  # 1 : 3
    half = LogitCodes(2, temperature=0.5)(outputs(logits))
    assert half[0].tolist() == pytest.approx([0.1, 0.9], abs=1e-7)  # 1 : 3^2


def test_soft_codes_pool_or_flatten_and_read_tokens() -> None:
    maps = draw(7, 3, 4, 5)
    pooled, flat = (seeded(lambda pool=pool: SoftCodes(MAPS, 6, pool=pool)) for pool in (True, False))
    assert pooled.head.linear.in_features == 3
    assert flat.head.linear.in_features == 60
    by_hand = torch.softmax(pooled.head.linear(maps.mean((2, 3))).double(), 1)
    torch.testing.assert_close(pooled(outputs(maps, "block")), by_hand, atol=1e-6, rtol=0)
    assert flat(outputs(maps, "block")).shape == (7, 6)
    tokens = seeded(lambda: SoftCodes(LayerPair("t", "t", (9, 8), (5, 3)), 2))
    assert tokens(outputs(draw(7, 5, 3), "t")).shape == (7, 2)


def test_soft_codes_learn_through_half_precision() -> None:
    codes = seeded(lambda: SoftCodes(VECTORS, 4, temperature=2.0))
    features = draw(5, 3).requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = codes(outputs(features, "fc"))
    assert found.dtype == torch.float64
    found[:, 0].sum().backward()
    assert features.grad.abs().sum() > 0
    assert codes.head.linear.weight.grad.dtype == torch.float32
    assert torch.get_default_dtype() == torch.float32


def test_gradcheck_of_soft_codes() -> None:
    codes = seeded(lambda: SoftCodes(VECTORS, 4).double())
    nearest = NearestCentres("fc", RepresentationCodes(2, 4).fit(draw(20, 3)), temperature=1.0)
    features = draw(5, 3, dtype=torch.float64).requires_grad_()
    for each in (codes, nearest):
        assert torch.autograd.gradcheck(lambda x, each=each: each(outputs(x, "fc")), (features,))


FITTED = RepresentationCodes(2, 3).fit(np.random.default_rng(0).standard_normal((20, 5)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: NearestCentres("layer", RepresentationCodes()), "quantiser must be a fitted RepresentationCodes"),
        (lambda: NearestCentres("layer", FITTED, temperature=0.0), "temperature must be a finite number > 0"),
        (lambda: NearestCentres("layer", FITTED)(outputs(draw(4, 6))), "'layer' has 6 features .* fitted on 5"),
        (lambda: NearestCentres("layer", FITTED)(outputs(draw(4, 5), "fc")), "layer 'layer' is not tapped"),
        (lambda: NearestCentres.fit(network(), "*", draw(9, 1, 6, 6)), r"layer '\*' stands for 4 layers; name one"),
        (lambda: NearestCentres.fit(network(), "9", draw(9, 1, 6, 6)), "'9', which fits no layer"),
        (lambda: LogitCodes(1), "n_codes must be a whole number >= 2, not 1; one code holds no information"),
        (lambda: LogitCodes(3, temperature=float("nan")), "temperature must be a finite number > 0"),
        (lambda: LogitCodes(3)(outputs(draw(4, 2))), r"logits must have shape \(n, 3\)"),
        (lambda: SoftCodes(VECTORS, 1), "n_codes must be a whole number >= 2, not 1; one code holds no information"),
        (lambda: SoftCodes(VECTORS, 2, temperature=-1.0), "temperature must be a finite number > 0"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_in_one_line(call: Callable[..., Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_several_teachers_have_to_be_told_apart() -> None:
    example = draw(2, 1, 6, 6)
    teachers = {"one": seeded(network), "two": seeded(network)}
    layers = {"one": "2", "two": "2"}
    with tap(teacher=teachers, student=seeded(network), layers=layers, example=example) as networks:
        with pytest.raises(InputError, match="networks hold the teachers 'one', 'two'; pass the model of one"):
            NearestCentres.fit(networks, "2", draw(9, 1, 6, 6))
        teacher: Any = networks.teachers["two"].model
    found = NearestCentres.fit(teacher, "2", draw(9, 1, 6, 6), n_codes=2)
    assert found.n_codes == 2


def test_codes_of_ones_own_say_what_they_lack() -> None:
    with pytest.raises(NotImplementedError, match=r"Codes must define forward\(outputs\)"):
        Codes()(outputs(draw(2, 2)))
