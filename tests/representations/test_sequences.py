"""Token by token: the label of the sequence for each, and all of them in one fold."""

import warnings
from typing import Any

import numpy as np
import pytest

from pidkit import InputError, RepresentationCodes, representation_pid
from pidkit.errors import PidkitWarning
from pidkit.representations.folds import cross_fitting_splits
from pidkit.representations.sequences import read_tokens


def test_the_tokens_of_a_sequence_lie_in_one_fold() -> None:
    tokens, labels, groups = read_tokens({"x1": np.arange(240.0).reshape(40, 3, 2)}, np.arange(40) % 2, None)
    assert (np.asarray(tokens["x1"]) == np.arange(240.0).reshape(120, 2)).all()
    for split in cross_fitting_splits(labels, 5, groups, np.random.default_rng(0)):
        assert split.value.size % 3 == 0
        assert not set(split.value // 3) & set(split.train // 3)
        assert not set(split.value // 3) & set(split.stop // 3)


def test_groups_of_sequences_are_kept() -> None:
    _, _, groups = read_tokens({"x1": np.ones((4, 2, 1))}, np.arange(4) % 2, np.array([0, 0, 1, 1]))
    assert groups.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]


def quiet_pid(**options: Any) -> Any:
    with warnings.catch_warnings(category=PidkitWarning, action="ignore"):
        return representation_pid(**options)


def test_tokens_tell_what_their_mean_does_not() -> None:
    """Of two tokens with opposite noise, each is a noisy look at the label, and the mean knows it."""
    rng = np.random.default_rng(0)
    labels = np.arange(300) % 2
    noise = rng.normal(size=(300, 1, 2))
    x = labels[:, None, None] + np.concatenate([noise, -noise], axis=1)  # the mean is the label itself
    options: dict[str, Any] = {"labels": labels, "x1": x, "x2": x[:, :, :1], "folds": 3}
    mean, tokens = quiet_pid(**options), quiet_pid(**options, sequences="tokens")
    assert mean.mi_1 > 0.95
    assert 0.1 < tokens.mi_1 < 0.5
    assert (mean.n_samples, tokens.n_samples) == (300, 600)
    assert (mean.provenance["sequences"], tokens.provenance["sequences"]) == ("mean", "tokens")


def test_a_signature_of_the_sequence_is_not_read_as_its_label() -> None:
    """Every token carries the signature of its sequence, which says nothing about the label of another one."""
    rng = np.random.default_rng(0)
    x = np.repeat(rng.normal(size=(100, 1, 4)), 5, axis=1)
    labels = np.arange(100) % 2
    options: dict[str, Any] = {"decoder": "knn", "folds": 3}
    assert quiet_pid(labels=labels, x1=x, x2=x, sequences="tokens", **options).mi_1 < 0.05
    loose = x.reshape(500, 4)
    assert quiet_pid(labels=np.repeat(labels, 5), x1=loose, x2=loose, **options).mi_1 > 0.2


def test_copies_of_tokens_leave_the_errors_as_they_are() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 2
    x = labels[:, None, None] + rng.normal(size=(200, 1, 2))
    options: dict[str, Any] = {"labels": labels, "sequences": "tokens", "folds": 3}
    once, often = (quiet_pid(x1=y, x2=y[:, :, :1], **options) for y in (x, np.repeat(x, 6, axis=1)))
    for name in ("mi_1", "redundancy", "unique_1"):
        assert often.standard_error[name] > 0.7 * once.standard_error[name], name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"x1": np.ones((4, 2))}, r"^x1 must have shape \(n, length, d\) to be read token by token, not \(4, 2\)$"),
        ({"x2": np.ones((5, 2, 2))}, r"^x2 must have one sequence a label; it has 5 for 4 labels$"),
        (
            {"x2": np.ones((4, 3, 2))},
            r"^the tokens of x1 and x2 are paired, so that their sequences must be of one length, not of 2 and 3; take",
        ),
        ({"sequences": "words"}, r"^sequences must be 'mean' or 'tokens', not 'words'$"),
        ({"quantiser": RepresentationCodes()}, r"^sequences is for decoders, and quantiser makes codes without them"),
    ],
)
def test_other_sequences_are_refused(options: dict[str, Any], message: str) -> None:
    usual = {"labels": np.arange(4) % 2, "x1": np.ones((4, 2, 2)), "x2": np.ones((4, 2, 2)), "sequences": "tokens"}
    with pytest.raises(InputError, match=message):
        representation_pid(**{**usual, **options})
