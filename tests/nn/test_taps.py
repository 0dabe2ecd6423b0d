"""Taps: the right layers and rows, and no hooks or graphs left behind."""

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pidkit import InputError
from pidkit.nn import (
    Taps,
    find_layers,
)
from pidkit.nn.taps import fits_layer


class Twice(nn.Module):
    """Runs one ReLU twice, and never runs `spare`."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(3, 4), nn.Linear(4, 2)
        self.relu, self.spare = nn.ReLU(), nn.Linear(1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.second(self.relu(self.first(x))))


class Inner(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(nn.Sequential(nn.Linear(3, 4), nn.ReLU()), nn.Sequential(nn.Linear(4, 4)))
        self.fc = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.blocks(x))


def hooks_of(model: nn.Module) -> int:
    return sum(len(module._forward_hooks) for module in model.modules())


def test_names_and_globs_stand_for_layers_in_order_and_once() -> None:
    model = Inner()
    assert find_layers(model, "fc") == ("fc",)
    assert find_layers(model, ["fc", "blocks.?"]) == ("fc", "blocks.0", "blocks.1")
    assert find_layers(model, ["blocks.*.0", "blocks.*"]) == (
        "blocks.0.0",
        "blocks.1.0",
        "blocks.0",
        "blocks.0.1",
        "blocks.1",
    )
    assert find_layers(model, "*")[0] == "blocks"


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ("fcc", r"layers holds 'fcc', which fits no layer of Inner; did you mean 'fc'\?"),
        ("0.1", r"which fits no layer of Inner; did you mean 'blocks.0.1'\?"),
        ("conv*", "layers holds 'conv.*', which fits no layer of Inner; it has 'blocks', .* and others"),
        ([], "layers must be one name or glob or several"),
        ([1], "layers must be one name or glob or several"),
    ],
)
def test_unknown_layers_are_refused_with_near_matches(layers: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        find_layers(Inner(), layers)


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(InputError, match=r"model must be a torch\.nn\.Module, not int"):
        find_layers(3, "fc")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="fits no layer of ReLU; it has no named layers"):
        find_layers(nn.ReLU(), "x")


def test_outputs_are_the_layers_outputs_detached_and_cloned() -> None:
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(3, 4), nn.ReLU(inplace=True)), torch.randn(5, 3)
    with Taps(model, "*") as taps:
        out = model(x)
        taken = taps.take()
    assert list(taken) == ["0", "1"]
    torch.testing.assert_close(taken["0"], model[0](x), rtol=0, atol=0)  # before the in-place ReLU
    torch.testing.assert_close(taken["1"], out, rtol=0, atol=0)
    assert not any(rows.requires_grad for rows in taken.values())
    assert taken["1"].data_ptr() != out.data_ptr()


def test_live_tensors_can_be_trained_through() -> None:
    model = Inner()
    with Taps(model, "blocks", detach=False) as taps:
        model(torch.ones(2, 3))
        taps.take()["blocks"].sum().backward()
    assert model.blocks[0][0].weight.grad is not None


def test_no_graph_outlives_the_pass() -> None:
    model = Inner()
    with Taps(model, "*") as taps:
        raw = []
        model.blocks.register_forward_hook(lambda module, inputs, out: raw.append(weakref.ref(out)))
        model(torch.ones(2, 3))
        kept = taps.take()
        gc.collect()
        assert raw[0]() is None
    assert len(kept) == 7


def test_means_callables_and_sketches_reduce_in_the_hook() -> None:
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Conv2d(1, 3, 3)), torch.randn(4, 1, 8, 8)
    whole = model(x).detach()
    with Taps(model, "0", reduce="mean") as taps:
        model(x)
        torch.testing.assert_close(taps.take()["0"], whole.mean((2, 3)))
    with Taps(model, "0", reduce=lambda out: out[:, :1]) as taps:
        model(x)
        assert taps.take()["0"].shape == (4, 1, 6, 6)
    with Taps(model, "0", max_features=7) as taps:
        model(x)
        first = taps.take()["0"]
        model(2.0 * x - x)
        torch.testing.assert_close(taps.take()["0"], first)
    assert first.shape == (4, 7)


def test_the_sketch_is_linear_seeded_and_keeps_inner_products_on_average() -> None:
    torch.manual_seed(1)
    model, x = nn.Sequential(nn.Identity()), torch.randn(2, 400, dtype=torch.float64)
    products = []
    for seed in range(400):
        with Taps(model, "0", max_features=40, rng=seed) as taps:
            model(torch.cat([x, x.sum(0, keepdim=True)]))
            rows = taps.take()["0"]
        torch.testing.assert_close(rows[0] + rows[1], rows[2])
        products.append(float(rows[0] @ rows[1]))
    truth = float(x[0] @ x[1])
    spread = torch.tensor(products).std() / 20.0
    assert abs(sum(products) / 400 - truth) < 4.0 * spread


def test_layers_that_run_twice_need_a_choice_and_those_that_never_run_are_named() -> None:
    torch.manual_seed(0)
    model, x = Twice(), torch.ones(2, 3)
    with Taps(model, "relu") as taps, pytest.raises(InputError, match="'relu', which runs more than once in a forward"):
        model(x)
    for call, width in (("first", 4), ("last", 2)):
        with Taps(model, "relu", call=call) as taps:  # type: ignore[arg-type]
            model(x)
            assert taps.take()["relu"].shape == (2, width)
    with Taps(model, "spare") as taps:
        model(x)
        with pytest.raises(InputError, match="'spare', which did not run in the forward pass; leave it out"):
            taps.take()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reduce": "max"}, "reduce must be 'none', 'mean' or a callable, not 'max'"),
        ({"max_features": 0}, "max_features must be a whole number >= 1, not 0"),
        ({"call": "all"}, "call must be one of 'only', 'first', 'last', not 'all'"),
    ],
)
def test_unknown_options_are_refused(options: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Taps(Inner(), "fc", **options)


@pytest.mark.parametrize(
    ("reduce", "message"),
    [
        (lambda out: (out,), "layer 'fc' puts out tuple, not a tensor with one row a sample; pass reduce="),
        (lambda out: out.sum(), "layer 'fc' puts out a number, not a tensor with one row a sample"),
    ],
)
def test_outputs_without_rows_are_refused(reduce: Any, message: str) -> None:
    with Taps(model := Inner(), "fc", reduce=reduce), pytest.raises(InputError, match=message):
        model(torch.ones(2, 3))
    assert hooks_of(model) == 0


def test_hooks_live_as_long_as_the_block_also_after_an_exception() -> None:
    model = Inner()
    with Taps(model, "*"):
        assert hooks_of(model) == 7
    assert hooks_of(model) == 0
    with pytest.raises(RuntimeError, match="mat1 and mat2"), Taps(model, "*"):
        model(torch.ones(2, 7))
    assert hooks_of(model) == 0


def test_taps_are_entered_once_at_a_time() -> None:
    model = Inner()
    with Taps(model, "fc") as taps, pytest.raises(InputError, match="taps are entered already; make new ones"):
        taps.__enter__()
    with taps:
        assert hooks_of(model) == 1
    assert hooks_of(model) == 0


def test_a_hook_that_cannot_be_attached_leaves_none(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Inner()

    def refuse(hook: Any) -> Any:
        raise RuntimeError("no hooks here")

    monkeypatch.setattr(model.fc, "register_forward_hook", refuse)
    with pytest.raises(RuntimeError, match="no hooks here"):
        Taps(model, "*").__enter__()
    assert hooks_of(model) == 0


def kept(reduce: dict[str, Callable[..., Any] | str] | str) -> dict[str, tuple[int, ...]]:
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(), nn.Flatten())
    with Taps(model, ["0", "1", "2"], reduce=reduce) as taps:
        model(torch.ones(3, 1, 4, 4))
        return {name: tuple(output.shape) for name, output in taps.take().items()}


def test_layers_that_no_key_fits_are_kept_whole_and_the_first_that_fits_counts() -> None:
    assert kept({"0": "mean"}) == {"0": (3, 2), "1": (3, 2, 4, 4), "2": (3, 32)}
    assert kept({"1": lambda out: out[:, :1, 0, 0], "[0-1]": "mean"}) == {"0": (3, 2), "1": (3, 1), "2": (3, 32)}
    assert kept({}) == kept("none") == kept({"*": "none"})


def test_reductions_by_layer_that_fit_nothing_are_refused() -> None:
    with pytest.raises(InputError, match=r"reduce must be 'none', 'mean' or a callable, not 'sum'"):
        kept({"0": "sum"})
    with pytest.raises(InputError, match=r"reduce names 'conv', which fits no tapped layer; those are 0, 1, 2"):
        kept({"conv": "mean"})


def test_names_and_globs_fit_layers() -> None:
    assert fits_layer("blocks.[0]", "blocks.[0]")  # a name is itself, whatever its characters mean in a glob
    assert fits_layer("*.attn", "blocks.3.attn")
    assert not fits_layer("attn", "blocks.3.attn")
