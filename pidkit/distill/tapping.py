"""`tap`: put a student and its teachers together, and tap the layers that objectives compare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from torch import nn

from pidkit.arguments import items_of
from pidkit.distill.kept import Layouts
from pidkit.distill.networks import Networks
from pidkit.distill.picking import LogitPicks, MaskPick
from pidkit.distill.resizing import Resize
from pidkit.distill.teacher_cache import TeacherCache
from pidkit.errors import InputError
from pidkit.nn.inputs import Inputs
from pidkit.nn.taps import Call, Reduce, find_layers

Layers = str | Iterable[str | tuple[str, str]]
"""Pairs of layers to compare: one string for the same name in both networks, or (teacher's layer, student's layer)."""


def tap(
    *,
    teacher: nn.Module | Mapping[str, nn.Module] | None = None,
    student: nn.Module,
    layers: Layers | Mapping[str, Layers] = (),
    example: Inputs,
    reduce: Reduce = "none",
    layout: Layouts | None = None,
    call: Call = "only",
    resize: Resize | None = None,
    logits: LogitPicks | None = None,
    mask: MaskPick | None = None,
    class_axis: int = 1,
    cache: TeacherCache | None = None,
) -> Networks:
    """Put a student and its teacher together, the layers to compare tapped, for one forward pass a step.

    Parameters
    ----------
    teacher : nn.Module, or mapping of str to nn.Module, optional
        One, or several by name; None for a student that learns alone. Frozen: eval mode, no gradients, for as long as
        the returned module holds it.
    student : nn.Module
        Trains or not as its mode says. `torch.compile` it after the call, or give a compiled one that has not run yet:
        code compiled before the hooks were there does not see them. In DataParallel on one device or none layers have
        the names of the network inside; several devices need DistributedDataParallel.
    layers : str, iterable of str or (str, str), or mapping of these by teacher
        Pairs (layer of the teacher, layer of the student) by qualified name; one string stands for the same name in
        both, and a glob for as many layers of each, paired in order. Without a teacher, the names or globs of layers of
        the student, each paired with itself, for regularisers.
    example : Tensor, shape (n, ...), or mapping of str to Tensor
        A few inputs, run once (the networks are left as found) to learn the shapes.
    reduce : "none", "mean", "class-token", "token-grid", callable, or mapping of str to these
        What is kept of the layers' outputs, as in `pidkit.nn.taps.Taps`: one for all layers, or by name or glob of the
        teacher's and the student's layers, such as ``{"*.self_attn": lambda out: out[1]}`` for the attention that an
        `nn.MultiheadAttention` returns beside its output. Of tokens (n, length, width), "class-token" keeps the first,
        and "token-grid" the last s² as maps (n, width, s, s).
    layout : "channels-first", "channels-last", or mapping of str to these, optional
        Where the channels of maps and sequences lie, for all layers or by name or glob. None: maps are (n, channels,
        height, width) and sequences tokens (n, length, channels), and what may be something else is refused: maps that
        are not square or come out of linear layers (Swin's are "channels-last"), sequences out of one-dimensional
        convolutions ("channels-first").
    call : "only", "first" or "last"
        Which output to keep of a layer that runs several times in one pass, as in `Taps`.
    resize : "pool" or "interpolate", optional
        Bring each layer of a teacher to the resolution of the student's that it is compared with: by averages over
        regions, which only make it smaller, or linearly between places. None leaves both, and objectives that compare
        place by place refuse pairs that differ.
    logits : str, int, callable, or mapping of str to these, optional
        Where the logits are in what the networks put out: a key or an attribute, such as "logits" of what transformers'
        models return; an index of a tuple; or what picks them, ``lambda out: out.logits[:, :-1]``. One for all, or by
        the name of each teacher and "student". None: the networks put out the logits alone.
    mask : str or callable, optional
        Which places count, such as the tokens that are no padding: the name of an input, "attention_mask", or a
        function of the inputs, ``lambda x: x != 0``. None: of logits with places those whose label is not -100.
    class_axis : int
        The axis of the classes in what the networks return: 1, as torch's cross_entropy has it, or -1 for the logits of
        tokens, (n, length, n_classes). In a `Batch` they lie on axis 1.
    cache : TeacherCache, optional
        Where the teachers' answers are kept and found again, perhaps shared with other runs. None computes them anew.

    Returns
    -------
    Networks
        `networks(x, phase)` gives a `Batch`; `networks.pairs` the pairs with their shapes, for the objectives.

    Raises
    ------
    InputError
        If a layer is unknown (near matches are named), a glob fits different numbers of layers, a teacher is the
        student, an option is wrong or names a layer that is not tapped, the channels of a layer may be one of two axes,
        `cache` is something else, layers without a teacher are pairs, or the logits are no tensor, or not where
        `logits` says.

    Examples
    --------
    >>> import torch
    >>> teacher = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 2))
    >>> student = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
    >>> networks = tap(teacher=teacher, student=student, layers=["0"], example=torch.ones(1, 4))
    >>> networks.pairs[0].teacher_channels, networks.pairs[0].student_channels
    (8, 3)
    >>> batch = networks(torch.ones(5, 4))
    >>> batch.teacher.logits.requires_grad, batch.student.layer("0").requires_grad
    (False, True)
    """
    given: object = cache
    if given is not None and not isinstance(given, TeacherCache):
        raise InputError(f"cache must be a TeacherCache, not {type(given).__name__}; pass TeacherCache(path)")
    made = partial(
        Networks,
        example=example,
        reduce=reduce,
        layout=layout,
        call=call,
        resize=resize,
        logits=logits,
        mask=mask,
        class_axis=class_axis,
    )
    if teacher is None:
        return made({}, student, {}, alone=_of_student(student, layers))
    teachers = dict(teacher) if isinstance(teacher, Mapping) else {"teacher": teacher}
    if not teachers:
        raise InputError("teacher is an empty mapping; give at least one network")
    for name, model in teachers.items():
        if not isinstance(model, nn.Module):
            raise InputError(f"teacher must be a torch.nn.Module or several by name, not {type(model).__name__}")
        if model is student:
            raise InputError(f"teacher {name!r} is the student itself, which would be frozen; copy.deepcopy it first")
    if isinstance(layers, Mapping) and set(layers) != set(teachers):
        raise InputError(f"layers must name the teachers {sorted(teachers)}, not {sorted(layers)}")
    pairs = {
        name: _paired(model, student, layers[name] if isinstance(layers, Mapping) else layers)
        for name, model in teachers.items()
    }
    return made(teachers, student, pairs, cache=cache)


def _of_student(student: nn.Module, layers: Layers | Mapping[str, Layers]) -> list[str]:
    """Return the layers that names and globs stand for in a student without a teacher."""
    names = [layers] if isinstance(layers, str) else items_of("layers", layers)
    if isinstance(layers, Mapping) or not all(isinstance(name, str) for name in names):
        raise InputError("layers are pairs of teacher and student; without a teacher, name layers of the student alone")
    return [*find_layers(student, names)] if names else []


def _paired(teacher: nn.Module, student: nn.Module, layers: Layers) -> list[tuple[str, str]]:
    """Return the pairs that names, pairs and globs stand for."""
    pairs: list[tuple[str, str]] = []
    for item in [layers] if isinstance(layers, str) else items_of("layers", layers):
        first, second = (item, item) if isinstance(item, str) else item
        theirs, ours = find_layers(teacher, first), find_layers(student, second)
        if len(theirs) != len(ours):
            raise InputError(
                f"layers {first!r} and {second!r} fit {len(theirs)} layers of the teacher and {len(ours)} of the "
                "student; they are compared in pairs, so name as many of each"
            )
        pairs += zip(theirs, ours, strict=True)
    return pairs
