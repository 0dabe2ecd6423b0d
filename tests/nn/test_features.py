"""Features of a sample: in batches, from models left as they were, within bounded memory."""

import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pidkit import InputError
from pidkit.nn import (
    collect_features,
)


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
        (lambda m: collect_features(m, "0", [1.0]), "x must be a tensor of inputs, or several by name"),  # type: ignore[arg-type]
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
import torch
from torch import nn
from pidkit.nn.features import collect_features
torch.set_num_threads(1)
model = nn.Sequential(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU())
x = torch.rand(1024, 1, 32, 32)
collect_features(model, "*", x[:64], batch_size=32, max_features=64)
def peak():  # of this program; ru_maxrss would begin at what its parent had
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
before = peak()
found = collect_features(model, "*", x, batch_size=32, max_features=64)
print((peak() - before) / 1024)
"""


def test_memory_is_bounded_by_a_batch_and_the_rows_kept() -> None:
    """Whole, the two layers would be 2 x 1024 x 32 x 32 x 32 x 4 bytes = 256 MB; kept are half a MB, beside a batch."""
    run = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True, timeout=120)
    assert float(run.stdout) < 40.0


class Named(nn.Module):
    """Two inputs by name, and a dictionary of outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, values: Tensor, shift: Tensor) -> dict[str, Tensor]:
        values += 1.0  # in place: the caller's tensor must not see it
        return {"logits": self.layer(values) + shift, "aux": shift}


def test_inputs_by_name_and_the_logits_of_a_dictionary() -> None:
    torch.manual_seed(0)
    model = Named()
    x = {"values": torch.randn(10, 3), "shift": torch.randn(10, 2)}
    before = x["values"].clone()
    found = collect_features(model, "layer", x, batch_size=4, logits="logits")
    assert list(found) == ["layer", "(logits)"]
    assert torch.equal(x["values"], before)
    torch.testing.assert_close(found["layer"], model.layer(before + 1.0).detach())
    torch.testing.assert_close(found["(logits)"], found["layer"] + x["shift"])
    alone = collect_features(model, (), x, logits=lambda out: out["logits"])
    assert list(alone) == ["(logits)"]
    torch.testing.assert_close(alone["(logits)"], found["(logits)"])


def test_logits_of_a_model_that_puts_out_one_tensor_and_floats_in_its_dtype() -> None:
    model = nn.Sequential(nn.Linear(3, 2)).double()
    found = collect_features(model, "0", torch.ones(4, 3), logits=lambda out: out)
    assert torch.equal(found["(logits)"], found["0"])
    assert found["0"].dtype == torch.float64


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"logits": True}, "logits must be a name, an index or a callable"),
        ({"logits": "words"}, "logits is 'words', which the dict that the model puts out does not have"),
        ({"logits": lambda out: out}, r"'\(logits\)' is a dict, no tensor with one row a sample"),
        ({"logits": lambda out: out["logits"].T}, "puts out 2 rows for 10 samples"),
    ],
)
def test_logits_that_are_not_there_are_refused(options: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        collect_features(Named(), "layer", {"values": torch.ones(10, 3), "shift": torch.ones(10, 2)}, **options)


def test_inputs_by_name_must_hold_the_same_samples() -> None:
    with pytest.raises(InputError, match="x must hold inputs with one row a sample each"):
        collect_features(Named(), "layer", {"values": torch.ones(10, 3), "shift": torch.ones(9, 2)})
