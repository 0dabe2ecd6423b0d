"""`InformationPlane`: measure networks at any step of their training, without changing the training."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import torch
from torch import nn

from pidkit.arguments import Rng, check_count, flag, integer_seed, items_of, real_number, whole_number
from pidkit.errors import InputError
from pidkit.info import entropy
from pidkit.nn.features import collect_features
from pidkit.nn.sample import check_sample, fingerprint
from pidkit.nn.seeding import own_random_state
from pidkit.nn.taps import Call, Reduction, Taps, eager_model
from pidkit.plane.conversion import as_arrays, as_inputs, layers_of
from pidkit.plane.estimators import PlaneEstimator, plane_estimators
from pidkit.plane.measurement import Repeats, Subject, measure_layer
from pidkit.plane.pairs import check_atoms, measure_atoms
from pidkit.records.plane_point import PlanePoint
from pidkit.records.resume import RunFile, start_trajectory
from pidkit.records.trajectory import PlaneTrajectory
from pidkit.types import FloatArray, Unit
from pidkit.units import check_unit


class InformationPlane:
    """Track I(X;F) and I(F;Y) of the layers of one or two networks over training: a context manager and a callback.

    At every step the networks run eagerly, in eval mode and without gradients, on a fixed sample; afterwards modes,
    buffers, gradients, random state and hooks are as they were, also after an exception, so that a tracked run and an
    untracked one are bit-identical.

    Parameters
    ----------
    model : torch.nn.Module, or dict of str to torch.nn.Module
        One network, called `network`; or several by name, such as {"teacher": ..., "student": ...}.
    layers : str, iterable of str, or dict of str to these
        Qualified names or globs (`find_layers`), for all networks or for each by name.
    sample : tuple
        (x, y): inputs, shape (n, ...), and labels, length n. Held-out samples: on training samples a network that has
        memorised them shows H(Y).
    estimators : str, PlaneEstimator, or sequence of these
        "decoder" (the pair of SFKD's appendix A: what is reconstructed, what is predicted), "binned", "ksg",
        "jsd", "infonce", or your own; several are measured on one run.
    inputs : array_like or torch.Tensor, shape (n, ...), optional
        What I(X;F) is about, where not the sample inputs: thumbnails of large images, embeddings of tokens.
    n_seeds : int
        Runs of each seeded estimator, for the error bars.
    n_null : int
        Shuffles of the labels, for the null of I(F;Y) and of atoms of codes.
    atoms : sequence of (str, str)
        With two networks: pairs (layer of the first, layer of the second) to decompose at every step, as decoders read
        them: the numbers of `representation_pid`, with their intervals.
    atom_options : dict, optional
        "decoder", "folds" and "n_codes" of `representation_pid`, and "learning_curve" as in `AtomProbe`. With a
        "quantiser" the layers are coded without the labels instead: arguments of `coded_pid`, such as
        {"quantiser": RepresentationCodes(), "n_bootstrap": 50}.
    schedule : collection of float, optional
        The steps to measure (`log_spaced_steps`); at others `step` returns at once. None: every step asked for.
    reduce, call
        As in `Taps`: pool or pick outputs in the hook.
    max_features : int or None
        Wider layers are sketched to this many features in the hook (`Taps`), so that a layer costs at most
        n · max_features numbers; None keeps them whole.
    batch_size : int
        Samples that a network sees at once.
    unit : str
    rng : int or numpy.random.Generator
        Seeds the estimators, the shuffles and the sketch. Of a Generator one integer is drawn, which the trajectory
        records, so that a run can be resumed: resume with that integer.
    network : str
        What a single model is called.
    path : path, optional
        A .npz file, written with its .json after every step.
    resume : bool
        Continue the run in `path`, where there is one: steps that it holds are returned, not measured again.

    Raises
    ------
    InputError
        If an argument cannot be used, a layer is unknown, or `path` exists and is no run with these settings.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(2, size=200)
    >>> x = torch.from_numpy(y[:, None] + 0.1 * rng.normal(size=(200, 3)))
    >>> with InformationPlane(nn.Linear(3, 1), layers="*", sample=(x, y), estimators="binned") as plane:
    ...     _ = plane.step(0)
    Traceback (most recent call last):
    pidkit.errors.InputError: layers holds '*', which fits no layer of Linear; it has no named layers
    >>> model = nn.Sequential(nn.Linear(3, 2), nn.Tanh())
    >>> with InformationPlane(model, layers="*", sample=(x, y), estimators="binned") as plane:
    ...     points = plane.step(0)
    >>> [(point.layer, point.quantity) for point in points]
    [('0', 'mi_input'), ('0', 'mi_label'), ('1', 'mi_input'), ('1', 'mi_label')]
    """

    def __init__(
        self,
        model: nn.Module | Mapping[str, nn.Module],
        *,
        layers: str | Iterable[str] | Mapping[str, str | Iterable[str]],
        sample: tuple[Any, Any],
        estimators: str | PlaneEstimator | Sequence[str | PlaneEstimator] = "decoder",
        inputs: Any = None,
        n_seeds: int = 3,
        n_null: int = 1,
        atoms: Sequence[tuple[str, str]] = (),
        atom_options: Mapping[str, Any] | None = None,
        schedule: Collection[float] | None = None,
        reduce: str | Reduction = "none",
        call: Call = "only",
        max_features: int | None = 1024,
        batch_size: int = 256,
        unit: Unit = "bits",
        rng: Rng = 0,
        network: str = "network",
        path: str | os.PathLike[str] | None = None,
        resume: bool = False,
    ) -> None:
        """Check everything before training begins, and find the run to resume."""
        n_seeds, n_null = check_count("n_seeds", n_seeds), whole_number("n_null", n_null)
        seed = integer_seed(rng)
        flag("resume", resume)
        models = dict(model) if isinstance(model, Mapping) else {network: model}
        if not models:
            raise InputError("model must be a torch.nn.Module, or several by name, not an empty dict")
        self._models = {name: eager_model(one) for name, one in models.items()}
        self._layers = layers_of(self._models, layers)
        self._x, self._y = check_sample(sample)
        self._inputs = as_inputs(self._x if inputs is None else inputs, len(self._y))
        self._entropy_y = entropy(np.bincount(self._y) / len(self._y))
        self._estimators = plane_estimators(estimators)
        self._atoms, self._atom_options = check_atoms(
            atoms, self._layers, {} if atom_options is None else atom_options, self._y
        )
        steps = None if schedule is None else items_of("schedule", schedule)
        self._schedule = None if steps is None else frozenset(real_number("schedule", step) for step in steps)
        self._repeats = Repeats(n_seeds, n_null, seed, check_unit(unit))
        self._options: dict[str, Any] = {
            "reduce": reduce,
            "call": call,
            "max_features": None if max_features is None else check_count("max_features", max_features),
            "batch_size": check_count("batch_size", batch_size),
            "rng": seed,
        }
        for name, one in self._models.items():
            Taps(one, self._layers[name], reduce=reduce, max_features=max_features, call=call)  # refuses wrong options
        run_path = None if path is None else Path(path)
        self._closed = False
        self._trajectory = start_trajectory(
            run_path,
            resume=resume,
            settings=self._settings(),
            unit=self._repeats.unit,
            entropy_y=self._entropy_y,
            n_samples=len(self._y),
        )
        self._file = RunFile(run_path)

    @property
    def trajectory(self) -> PlaneTrajectory:
        """What was recorded so far."""
        return self._trajectory

    def __enter__(self) -> Self:
        """Return the plane."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release the networks and the sample; the trajectory stays."""
        self._closed = True
        self._models.clear()
        self._x, self._inputs = torch.empty(0), np.empty(0)

    def __call__(self, step: float) -> None:
        """Measure at a step: the plane as a callback of a training loop."""
        self.step(step)

    def step(self, step: float) -> tuple[PlanePoint, ...]:
        """Measure all layers by all estimators at a step, record and save them, and return the points.

        Nothing is measured at a step outside the schedule (no points), or recorded before (its points, as recorded).

        Raises
        ------
        InputError
            If the plane is closed, the step is not finite, a layer cannot be tapped, features or estimates are not
            finite, or another plane has written to `path`. Nothing of the step is then recorded.
        """
        if self._closed:
            raise InputError("step is called on a plane whose with block has ended; make a new one, with resume=True")
        step = real_number("step", step)
        recorded = self._trajectory.select(step=step).points
        if recorded or (self._schedule is not None and step not in self._schedule):
            return recorded
        points: list[PlanePoint] = []
        with own_random_state(self._repeats.seed):
            features = {
                name: as_arrays(collect_features(model, self._layers[name], self._x, **self._options))
                for name, model in self._models.items()
            }
            with torch.inference_mode(mode=False), torch.enable_grad():
                for name, rows_of in features.items():
                    for layer, rows in rows_of.items():
                        points += self._measure(rows, Subject(name, step, layer))
                points += self._measure_atoms(features, step)
        extended = self._trajectory.extended(points)
        self._file.save(extended)
        self._trajectory = extended
        return tuple(points)

    def _measure(self, rows: FloatArray, subject: Subject) -> list[PlanePoint]:
        points: list[PlanePoint] = []
        for estimator in self._estimators:
            points += measure_layer(
                rows,
                x=self._inputs,
                y=self._y,
                entropy_y=self._entropy_y,
                estimator=estimator,
                subject=subject,
                repeats=self._repeats,
            )
        return points

    def _measure_atoms(self, features: Mapping[str, Mapping[str, FloatArray]], step: float) -> list[PlanePoint]:
        points: list[PlanePoint] = []
        for first, second in self._atoms:
            (name_1, rows_1), (name_2, rows_2) = features.items()
            subject = Subject(f"{name_1} & {name_2}", step, f"{first} & {second}")
            points += measure_atoms(
                rows_1[first],
                rows_2[second],
                y=self._y,
                subject=subject,
                repeats=self._repeats,
                options=self._atom_options,
            )
        return points

    def _settings(self) -> dict[str, Any]:
        """Return the settings that must be the same for a run to be continued."""
        reduce = self._options["reduce"]
        return {
            "layers": {name: list(layers) for name, layers in self._layers.items()},
            "estimators": [{"name": e.name, **e.options} for e in self._estimators],
            "atoms": [list(pair) for pair in self._atoms],
            "atom_options": {name: repr(value) for name, value in self._atom_options.items()},
            "sample": fingerprint(self._x, torch.from_numpy(self._y), torch.from_numpy(self._inputs)),
            "n_seeds": self._repeats.n_seeds,
            "n_null": self._repeats.n_null,
            "unit": self._repeats.unit,
            **self._options,
            "reduce": reduce if isinstance(reduce, str) else getattr(reduce, "__qualname__", type(reduce).__name__),
        }
