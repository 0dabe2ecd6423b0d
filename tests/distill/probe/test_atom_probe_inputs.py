"""AtomProbe of networks as people have them: inputs by name, logits out of dictionaries, padding, and a cache."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pidkit.distill import RID, AtomProbe, Networks, TeacherCache, tap
from pidkit.errors import InputError
from tests.distill.probe.known_students import CODES

N, LENGTH, N_CLASSES = 90, 4, 3


class Classifier(nn.Module):
    """Words to a dictionary with the logits of the mean of the words that count."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(10, width)
        self.tokens = nn.Identity()
        self.classes = nn.Linear(width, N_CLASSES)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> dict[str, Any]:
        hidden = self.tokens(self.embed(input_ids))
        mean = (hidden * attention_mask[:, :, None]).sum(1) / attention_mask.sum(1, keepdim=True)
        return {"loss": None, "logits": self.classes(mean)}


def sample_of(padding: int = 0) -> tuple[dict[str, Tensor], Tensor]:
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(N) % N_CLASSES
    words = 1 + 3 * y[:, None] + torch.randint(0, 3, (N, LENGTH), generator=generator)
    mask = torch.arange(LENGTH) < torch.randint(1, LENGTH + 1, (N, 1), generator=generator)
    return {"input_ids": words.masked_fill(~mask, padding), "attention_mask": mask.long()}, y


def networks_of(cache: TeacherCache | None = None) -> Networks:
    torch.manual_seed(0)
    return tap(
        teacher=Classifier(5),
        student=Classifier(3),
        layers="tokens",
        example=sample_of()[0],
        logits="logits",
        mask="attention_mask",
        cache=cache,
    )


def atoms_of(networks: Networks, padding: int = 0, **options: Any) -> np.ndarray:
    with AtomProbe(networks, sample=sample_of(padding), n_null=0, batch_size=25, **options) as probe:
        records = probe.step(0)
    assert [record.teacher_layer for record in records] == ["tokens", "(logits)"]
    return np.array([[getattr(r, name) for name in ("redundancy", "unique_teacher", "mi_joint")] for r in records])


def test_atoms_of_named_inputs_are_those_of_rows_collected_by_hand_and_padding_does_not_count() -> None:
    networks = networks_of()
    found = atoms_of(networks, quantiser=CODES)
    assert (found[:, 2] > 0.3).all()
    for padding in (7, 9):
        np.testing.assert_array_equal(atoms_of(networks, padding, quantiser=CODES), found)


def test_a_cache_and_filters_find_the_same() -> None:
    plain = atoms_of(networks_of(), quantiser=CODES)
    cached = networks_of(TeacherCache())
    np.testing.assert_array_equal(atoms_of(cached, quantiser=CODES), plain)
    rid = RID(cached.pairs, n_classes=N_CLASSES)
    np.testing.assert_allclose(atoms_of(cached, 7, quantiser=CODES, objective=rid), plain, atol=1e-6)


def test_filters_see_no_padding() -> None:
    networks = networks_of()
    rid = RID(networks.pairs, n_classes=N_CLASSES)
    found = []
    for padding in (0, 8):
        options: dict[str, Any] = {"objective": rid, "quantiser": CODES, "n_null": 0, "logits": False}
        with AtomProbe(networks, sample=sample_of(padding), **options) as probe:
            (record,) = probe.step(0)
        assert record.assumption is not None
        found.append((record.assumption.value, record.assumption.teacher_std))
    assert found[0] == pytest.approx(found[1], abs=1e-6)


def test_samples_by_name_are_checked() -> None:
    x, y = sample_of()
    with pytest.raises(InputError, match="sample must have one label a row: x has inputs by name, and there are 5"):
        AtomProbe(networks_of(), sample=(x, y[:5]))
    with pytest.raises(InputError, match="sample x must hold inputs with one row a sample each"):
        AtomProbe(networks_of(), sample=({**x, "attention_mask": x["attention_mask"][:5]}, y))
