"""Salient masks: exactly k entries whatever the ties, K = 1 exactly, Proposition 1 for -inf and not for zeros."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pidkit import InputError
from pidkit.distill import Batch, CrossEntropy, Networks
from pidkit.distill.objectives.fitnet import FitNet
from pidkit.distill.objectives.logits import KD
from pidkit.distill.objectives.masking import SalientMask
from pidkit.distill.salience import keep_top, n_kept, top_fraction_mask
from tests.distill.objectives.cases import conv_networks, random_batch

FRACTIONS = st.floats(0.01, 1.0)


def entropy(logits: torch.Tensor) -> torch.Tensor:
    """Of the softmax, in nats."""
    p = logits.softmax(-1)
    return torch.special.entr(p).sum(-1)


# The mask


def test_by_value_and_by_magnitude_by_hand() -> None:
    x = torch.tensor([[1.0, -4.0, 3.0, 2.0], [0.0, 0.5, -0.1, -0.2]])
    assert keep_top(x, 0.5).tolist() == [[0.0, 0.0, 3.0, 2.0], [0.0, 0.5, 0.0, 0.0]]
    assert keep_top(x, 0.5, by="magnitude")[0].tolist() == [0.0, -4.0, 3.0, 0.0]
    assert keep_top(x, 0.25, fill=-math.inf)[0].tolist() == [-math.inf, -math.inf, 3.0, -math.inf]


@pytest.mark.parametrize(("keep", "n", "k"), [(0.07, 100, 7), (0.7, 10, 7), (0.3, 10, 3), (1e-9, 5, 1), (0.21, 5, 2)])
def test_the_number_kept_is_free_of_rounding(keep: float, n: int, k: int) -> None:
    assert n_kept(keep, n) == k


@given(
    x=arrays(
        np.float32, st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(1, 5)), elements=st.integers(-2, 2)
    ),
    keep=FRACTIONS,
    by=st.sampled_from(["value", "magnitude"]),
)
def test_exactly_k_of_each_sample_whatever_the_ties_and_none_greater_is_dropped(
    x: np.ndarray, keep: float, by: str
) -> None:
    rows = torch.tensor(x)
    mask = top_fraction_mask(rows, keep, by=by)  # type: ignore[arg-type]
    assert mask.shape == rows.shape
    ranked = (rows.abs() if by == "magnitude" else rows).flatten(1)
    for row, kept in zip(ranked, mask.flatten(1), strict=True):
        assert int(kept.sum()) == n_kept(keep, len(row))
        if not kept.all():
            assert row[kept].min() >= row[~kept].max()
        # Of equal entries the first: what is kept is what a stable sort puts first.
        order = torch.sort(row, descending=True, stable=True).indices[: int(kept.sum())]
        assert set(order.tolist()) == set(kept.nonzero().flatten().tolist())


def test_channels_and_places_of_a_sample_are_ranked_together() -> None:
    x = torch.zeros(2, 2, 2, 2)
    x[0, 1] = torch.tensor([[5.0, -6.0], [7.0, 8.0]])
    x[1, :, 0, 0] = torch.tensor([-1.0, 2.0])
    mask = top_fraction_mask(x, 0.25, by="magnitude")
    assert mask[0].nonzero().tolist() == [[1, 1, 0], [1, 1, 1]]
    assert mask[1].nonzero().tolist() == [[0, 0, 0], [1, 0, 0]]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_dtypes(dtype: torch.dtype) -> None:
    x = torch.tensor([[1.0, -4.0, 3.0, 2.0]], dtype=dtype)
    assert keep_top(x, 0.5, fill=-math.inf).dtype == dtype
    assert top_fraction_mask(x, 0.5).tolist() == [[False, False, True, True]]


def test_a_nan_is_not_hidden() -> None:
    assert keep_top(torch.tensor([[1.0, math.nan, 3.0], [1.0, 2.0, 3.0]]), 0.3).isnan().any(1).tolist() == [True, False]


# Proposition 1 of SFKD


@given(
    logits=arrays(np.float64, st.integers(2, 30), elements=st.floats(-20.0, 20.0)),
    keep=FRACTIONS,
    tau=st.floats(0.1, 20.0),
)
def test_minus_infinity_never_makes_the_teacher_more_uniform(logits: np.ndarray, keep: float, tau: float) -> None:
    whole = torch.tensor(logits)[None]
    masked = keep_top(whole, keep, fill=-math.inf)
    assert float(entropy(masked / tau)) <= float(entropy(whole / tau)) + 1e-9
    # The reason: the masked probabilities majorise the whole ones, their i greatest add up to at least as much.
    sums = [x.div(tau).softmax(-1).sort(descending=True).values.cumsum(-1) for x in (masked, whole)]
    assert bool((sums[0] >= sums[1] - 1e-12).all())


def share_of_rises(n_classes: int, keep: float, scale: float) -> float:
    """In how many of 4000 Gaussian draws zeros raise the entropy."""
    draws = torch.randn(4000, n_classes, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * scale
    return float((entropy(keep_top(draws, keep)) > entropy(draws)).double().mean())


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0, 3.0])
@pytest.mark.parametrize(("n_classes", "keep"), [(100, 0.5), (100, 0.7), (100, 0.9), (10, 0.8), (10, 0.9)])
def test_zeros_make_the_teacher_more_uniform_in_nearly_all_draws(n_classes: int, keep: float, scale: float) -> None:
    """The counterexample to Proposition 1 as printed: a zero is greater than the negative logits that it replaces."""
    assert share_of_rises(n_classes, keep, scale) >= 0.99


def test_zeros_do_not_always_make_it_more_uniform() -> None:
    """Where few are kept and logits are far apart, most of what is dropped was positive: measured 0 to 6 %."""
    assert share_of_rises(100, 0.1, 2.0) < 0.1
    assert share_of_rises(100, 0.1, 3.0) < 0.01


def test_zeros_raise_a_negative_logit_by_hand() -> None:
    # (1, -1) keeps 1 and raises -1 to 0: probabilities (.881, .119) become (.731, .269).
    masked = keep_top(torch.tensor([[1.0, -1.0]]), 0.5)
    assert masked.tolist() == [[1.0, 0.0]]
    assert float(entropy(masked)) == pytest.approx(0.582203, abs=1e-5)
    assert float(entropy(torch.tensor([[1.0, -1.0]]))) == pytest.approx(0.365334, abs=1e-5)


# The wrapped objective

LABELS = torch.tensor([0, 1, 2, 0])


@pytest.fixture
def networks() -> Networks:
    torch.manual_seed(0)
    return conv_networks()


@pytest.fixture
def batch(networks: Networks) -> Batch:
    torch.manual_seed(1)
    return random_batch(networks, 4, torch.float32)


@pytest.mark.parametrize("fill", ["-inf", "zero"])
def test_keep_one_is_the_objective_to_the_bit_with_its_gradients(networks: Networks, batch: Batch, fill: str) -> None:
    for objective, read in ((KD(), batch.student.logits), (FitNet(networks.pairs), batch.student.layer("first"))):
        found = []
        for each in (objective, SalientMask(objective, keep=1.0, fill=fill)):  # type: ignore[arg-type]
            loss = each(batch, LABELS)
            found.append((loss, *torch.autograd.grad(loss, read)))
        assert all(torch.equal(plain, masked) for plain, masked in zip(*found, strict=True))


def test_the_objective_sees_masked_logits_and_layers(networks: Networks, batch: Batch) -> None:
    # By hand: k = ceil(.5 * 3) = 2 logits; of each layer half the entries, the rest 0.
    teacher = batch.teacher
    order = teacher.logits.argsort(1)
    wanted = teacher.logits.clone().scatter_(1, order[:, :1], -math.inf)
    p, q = (wanted / 4).softmax(1), (batch.student.logits / 4).log_softmax(1)
    by_hand = 16 * (torch.special.xlogy(p, p) - p * q).sum(1).mean()
    assert torch.allclose(SalientMask(KD(), keep=0.5)(batch, LABELS), by_hand)

    hint = FitNet(networks.pairs)
    total = torch.zeros(())
    for pair, regressor in zip(networks.pairs, hint.regressors, strict=True):
        layer = teacher.layer(pair.teacher_layer).flatten(1)
        least = layer.abs().sort(1, descending=True).values[:, math.ceil(layer.shape[1] / 2) - 1, None]
        masked = torch.where(layer.abs() >= least, layer, 0.0).reshape(4, pair.teacher_channels, -1)
        total = total + (masked - regressor(batch.student.layer(pair.student_layer).flatten(2))).square().mean()
    assert torch.allclose(SalientMask(hint, keep=0.5)(batch, LABELS), total)


def test_logits_and_layers_can_be_left_whole(networks: Networks, batch: Batch) -> None:
    assert torch.equal(SalientMask(KD(), keep=0.4, logits="none")(batch, LABELS), KD()(batch, LABELS))
    hint = FitNet(networks.pairs)
    assert torch.equal(SalientMask(hint, keep=0.4, layers=())(batch, LABELS), hint(batch, LABELS))
    one = FitNet(networks.pairs[:1])
    assert torch.equal(SalientMask(one, keep=0.4, layers="second")(batch, LABELS), one(batch, LABELS))
    first = SalientMask(one, keep=0.4, layers=["first"])(batch, LABELS)
    assert torch.equal(first, SalientMask(one, keep=0.4)(batch, LABELS))
    assert not torch.equal(first, one(batch, LABELS))


@pytest.mark.parametrize("fill", ["-inf", "zero"])
@pytest.mark.parametrize("logits", ["value", "magnitude"])
def test_gradients_of_masked_kd_are_finite(batch: Batch, fill: str, logits: str) -> None:
    loss = SalientMask(KD(temperature=1.0), keep=0.3, fill=fill, logits=logits)(batch, LABELS)  # type: ignore[arg-type]
    (gradient,) = torch.autograd.grad(loss, batch.student.logits)
    assert torch.isfinite(loss)
    assert torch.isfinite(gradient).all()


def test_the_wrapped_objective_keeps_its_parameters_epoch_and_state(networks: Networks) -> None:
    inner = FitNet(networks.pairs)
    assert SalientMask(inner, keep=0.5).groups() == inner.groups()
    scheduled = SalientMask(KD(temperature=lambda epoch: 9.0 - epoch), keep=0.5)
    scheduled.set_epoch(3)
    assert scheduled.objective.temperature == 6.0
    assert "keep=0.5, logits='value', fill='-inf', layers='all'" in repr(scheduled)
    assert "layers=['a', 'b']" in repr(SalientMask(KD(), keep=0.5, layers=["b", "a"]))


def test_masked_layers_are_a_mapping_of_the_tapped_ones(batch: Batch) -> None:
    masked = SalientMask(KD(), keep=0.5)._masked(batch.teacher, torch.zeros(0))
    assert list(masked.layers) == list(batch.teacher.layers)
    assert len(masked.layers) == 2
    with pytest.raises(InputError, match=r"layer 'third' is not tapped \(tapped: 'first', 'second'\)"):
        masked.layer("third")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"keep": 0.0}, r"keep must be a number in \(0, 1\], not 0\.0; 1 keeps everything"),
        ({"keep": 1.5}, r"keep must be a number in \(0, 1\], not 1\.5"),
        ({"keep": math.nan}, r"keep must be a number in \(0, 1\], not nan"),
        ({"keep": 0.5, "logits": "size"}, r"logits must be one of 'value', 'magnitude', 'none', not 'size'"),
        ({"keep": 0.5, "fill": "nan"}, r"fill must be '-inf' or 'zero', not 'nan'"),
    ],
)
def test_options_that_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        SalientMask(CrossEntropy(), **options)


def test_other_things_that_are_refused(batch: Batch) -> None:
    with pytest.raises(InputError, match=r"objective must be an Objective, not MSELoss"):
        SalientMask(torch.nn.MSELoss(), keep=0.5)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"layer 'frist' is not tapped"):
        SalientMask(KD(), keep=0.5, layers="frist")(batch, LABELS)
    with pytest.raises(InputError, match=r"by must be 'value' or 'magnitude', not 'rank'"):
        top_fraction_mask(torch.ones(2, 3), 0.5, by="rank")  # type: ignore[arg-type]
    for shape in ((3,), (2, 0)):
        with pytest.raises(InputError, match=r"x must have shape \(n_samples, \.\.\.\) with entries"):
            top_fraction_mask(torch.ones(shape), 0.5)
