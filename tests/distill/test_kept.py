"""What is kept of tapped layers: identical networks give identical taps, and channels lie where objectives look."""

import copy
import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn

from pidkit import InputError
from pidkit.distill import AtomProbe, FitNet, NearestCentres, Outputs, tap
from pidkit.nn.features import collect_features
from pidkit.nn.seeding import own_random_state

X = torch.randn(8, 1, 6, 6, generator=torch.Generator().manual_seed(0))


class Residual(nn.Module):
    """Everything that networks in use change in place: a sum, a ReLU, dropout, a part of a tensor, the input itself."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.norm, self.relu, self.drop = nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Dropout(0.5, inplace=True)
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.classes = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x -= 0.5
        identity = self.first(x)
        out = self.second(identity)
        out += identity
        out = self.drop(self.relu(self.norm(out)))
        pooled = self.pool(out)
        pooled[:, 0] = 0.0
        return self.classes(pooled)


class Swin(nn.Module):
    """Maps with the channels last, (n, 3, 3, width)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.embed, self.norm, self.classes = nn.Conv2d(1, width, 2, 2), nn.LayerNorm(width), nn.Linear(width, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.classes(self.norm(self.embed(x).permute(0, 2, 3, 1)).mean((1, 2)))


class Attending(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attend, self.classes = nn.MultiheadAttention(4, 2, batch_first=True), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.classes(self.attend(x, x, x)[0].mean(1))


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.relu = nn.Linear(4, 4), nn.Linear(4, 3), nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.second(self.relu(self.first(x))))


def line(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Sequential(nn.Conv1d(1, width, 3), nn.ReLU()), nn.AdaptiveAvgPool1d(1), nn.Flatten())


@pytest.mark.parametrize("reduce", ["none", "mean", lambda out: out[:, :2], lambda out: out.flatten(1)])
@pytest.mark.parametrize("layer", ["first", "second", "norm", "relu", "drop", "pool"])
def test_identical_networks_give_identical_taps_with_gradients(layer: str, reduce: Any) -> None:
    with own_random_state(0):
        teacher = Residual().eval()
    student, given = copy.deepcopy(teacher), X.clone()
    batch = tap(teacher=teacher, student=student, layers=[layer], example=X.clone(), reduce=reduce)(given)
    theirs, ours = batch.teacher.layer(layer), batch.student.layer(layer)
    assert torch.equal(theirs, ours)
    assert torch.equal(batch.teacher.logits, batch.student.logits)
    ours.square().sum().backward()
    assert student.first.weight.grad is not None
    assert float(student.first.weight.grad.abs().sum()) > 0.0


def test_the_hint_of_a_perfect_student_is_zero_and_its_gradient_that_of_the_value_before_the_change() -> None:
    with own_random_state(0):
        teacher = Residual().eval()
    networks = tap(teacher=teacher, student=copy.deepcopy(teacher), layers=["norm"], example=X.clone())
    hint = FitNet(networks.pairs, bias=False)
    with torch.no_grad():
        hint.regressors[0].weight.copy_(torch.eye(4)[:, :, None])
    batch = networks(X.clone())
    assert float(hint(batch, torch.zeros(8).long()).detach()) == 0.0
    # d sum(norm(y)) / dy through the tap alone is the scale of the normalisation, whatever the ReLU after it cuts off.
    before = batch.student.layer("norm")
    (bias_slope,) = torch.autograd.grad(before.sum(), networks.student.get_parameter("norm.bias"))
    assert bias_slope.tolist() == [8 * 36.0] * 4


def test_declared_channels_come_to_axis_1_for_both_networks_and_every_reader() -> None:
    for layout in ("channels-last", {"n*": "channels-last"}):
        networks = tap(teacher=Swin(8), student=Swin(5), layers=["norm"], example=X, layout=layout)  # type: ignore[arg-type]
        (pair,) = networks.pairs
        assert (pair.teacher_channels, pair.student_channels, pair.n_places) == (8, 5, 9)
        raw = networks.student.norm(networks.student.embed(X).permute(0, 2, 3, 1))
        assert torch.equal(networks(X).student.layer("norm"), raw.permute(0, 3, 1, 2))
    pooled = tap(teacher=Swin(8), student=Swin(5), layers=["norm"], example=X, layout="channels-last", reduce="mean")
    assert pooled.pairs[0].student_shape == (5,)


def test_sequences_of_one_dimensional_convolutions_are_declared() -> None:
    x = torch.randn(2, 1, 9)
    with pytest.raises(
        InputError, match=r"layer '0' puts out shape \(2, 5, 7\), whose channels may be axis 1 or 2; pass la"
    ):
        tap(teacher=line(8), student=line(5), layers=["0"], example=x)
    networks = tap(teacher=line(8), student=line(5), layers=["0"], example=x, layout="channels-first")
    assert networks.pairs[0].teacher_channels == 8
    assert FitNet(networks.pairs)(networks(x), torch.zeros(2).long()).shape == ()


def test_maps_that_may_be_either_are_refused_with_the_remedy() -> None:
    with pytest.raises(
        InputError, match=r"layer 'norm' puts out shape \(8, 3, 3, 5\), whose channels may be axis 1 or 3; pa"
    ):
        tap(teacher=Swin(8), student=Swin(5), layers=["norm"], example=X)
    oblong = nn.Sequential(nn.Conv2d(1, 4, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    wide = torch.ones(2, 1, 4, 7)
    assert tap(teacher=copy.deepcopy(oblong), student=oblong, layers=["0"], example=wide).pairs[0].n_places == 28
    with pytest.raises(InputError, match=r"layer '1' puts out shape \(2, 4, 4, 7\), .*layout=\{'1': 'channels-last'\}"):
        tap(teacher=copy.deepcopy(oblong), student=oblong, layers=["1"], example=wide)


def test_unknown_layouts_and_layers_are_refused() -> None:
    with pytest.raises(InputError, match="layout must be 'channels-first' or 'channels-last', not 'NHWC'"):
        tap(teacher=Swin(8), student=Swin(5), layers=["norm"], example=X, layout="NHWC")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="layout names 'block', which fits no tapped layer; tapped are 'norm'"):
        tap(teacher=Swin(8), student=Swin(5), layers=["norm"], example=X, layout={"block": "channels-last"})


def test_a_layer_that_runs_twice_can_be_tapped_as_the_message_says() -> None:
    x = torch.randn(2, 4)
    with pytest.raises(
        InputError, match="'relu', which runs more than once in a forward pass; pass call='first' or 'last'"
    ):
        tap(teacher=Twice(), student=Twice(), layers=["relu"], example=x)
    for call, width in (("first", 4), ("last", 3)):
        networks = tap(teacher=Twice(), student=Twice(), layers=["relu"], example=x, call=call)  # type: ignore[arg-type]
        assert networks.pairs[0].student_shape == (width,)


def test_probes_and_centres_read_a_layer_as_it_is_tapped() -> None:
    x, y = torch.randn(40, 5, 4, generator=torch.Generator().manual_seed(0)), torch.arange(40) % 2
    networks = tap(teacher=Attending(), student=Attending(), layers="attend", example=x, reduce=lambda out: out[1])
    centres = NearestCentres.fit(networks, "attend", x, n_codes=3, n_pca=2)
    assert centres(Outputs(torch.zeros(40, 3), networks(x).teacher.layers)).shape == (40, 3)
    with AtomProbe(networks, sample=(x, y), logits=False, n_null=0) as probe:
        assert len(probe.step(0)) == 1


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_student_prepared_for_quantisation_aware_training_is_left_as_found() -> None:
    """Its observers' buffers grow from no entry to one a channel at the first pass."""
    from torch.ao.quantization import get_default_qat_qconfig, prepare_qat

    student = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        student.train().qconfig = get_default_qat_qconfig("fbgemm")
        student = prepare_qat(student)
    before = {name: value.clone() for name, value in student.state_dict().items()}
    networks = tap(teacher=nn.Sequential(nn.Conv2d(1, 4, 3)), student=student, layers=["0"], example=X)
    after = student.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], before[name]) for name in before)
    networks(X).student.layer("0").sum().backward()


@pytest.mark.parametrize("example", [(X, X), [1.0], X.numpy()])
def test_inputs_that_are_no_tensor_are_refused_with_the_remedy(example: Any) -> None:
    with pytest.raises(
        InputError, match=r"must be a tensor of inputs, or several by name, not a .*; several inputs go into a mapping"
    ):
        tap(teacher=Residual(), student=Residual(), example=example)


def test_networks_that_change_their_input_change_no_sample_of_ours() -> None:
    """A held-out sample that every measurement shifts is another sample at every epoch."""
    x, y = X.repeat(5, 1, 1, 1), torch.arange(40) % 2
    kept = x.clone()
    networks = tap(teacher=Residual(), student=Residual(), layers=["relu"], example=x)
    rows = [collect_features(networks.student, "first", x, batch_size=16)["first"] for _ in range(2)]
    assert torch.equal(rows[0], rows[1])
    with AtomProbe(networks, sample=(x, y), logits=False, n_null=0, batch_size=16) as probe:
        probe.step(0)
        probe.step(1)
    before, after = probe.records.records
    assert before.mi_student == after.mi_student
    assert torch.equal(x, kept)


class _Named(NamedTuple):
    logits: Tensor


@dataclass
class _Held:
    logits: Tensor


@pytest.mark.parametrize("pack", [lambda z: {"logits": z}, lambda z: (z, z), _Named, _Held])
def test_networks_that_put_out_no_tensor_are_refused_with_the_remedy(pack: Any) -> None:
    """They failed late, with errors of torch."""

    class Packed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(3, 2)

        def forward(self, x: Tensor) -> Any:
            return pack(self.layer(x))

    message = "puts out a .*, not a tensor with one row a sample; pass logits=, a name"
    with pytest.raises(InputError, match=f"^teacher 'teacher' {message}"):
        tap(teacher=Packed(), student=nn.Linear(3, 2), layers=(), example=torch.zeros(4, 3))
    with pytest.raises(InputError, match=f"^(the )?student {message}"):
        tap(teacher=nn.Linear(3, 2), student=Packed(), layers=(), example=torch.zeros(4, 3))
