"""`representation_pid`: layers whose atoms are known, one answer a seed, groups, warnings, and options refused."""

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB

from pidkit import (
    CodedPID,
    InputError,
    KMeansCodes,
    PidkitWarning,
    RepresentationCodes,
    RepresentationPID,
    coded_pid,
    representation_pid,
)
from pidkit.pid.result import ATOMS

N = 1200


def gaussian_classes(
    n: int, *, loud: float, seed: int = 0, n_classes: int = 4
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float, float]:
    """Return labels, a layer, a noisier look at it, and I(Y;X1) and I(Y;X2) in bits by exact posteriors.

    x1 is z beside `loud` times noise, x2 is z and more noise beside as loud noise of its own, z is Gaussian about the
    mean of its class. x2 is a degraded x1: redundancy = I(Y;X2), unique_1 = I(Y;X1) - I(Y;X2), unique_2 = synergy = 0.
    """
    rng = np.random.default_rng(seed)
    labels = rng.integers(n_classes, size=n)
    means = 2.0 * np.eye(n_classes)
    z = means[labels] + rng.normal(size=(n, n_classes))
    worse = z + rng.normal(size=z.shape)
    told = []
    for x, variance in ((z, 1.0), (worse, 2.0)):
        log_q = -((x[:, None] - means) ** 2).sum(2) / (2.0 * variance)
        q = np.exp(log_q - log_q.max(1, keepdims=True))
        q /= q.sum(1, keepdims=True)
        told.append(float(np.log2(n_classes) + (q * np.log2(q)).sum(1).mean()))
    nuisance = loud * rng.normal(size=(2, n, 12))
    return labels, np.hstack([z, nuisance[0]]), np.hstack([worse, nuisance[1]]), told[0], told[1]


@pytest.fixture(scope="module")
def degraded() -> RepresentationPID:
    labels, x1, x2, _, _ = gaussian_classes(N, loud=1.0)
    with warnings.catch_warnings(category=PidkitWarning, action="ignore"):
        return representation_pid(labels=labels, x1=x1, x2=x2, n_bootstrap=3, n_null=20)


@pytest.mark.parametrize("loud", [1.0, 100.0])
@pytest.mark.filterwarnings("ignore::pidkit.PidkitWarning")
def test_a_degraded_layer_however_loud_the_nuisance(loud: float) -> None:
    labels, x1, x2, mi_1, mi_2 = gaussian_classes(4000, loud=loud)
    found = representation_pid(labels=labels, x1=x1, x2=x2)
    # A linear decoder is right for these classes; it learns from 4000 rows, and its noise is .01 to .02 bits.
    assert found.mi_1 == pytest.approx(mi_1, abs=0.06)
    assert found.redundancy == pytest.approx(mi_2, abs=0.06)
    assert found.unique_1 == pytest.approx(mi_1 - mi_2, abs=0.06)
    assert found.unique_2 == pytest.approx(0.0, abs=0.03)
    assert found.synergy == pytest.approx(0.0, abs=0.03)


def test_codes_without_labels_lose_what_the_decoder_reads() -> None:
    labels, x1, x2, _, _ = gaussian_classes(N, loud=100.0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = representation_pid(labels=labels, x1=x1, x2=x2, quantiser=RepresentationCodes())
    pattern = r"the codes of x1 tell 0\.0\d+ bits and a decoder reads [01]\.\d+: the codes lost the rest"
    assert any(re.match(pattern, str(one.message)) for one in caught)
    assert isinstance(found, CodedPID)
    assert found.pid.mi_1 < 0.1
    assert found.decoded_1 is not None
    assert found.decoded_1 > 0.7


def test_many_classes_that_both_layers_know() -> None:
    # Every class is a corner of its own: redundancy = H(Y), though ten codes could tell log 10 at most.
    labels = np.arange(900) % 30
    x1, x2 = np.eye(30)[labels] + 0.02 * np.random.default_rng(0).normal(size=(2, 900, 30))
    found = representation_pid(labels=labels, x1=x1, x2=x2)
    assert found.redundancy == pytest.approx(np.log2(30), abs=0.05)
    assert max(found.unique_1, found.unique_2, found.synergy) < 0.02


def test_synergy_needs_a_decoder_of_both() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(2, size=(2, N))
    x1, x2 = (bit[:, None] + 0.2 * rng.normal(size=(N, 2)) for bit in (a, b))
    found = representation_pid(labels=a ^ b, x1=x1, x2=x2, decoder="knn", n_null=20)
    assert found.synergy > 0.9
    assert found.verdict("synergy") == "above chance (p < 0.0001)"  # which codes of the single layers cannot tell
    assert found.null is not None
    assert set(found.null) == {"redundancy", "unique_1", "unique_2"}
    assert max(found.redundancy, found.unique_1, found.unique_2) < 0.02
    # No linear decoder sees an exclusive or.
    assert representation_pid(labels=a ^ b, x1=x1, x2=x2).synergy < 0.02


@pytest.mark.parametrize("decoder", ["linear", "mlp", "knn", GaussianNB()], ids=["linear", "mlp", "knn", "GaussianNB"])
@pytest.mark.filterwarnings("ignore::pidkit.PidkitWarning")
def test_every_decoder_gives_atoms_that_add_up(decoder: Any) -> None:
    labels, x1, x2, _, _ = gaussian_classes(400, loud=1.0)
    found = representation_pid(labels=labels, x1=x1, x2=x2, decoder=decoder)
    assert found.redundancy + found.unique_1 == pytest.approx(found.mi_1)
    assert found.redundancy + found.unique_2 == pytest.approx(found.mi_2)
    assert sum(found.atoms.values()) == pytest.approx(found.mi_joint)
    assert sum(found.budget().values()) == pytest.approx(found.entropy_y)
    assert found.mi_1 > 0.4
    assert all(one.name == found.provenance["decoder"] for one in found.decoders.values())


def test_logits_are_taken_at_their_word_up_to_calibration() -> None:
    labels, x1, _, mi_1, _ = gaussian_classes(N, loud=1.0)
    logits = 2.0 * x1[:, :4]  # those of the exact posteriors of z
    found = representation_pid(labels=labels, x1=logits, x2=2.0 * logits, decoder="softmax")
    assert found.mi_1 == pytest.approx(mi_1, abs=0.05)
    # The second layer is too sure by a factor of two, which calibration undoes: both know the same.
    assert found.redundancy == pytest.approx(found.mi_1, abs=0.02)


def test_an_interval_an_error_a_bracket_and_a_verdict_for_each(degraded: RepresentationPID) -> None:
    for name in ATOMS:
        low, high = degraded.interval[name]
        assert low < degraded.atoms[name] < high
        assert degraded.verdict(name).startswith(("above chance", "not told from zero"))
    assert set(degraded.bracket) == {"redundancy", "unique_1", "unique_2"}
    for atom, (low, high) in degraded.bracket.items():
        assert low <= degraded.to_dict()[atom] <= high
    assert degraded.verdict("redundancy").startswith("above chance")
    assert degraded.verdict("unique_2").startswith("not told from zero")
    assert degraded.null is not None
    assert degraded.bootstrap is not None


def test_an_atom_that_is_not_called_may_be_nothing() -> None:
    """Two equal looks have no unique atom; what each decoder misses of them looks like one."""
    rng = np.random.default_rng(4)
    labels = rng.integers(10, size=1000)
    x1, x2 = (np.eye(10)[labels] + rng.normal(scale=0.6, size=(1000, 10)) for _ in range(2))
    result = representation_pid(labels=labels, x1=x1, x2=x2)
    assert result.unique_1 + result.unique_2 > 0.0
    for atom in ("unique_1", "unique_2"):
        assert result.p_value[atom] > 0.05
        assert result.interval[atom][0] <= 0.0 <= result.interval[atom][1]


def test_one_answer_a_seed() -> None:
    labels, x1, x2, _, _ = gaussian_classes(300, loud=1.0)
    with warnings.catch_warnings(category=PidkitWarning, action="ignore"):
        first, second, other = (representation_pid(labels=labels, x1=x1, x2=x2, rng=rng) for rng in (3, 3, 4))
    assert first.atoms == second.atoms
    assert first.interval == second.interval
    assert first.atoms != other.atoms


@pytest.mark.filterwarnings("ignore::pidkit.PidkitWarning")
def test_labels_may_be_any_symbols() -> None:
    labels, x1, x2, _, _ = gaussian_classes(300, loud=1.0)
    names = np.array(["cat", "dog", "eel", "fox"])[labels]
    options: dict[str, Any] = {"x1": x1, "x2": x2, "unit": "nats"}
    assert representation_pid(labels=labels, **options).atoms == representation_pid(labels=names, **options).atoms


@pytest.mark.filterwarnings("ignore::pidkit.PidkitWarning")
def test_copies_across_folds_are_read_by_heart_and_groups_prevent_it() -> None:
    # Noise tells nothing, but eight copies of each row do, to a decoder that has seen seven of them.
    rng = np.random.default_rng(0)
    labels, groups = np.repeat(rng.integers(2, size=60), 8), np.repeat(np.arange(60), 8)
    x1, x2 = np.repeat(rng.normal(size=(2, 60, 6)), 8, axis=1)
    loose = representation_pid(labels=labels, x1=x1, x2=x2, decoder="knn")
    kept = representation_pid(labels=labels, x1=x1, x2=x2, decoder="knn", groups=groups)
    assert loose.mi_1 > 0.8
    assert kept.mi_1 < 0.1
    assert (loose.provenance["groups"], kept.provenance["groups"]) == (False, True)


def test_the_decoder_of_both_that_reads_less_is_told() -> None:
    # Forty columns of noise cost a linear decoder of 150 rows more than the second layer, a copy, adds.
    rng = np.random.default_rng(0)
    labels = np.arange(150) % 2
    x1 = labels[:, None] + 0.5 * rng.normal(size=(150, 1))
    x2 = rng.normal(size=(150, 60))
    with pytest.warns(
        PidkitWarning, match=r"^the decoder of both layers reads 0\.\d+ bits less than that of the better"
    ):
        found = representation_pid(labels=labels, x1=x1, x2=x2)
    assert any(text.startswith("the decoder of both layers") for text in found.warnings)
    assert "the decoder" in found.limits("synergy")


def test_warnings_point_at_the_caller() -> None:
    labels, x1, x2, _, _ = gaussian_classes(N, loud=100.0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        representation_pid(labels=labels, x1=x1, x2=x2, quantiser=KMeansCodes(n_codes=4))
    assert {Path(one.filename).name for one in caught} == {Path(__file__).name}


def test_the_recipe_without_labels_is_that_of_coded_pid() -> None:
    labels, x1, x2, _, _ = gaussian_classes(N, loud=0.1)
    options: dict[str, Any] = {"labels": labels, "x1": x1, "x2": x2, "quantiser": KMeansCodes(n_codes=8), "n_null": 3}
    with warnings.catch_warnings(category=PidkitWarning, action="ignore"):
        assert representation_pid(**options, decoder=None).pid.atoms == coded_pid(**options).pid.atoms


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"decoder": "tree"},
            r"^decoder must be one of 'linear', 'mlp', 'knn', 'softmax', or a scikit-learn classifier",
        ),
        ({"decoder": GaussianNB}, r"^decoder must be one of "),
        ({"decoder": None}, r"^decoder=None needs a quantiser, such as RepresentationCodes\(\); or name a decoder$"),
        ({"folds": 1}, r"^folds must be a whole number >= 2, not 1"),
        ({"folds": 51}, r"class with 50 samples; a split needs at least 51 of each"),
        ({"n_codes": 1}, r"^n_codes must be a whole number >= 2, not 1"),
        ({"quantiser": KMeansCodes(2), "folds": 5}, r"^folds is for decoders, and quantiser makes codes without them"),
        ({"quantiser": KMeansCodes(2), "n_codes": 5}, r"^n_codes is for decoders"),
        ({"quantiser": KMeansCodes(2), "groups": [0]}, r"^groups is for decoders"),
        ({"groups": [0, 1]}, r"^groups must name the group of every row; there are 2 for 100 rows$"),
        ({"x1": np.ones((99, 2))}, r"^x1 must have one row a label; it has 99, and there are 100 labels$"),
        ({"x2": np.full((100, 2), np.nan)}, r"^x2"),
        ({"unit": "digits"}, r"^unit must be"),
    ],
)
def test_what_is_refused_before_any_work(options: dict[str, Any], message: str) -> None:
    rng = np.random.default_rng(0)
    usual = {"labels": np.arange(100) % 2, "x1": rng.normal(size=(100, 2)), "x2": rng.normal(size=(100, 2))}
    with pytest.raises(InputError, match=message):
        representation_pid(**{**usual, **options})
