"""RID with the published code's options: sums as printed, by hand, and wider filters of the student."""

import pytest
import torch

from pidkit.distill import RID, Batch, LayerPair, Outputs, Phase


def test_the_printed_sums_by_hand() -> None:
    # Learned sigma 2 for both of two channels, V = 3 at each of 5 places: 2 * 4 + 2 * 5 * 9 / 2; the means: 4 + 9 / 2.
    pair = LayerPair("t", "s", (2, 1, 5), (2, 1, 5))
    total = RID([pair], n_classes=3, initial_sigma=2.0, reduction="sum").eval()
    mean = RID([pair], n_classes=3, initial_sigma=2.0).eval()
    for rid in (total, mean):
        with torch.no_grad():
            for filters, value in ((rid.teacher_filters, 3.0), (rid.student_filters, 0.0)):
                filters[0].layers[-1].weight.zero_()
                filters[0].layers[-1].bias.fill_(value)
    logits, layer = torch.zeros(4, 3), torch.ones(4, 2, 1, 5)
    batch = Batch(Outputs(logits, {"s": layer}), {"teacher": Outputs(logits, {"t": layer})})
    labels = torch.arange(4) % 3
    assert float(total(batch, labels, Phase.STUDENT).detach()) == pytest.approx(8.0 + 45.0)
    assert float(mean(batch, labels, Phase.STUDENT).detach()) == pytest.approx(4.0 + 4.5)
    apart = total(batch, labels, Phase.TEACHER_FILTER) - total(batch, labels, Phase.WARM_UP)
    assert float(apart.detach()) == pytest.approx(45.0)


def test_the_closed_form_of_the_sums_is_their_minimum() -> None:
    # v = 9, P = 5: sigma = (45 / 2)^(1/3), the value of each channel 3 (45 / 2)^(2/3).
    pair = LayerPair("t", "s", (2, 1, 5), (2, 1, 5))
    rid = RID([pair], n_classes=3, sigma="closed-form", reduction="sum").eval()
    with torch.no_grad():
        for filters, value in ((rid.teacher_filters, 3.0), (rid.student_filters, 0.0)):
            filters[0].layers[-1].weight.zero_()
            filters[0].layers[-1].bias.fill_(value)
    logits, layer = torch.zeros(4, 3), torch.ones(4, 2, 1, 5)
    batch = Batch(Outputs(logits, {"s": layer}), {"teacher": Outputs(logits, {"t": layer})})
    loss = rid(batch, torch.arange(4) % 3, Phase.STUDENT)
    assert float(loss.detach()) == pytest.approx(2 * 3 * 22.5 ** (2 / 3), rel=1e-5)


def test_wider_filters_of_the_student() -> None:
    rid = RID([LayerPair("t", "s", (4, 1, 5), (2, 1, 5))], n_classes=3, widening=2)
    assert [tuple(p.shape) for p in rid.student_filters.parameters() if p.ndim == 3] == [(4, 2, 1), (2, 4, 1)]
