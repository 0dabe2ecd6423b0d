"""Inputs of networks, as `pidkit.nn.inputs` has them."""

from pidkit.nn.inputs import Inputs as Inputs
from pidkit.nn.inputs import check_inputs as check_inputs
from pidkit.nn.inputs import each_tensor as each_tensor
from pidkit.nn.inputs import n_samples as n_samples
from pidkit.nn.inputs import named_tensors as named_tensors
from pidkit.nn.inputs import on_device as on_device
from pidkit.nn.inputs import run_on as run_on
