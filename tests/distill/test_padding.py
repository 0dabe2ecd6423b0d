"""Padding: values by hand, and no objective whose value or gradients change with what it holds or how much there is."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pidkit import InputError
from pidkit.distill import (
    CC,
    CRD,
    MIMKD,
    PKT,
    RID,
    RKD,
    SP,
    TED,
    VID,
    AttentionMaps,
    AttentionTransfer,
    Batch,
    CrossModalAlignment,
    FeatureCovariance,
    FitNet,
    HiddenStates,
    LabelInformation,
    LayerPair,
    NearestCentres,
    Objective,
    Outputs,
    Phase,
    SalientMask,
    SoftCodes,
    tap,
)
from pidkit.distill.padding import counted_places, mean_of_places, only_counted, put_back, without_padding
from pidkit.nn.seeding import own_random_state

N_CLASSES, WIDE, NARROW = 3, 6, 4
LENGTHS = (3, 1, 5, 2)
LABELS = torch.tensor([0, 1, 2, 1])

OF_TOKENS: dict[str, Callable[[LayerPair], Objective]] = {
    "FitNet": lambda pair: FitNet([pair]),
    "FitNet sums": lambda pair: FitNet([pair], reduction="sum"),
    "HiddenStates": lambda pair: HiddenStates([pair], projects="teacher"),
    "VID": lambda pair: VID([pair]),
    "VID sums": lambda pair: VID([pair], reduction="sum"),
    "TED": lambda pair: TED([pair], n_classes=N_CLASSES, reduction="sum"),
    "RID": lambda pair: RID([pair], n_classes=N_CLASSES),
    "RID sums": lambda pair: RID([pair], n_classes=N_CLASSES, sigma="closed-form", reduction="sum"),
    "MIMKD": lambda pair: MIMKD([pair], width=4, bank_size=8),
    "MIMKD convolve": lambda pair: MIMKD([pair], width=4, bank_size=0, critic="concatenate-and-convolve"),
    "AttentionTransfer code": lambda pair: AttentionTransfer([pair]),
    "AttentionTransfer paper": lambda pair: AttentionTransfer([pair], norm="paper"),
    "SP": lambda pair: SP([pair]),
    "CC": lambda pair: CC([pair]),
    "RKD": lambda pair: RKD([pair]),
    "PKT": lambda pair: PKT([pair]),
    "FeatureCovariance": lambda pair: FeatureCovariance([pair]),
    "LabelInformation": lambda pair: LabelInformation([pair], n_classes=N_CLASSES),
    "SalientMask": lambda pair: SalientMask(FitNet([pair]), keep=0.5),
}
"""Objectives of token layers that do not depend on the length of the sequences."""

OF_ONE_LENGTH: dict[str, Callable[[LayerPair], Objective]] = {
    "TED flat": lambda pair: TED([pair], n_classes=N_CLASSES, pool=False),
    "RID flat": lambda pair: RID([pair], n_classes=N_CLASSES, head_pool=False),
    "CRD": lambda pair: CRD(pair, torch.arange(8) % N_CLASSES, n_negatives=3, embedding=4),
    "CrossModalAlignment": lambda pair: CrossModalAlignment(pair, embedding=4),
}
"""Those that map the flattened layer, of one length for good."""


def padded_batch(padding: float, length: int) -> Batch:
    """Sequences of `LENGTHS` tokens, filled up with a number to one length."""
    with own_random_state(0):
        layers = {name: [torch.randn(n, width) for n in LENGTHS] for name, width in (("t", WIDE), ("s", NARROW))}
        logits = [torch.randn(len(LENGTHS), N_CLASSES) for _ in range(2)]
    mask = torch.arange(length) < torch.tensor(LENGTHS)[:, None]
    filled = {}
    for name, rows in layers.items():
        whole = torch.full((len(LENGTHS), length, rows[0].shape[1]), padding)
        for sample, row in zip(whole, rows, strict=True):
            sample[: len(row)] = row
        filled[name] = whole
    ours = Outputs(logits[0], {"s": filled["s"].requires_grad_()}, mask)
    return Batch(ours, {"teacher": Outputs(logits[1], {"t": filled["t"]}, mask)}, torch.arange(4), mask)


def losses_of(objective: Objective, batch: Batch, phase: Phase) -> tuple[Tensor, list[Tensor]]:
    """The loss, and the gradients of the real tokens, which those of padding must not have, and of the parameters."""
    objective.zero_grad()
    with own_random_state(3):
        loss = objective(batch, LABELS, phase)
    layer = batch.student.layer("s")
    if loss.requires_grad:
        loss.backward()
    of_layer = torch.zeros_like(layer) if layer.grad is None else layer.grad
    assert batch.mask is not None
    assert not of_layer[~batch.mask].any()
    return loss.detach(), [of_layer[batch.mask], *(p.grad for p in objective.parameters() if p.grad is not None)]


def same_whatever_the_padding(make: Callable[[LayerPair], Objective], others: list[tuple[float, int]]) -> None:
    pair = LayerPair("t", "s", (5, WIDE), (5, NARROW))
    for phase in Phase:
        found = []
        for padding, length in [(0.0, 5), *others]:
            with own_random_state(1):
                objective = make(pair)
            found.append(losses_of(objective, padded_batch(padding, length), phase))
        value, gradients = found[0]
        assert torch.isfinite(value)
        for other, other_gradients in found[1:]:
            torch.testing.assert_close(other, value, rtol=1e-5, atol=1e-6)
            torch.testing.assert_close(other_gradients, gradients, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("make", OF_TOKENS.values(), ids=OF_TOKENS.keys())
def test_neither_what_stands_in_padding_nor_how_much_there_is_changes_a_loss_or_its_gradients(
    make: Callable[[LayerPair], Objective],
) -> None:
    same_whatever_the_padding(make, [(math.nan, 5), (100.0, 5), (-7.0, 9)])


@pytest.mark.parametrize("make", OF_ONE_LENGTH.values(), ids=OF_ONE_LENGTH.keys())
def test_nor_where_the_layer_is_flattened(make: Callable[[LayerPair], Objective]) -> None:
    same_whatever_the_padding(make, [(math.nan, 5), (100.0, 5)])


@pytest.mark.parametrize("name", [name for name in OF_TOKENS if name != "SalientMask"])
def test_a_mask_that_keeps_all_is_no_mask(name: str) -> None:
    pair = LayerPair("t", "s", (5, WIDE), (5, NARROW))
    batch = padded_batch(0.5, 5)
    with own_random_state(1):
        objective = OF_TOKENS[name](pair).eval()
    without = objective(replace(batch, mask=None), LABELS, Phase.STUDENT)
    assert torch.equal(
        objective(replace(batch, mask=torch.ones(4, 5, dtype=torch.bool)), LABELS, Phase.STUDENT), without
    )


def two_sequences(teacher: list[Any], student: list[Any], mask: list[list[int]]) -> Batch:
    logits, kept = torch.zeros(len(mask), 2), torch.tensor(mask, dtype=torch.bool)
    ours = Outputs(logits, {"s": torch.tensor(student, requires_grad=True)}, kept)
    return Batch(ours, {"teacher": Outputs(logits, {"t": torch.tensor(teacher)}, kept)}, mask=kept)


def set_to_one(objective: Objective) -> None:
    for parameter in objective.parameters():
        nn.init.ones_(parameter)


def test_hidden_states_by_hand() -> None:
    # Three tokens count, of width 1: squared errors 1, 4 and 9, W = 1. The mean over the tokens is 14 / 3, and the
    # gradient of a student's token 2 (s - t) / 3.
    batch = two_sequences([[[1.0], [2.0]], [[3.0], [50.0]]], [[[0.0], [0.0]], [[0.0], [-9.0]]], [[1, 1], [1, 0]])
    hidden = HiddenStates([LayerPair("t", "s", (2, 1), (2, 1))])
    set_to_one(hidden)
    loss = hidden(batch, torch.zeros(2))
    assert loss.item() == pytest.approx(14.0 / 3.0)
    loss.backward()
    gradient = batch.student.layer("s").grad
    torch.testing.assert_close(gradient, torch.tensor([[[-2.0], [-4.0]], [[-6.0], [0.0]]]) / 3.0)
    # As printed, half the sum over tokens and width, the mean over the two samples: 14 / 2 / 2.
    summed = FitNet(hidden.pairs, bias=False, reduction="sum")
    set_to_one(summed)
    assert summed(batch, torch.zeros(2)).item() == pytest.approx(3.5)


def test_attention_maps_by_hand() -> None:
    # The third token is padding. Of the first two the teacher's map is eye, the student's flat: 2 - sqrt 2, and the
    # second sample has no token, so that it has no part in the mean.
    eye = [[1.0, 0.0, 0.7], [0.0, 1.0, 3.0], [5.0, -5.0, 9.0]]
    flat = [[0.5, 0.5, -2.0], [0.5, 0.5, 1.0], [1.0, 2.0, 3.0]]
    batch = two_sequences([[eye], [flat]], [[flat], [eye]], [[1, 1, 0], [0, 0, 0]])
    loss = AttentionMaps([LayerPair("t", "s", (1, 3, 3), (1, 3, 3))])(batch, LABELS)
    assert loss.item() == pytest.approx(2.0 - math.sqrt(2.0), abs=1e-6)
    loss.backward()
    gradient = batch.student.layer("s").grad
    assert gradient is not None
    assert bool(gradient[0, 0, :2, :2].any())
    assert not gradient[0, 0, 2].any()
    assert not gradient[0, 0, :, 2].any()
    assert not gradient[1].any()


def test_covariance_by_hand() -> None:
    # Tokens (1, 1), (-1, -1) and (0, 0): covariance 2 / 3 between the channels.
    batch = two_sequences(
        [[[0.0], [0.0]]] * 2, [[[1.0, 1.0], [-1.0, -1.0]], [[0.0, 0.0], [8.0, -8.0]]], [[1, 1], [1, 0]]
    )
    loss = FeatureCovariance([LayerPair("t", "s", (2, 1), (2, 2))])(batch, LABELS)
    assert loss.item() == pytest.approx(4.0 / 9.0)


def test_codes_and_decoders_read_the_tokens_that_count() -> None:
    codes = SoftCodes(LayerPair("t", "s", (5, WIDE), (5, NARROW)), 3)
    wrong, right = (padded_batch(padding, 5).student for padding in (3.0, 0.0))
    assert torch.equal(codes(wrong), codes(right))
    assert not torch.equal(codes(replace(wrong, mask=None)), codes(right))
    model = nn.Sequential(nn.Linear(NARROW, 2))
    x = torch.randn(30, 5, NARROW, generator=torch.Generator().manual_seed(0))
    centres = NearestCentres.fit(model, "0", x, n_codes=3, n_pca=None, temperature=1.0)
    layers = [model(right.layer("s").detach() + 9.0 * shift * ~right.mask[:, :, None]) for shift in (0.0, 1.0)]
    first, second = (centres(Outputs(right.logits, {"0": layer}, right.mask)) for layer in layers)
    assert torch.equal(first, second)


def test_the_places_that_count_go_side_by_side_and_back() -> None:
    places = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))
    counted = torch.tensor([[True, False, True, True], [False, True, False, False]])
    flat = only_counted(places, counted)
    assert flat.shape == (1, 3, 4)
    assert torch.equal(flat[0, :, 3], places[1, :, 1])
    again = put_back(flat, counted)
    assert torch.equal(again, places * counted[:, None])
    torch.testing.assert_close(mean_of_places(places, counted)[0], places[0][:, counted[0]].mean(1))
    assert only_counted(places, None) is places


def test_layers_of_other_kinds_of_places_are_left_alone() -> None:
    mask = torch.tensor([[True, False]])
    for layer in (torch.ones(1, 3), torch.ones(1, 3, 4, 4)):
        assert counted_places(mask, layer) is None
        assert without_padding(layer, mask) is layer
    pixels = torch.tensor([[[True, False], [True, True]]])
    maps = without_padding(torch.ones(1, 3, 2, 2), pixels)
    assert torch.equal(maps[0, 0], pixels[0].float())


def test_a_mask_of_other_tokens_or_of_none_is_refused() -> None:
    with pytest.raises(InputError, match=r"mask has shape \(1, 2\), and a layer the places \(1, 3\)"):
        counted_places(torch.tensor([[True, False]]), torch.ones(1, 3, 8))
    with pytest.raises(InputError, match="mask keeps no place of the batch"):
        counted_places(torch.zeros(1, 3, dtype=torch.bool), torch.ones(1, 3, 8))
    maps = LayerPair("t", "s", (1, 3, 3), (1, 3, 3))
    for mask, message in (
        (torch.ones(1, 2, dtype=torch.bool), "maps 3 queries and 3 keys"),
        (torch.zeros(1, 3, dtype=torch.bool), "mask keeps no place of the batch"),
    ):
        layers = Outputs(torch.zeros(1, 2), {"s": torch.ones(1, 1, 3, 3), "t": torch.ones(1, 1, 3, 3)})
        with pytest.raises(InputError, match=message):
            AttentionMaps([maps])(Batch(layers, {"teacher": layers}, mask=mask), LABELS)


class Reader(nn.Module):
    """Words to logits of each, with a layer of tokens."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(9, width)
        self.words = nn.Linear(width, 9)

    def forward(self, x: Tensor) -> Tensor:
        return self.words(self.embed(x))


def readers(**options: Any) -> Any:
    torch.manual_seed(0)
    nets: dict[str, Any] = {"teacher": Reader(6), "student": Reader(4)}
    return tap(**nets, layers="embed", example=torch.ones(2, 5).long(), class_axis=-1, mask=lambda x: x != 0, **options)


def test_the_mask_of_tap_reaches_objectives_and_codes() -> None:
    networks = readers()
    x = torch.tensor([[3, 4, 5, 0, 0], [6, 7, 0, 0, 0]])
    batch = networks(x)
    assert torch.equal(batch.mask, x != 0)
    assert torch.equal(batch.student.mask, batch.mask)
    assert torch.equal(batch.teacher.mask, batch.mask)
    hidden = HiddenStates(networks.pairs)
    loss = hidden(batch, x)
    torch.testing.assert_close(loss, hidden(networks(x[:, :3]), x[:, :3]))
    loss.backward()
    assert not networks.student.embed.weight.grad[0].any()


def test_what_would_mix_padding_into_other_tokens_is_refused() -> None:
    with pytest.raises(InputError, match="reduce is 'mean', over padding too"):
        readers(reduce="mean", layout="channels-last")
    torch.manual_seed(0)
    shorter = nn.Sequential(Reader(6), nn.Conv1d(5, 3, 1))
    nets: dict[str, Any] = {"teacher": Reader(6), "student": shorter, "example": torch.ones(2, 5).long()}
    with pytest.raises(InputError, match="resize would mix padding"):
        tap(
            **nets,
            layers=[("embed", "1")],
            resize="pool",
            layout={"1": "channels-last"},
            class_axis=-1,
            mask=lambda x: x != 0,
        )
