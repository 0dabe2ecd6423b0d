"""Taps of models in DataParallel: on one device or none those of the model inside, on several refused."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.parallel import DataParallel

from pidkit import InputError
from pidkit.distill import CrossEntropy, FitNet, WeightedSum, tap
from pidkit.nn import Taps, collect_features, find_layers
from pidkit.nn.taps import eager_model


def network(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, width), nn.ReLU(), nn.Linear(width, 2))


def on_no_device(model: nn.Module) -> Any:
    """DataParallel of a model on the CPU, whatever devices there are."""
    parallel = DataParallel(model)
    parallel.device_ids = []
    return parallel


def test_layers_have_the_names_of_the_model_inside() -> None:
    model, x = network(4), torch.randn(5, 3)
    parallel = on_no_device(model)
    assert eager_model(parallel) is model
    assert find_layers(parallel, "*") == ("0", "1", "2")
    with Taps(parallel, "0") as taps:
        parallel(x)
        assert torch.equal(taps.take()["0"], model[0](x).detach())
    assert torch.equal(collect_features(parallel, "0", x)["0"], model[0](x).detach())


def test_a_student_and_a_teacher_in_data_parallel_train_as_those_inside_and_their_states_load_both_ways() -> None:
    x, labels = torch.randn(8, 3, generator=torch.Generator().manual_seed(1)), torch.arange(8) % 2
    states = []
    for wrap in (lambda model: model, on_no_device):
        torch.manual_seed(0)
        networks = tap(teacher=wrap(network(6)), student=wrap(network(4)), layers=["0"], example=x[:2])
        loss = WeightedSum({"labels": CrossEntropy(), "hint": FitNet(networks.pairs)})
        optimiser = torch.optim.SGD([*networks.student.parameters(), *loss.parameters()], lr=0.1)
        for _ in range(3):
            optimiser.zero_grad()
            loss(networks(x), labels).backward()
            optimiser.step()
        states.append((networks.student, eager_model(networks.student).state_dict()))
    (plain, of_plain), (parallel, of_parallel) = states
    assert list(of_plain) == list(of_parallel)
    assert all(torch.equal(value, of_parallel[name]) for name, value in of_plain.items())
    fresh = network(4)
    fresh.load_state_dict(of_parallel)
    assert torch.equal(fresh(x), plain(x))
    eager_model(parallel).load_state_dict(network(4).state_dict())
    assert not torch.equal(parallel(x), plain(x))
    parallel.load_state_dict({f"module.{name}": value for name, value in of_plain.items()})
    assert torch.equal(parallel(x), plain(x))


def test_several_devices_are_refused_with_the_remedy() -> None:
    parallel = on_no_device(network(4))
    parallel.device_ids = [0, 1]
    with pytest.raises(InputError, match=r"DataParallel on 2 devices, .*DistributedDataParallel, one process a device"):
        Taps(parallel, "0")


def test_replicas_that_data_parallel_makes_of_tapped_models_are_refused() -> None:
    # What DataParallel runs on each device: a shallow copy that shares the hooks of the original.
    model = network(4)
    with Taps(model, "1"):
        replica: Any = model[1]._replicate_for_data_parallel()
        with pytest.raises(InputError, match=r"layers holds '1', which DataParallel runs, .*DistributedDataParallel"):
            replica(torch.ones(2, 3))
