"""Taps: the right layers, the right rows, no hooks, graphs or memory left behind."""

import gc
import subprocess
import sys
import weakref
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pidkit import InputError
from pidkit.nn import (
    Taps,
    collect_features,
    find_layers,
)


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


# Names


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


# What is kept


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


# Hooks


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


# Features of a held-out sample


def test_features_come_in_batches_and_leave_the_model_as_it_was() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5)).train()
    model[1].eval()
    x, before, state = torch.randn(10, 3), torch.get_rng_state(), {k: v.clone() for k, v in model.state_dict().items()}
    small, large = (collect_features(model, "*", x, batch_size=size) for size in (3, 100))
    for name in ("0", "1", "2"):
        torch.testing.assert_close(small[name], large[name])
    torch.testing.assert_close(large["1"], large["2"])  # no dropout in eval mode
    assert [module.training for module in model] == [True, False, True]
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())


def test_buffers_that_a_forward_pass_changes_are_put_back() -> None:
    class Counter(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.seen: Tensor
            self.total: Tensor
            self.register_buffer("seen", torch.zeros(1))
            self.register_buffer("total", torch.zeros(1))
            self.register_buffer("nothing", None)

        def forward(self, x: Tensor) -> Tensor:
            self.seen += len(x)
            self.total = self.total + len(x)
            return x + torch.rand(1)

    counter = Counter()
    model, kept = nn.Sequential(counter), counter.total
    collect_features(model, "0", torch.ones(5, 2))
    assert (float(counter.seen), float(counter.total)) == (0.0, 0.0)
    assert counter.total is kept


@pytest.mark.filterwarnings("ignore:Lazy modules are a new feature")
def test_lazy_modules_are_not_given_a_shape() -> None:
    model = nn.Sequential(nn.LazyLinear(3))
    with pytest.raises(InputError, match="model holds a LazyLinear that has no shape yet; run one batch through"):
        collect_features(model, "0", torch.ones(2, 4))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_models_on_cuda_are_read_and_their_random_state_put_back() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 40), nn.BatchNorm1d(40), nn.Dropout(0.5)).cuda().train()
    x, before = torch.randn(10, 3), torch.cuda.get_rng_state()
    found = collect_features(model, "*", x, max_features=8, reduce=lambda out: out + torch.randn_like(out))
    assert [(name, rows.device.type, tuple(rows.shape)) for name, rows in found.items()] == [
        (name, "cpu", (10, 8)) for name in ("0", "1", "2")
    ]
    assert torch.equal(torch.cuda.get_rng_state(), before)
    assert model[1].num_batches_tracked.item() == 0.0


def test_inputs_take_the_dtype_of_the_model_unless_they_are_tokens() -> None:
    double = torch.ones(4, 3, dtype=torch.float64)
    assert collect_features(nn.Sequential(nn.Linear(3, 2)), "0", double)["0"].dtype == torch.float32
    assert collect_features(nn.Sequential(nn.Embedding(5, 2)), "0", torch.arange(4))["0"].shape == (4, 2)


def test_half_precision_and_single_columns_become_rows() -> None:
    model = nn.Sequential(nn.Identity())
    assert collect_features(model, "0", torch.ones(4, dtype=torch.bfloat16))["0"].dtype == torch.float32
    assert collect_features(model, "0", torch.ones(4, dtype=torch.float64))["0"].shape == (4, 1)


@pytest.mark.parametrize("in_place", [False, True])
def test_compiled_models_are_read_eagerly_under_their_own_names(in_place: bool) -> None:
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(3, 4), nn.Tanh()), torch.randn(6, 3)
    expected = collect_features(model, "*", x)
    compiled: Any = model if in_place else torch.compile(model, backend="eager")
    if in_place:
        model.compile(backend="eager")
    compiled(x)
    found = collect_features(compiled, "*", x)
    assert list(found) == ["0", "1"]
    assert all(torch.equal(found[name], expected[name]) for name in expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: collect_features(m, "0", [1.0]), "x must be a tensor with one row a sample"),  # type: ignore[arg-type]
        (lambda m: collect_features(m, "0", torch.empty(0, 3)), "x must be a tensor with one row a sample"),
        (
            lambda m: collect_features(m, "0", torch.ones(2, 3), batch_size=0),
            "batch_size must be a whole number >= 1",
        ),
        (
            lambda m: collect_features(m, "0", torch.ones(2, 3), reduce=lambda out: out.T),
            "layer '0' puts out 4 rows for 2 samples; pass reduce=",
        ),
    ],
)
def test_inputs_that_cannot_be_used_are_refused(call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call(nn.Sequential(nn.Linear(3, 4)))


MEMORY = """
import resource, sys, torch
from torch import nn
from pidkit.nn.features import collect_features
torch.set_num_threads(1)
model = nn.Sequential(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU())
x = torch.rand(1024, 1, 32, 32)
collect_features(model, "*", x[:64], batch_size=32, max_features=64)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = collect_features(model, "*", x, batch_size=32, max_features=64)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def test_memory_is_bounded_by_a_batch_and_the_rows_kept() -> None:
    """Whole, the two layers would be 2 x 1024 x 32 x 32 x 32 x 4 bytes = 256 MB; kept are half a MB, beside a batch."""
    run = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True, timeout=120)
    assert float(run.stdout) < 40.0
