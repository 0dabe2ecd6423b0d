"""Distillation of what a decoder reads: it is KD with the decoder's answers, whatever the teacher says itself."""

import torch

from pidkit.distill import KD, Batch, DecodedKD, LayerDecoder, Outputs, linear_schedule
from tests.distill.toys import blobs, network

X, Y = blobs(120)


def told(model: torch.nn.Sequential, logits: torch.Tensor) -> Outputs:
    with torch.no_grad():
        return Outputs(logits, {"1": model[1](model[0](X))})


def test_it_is_kd_of_the_decoders_answers_and_not_of_the_teachers() -> None:
    model = network(6)
    decoder = LayerDecoder.fit(model, "1", X, Y)
    objective = DecodedKD(decoder, temperature=2.0)
    ours = Outputs(torch.randn(120, 3, generator=torch.Generator().manual_seed(0)), {})
    losses = [objective(Batch(ours, {"teacher": told(model, logits)}), Y) for logits in (X[:, :3], X[:, :2] * 100)]
    answers = decoder(told(model, X)).float()
    expected = KD(2.0)(Batch(ours, {"teacher": Outputs(answers, {})}), Y)
    torch.testing.assert_close(losses[0], expected)
    assert torch.equal(*losses)


def test_its_temperature_follows_a_schedule_and_its_decoder_does_not_learn() -> None:
    objective = DecodedKD(LayerDecoder.fit(network(5), "1", X, Y), linear_schedule(8.0, 2.0, 4))
    objective.set_epoch(3)
    assert objective.kd.temperature == 2.0
    assert list(objective.parameters()) == []
