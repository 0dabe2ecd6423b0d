"""An estimator by its name in a registry, loaded when it is asked for, with the options that its class has."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from pidkit.arguments import one_of
from pidkit.errors import InputError


def estimator_of(name: Any, registry: Mapping[Any, tuple[str, str, dict[str, Any]]], options: dict[str, Any]) -> Any:
    """Return the estimator of a name, its module, class and fixed options being in the registry, with `options`.

    Raises
    ------
    InputError
        If there is no such name or option, or the estimator needs torch, which is not installed.
    """
    one_of("estimator", name, registry)
    module, class_name, fixed = registry[name]
    try:
        estimator_class = getattr(import_module(module), class_name)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "torch":
            raise
        raise InputError(f"estimator {name!r} needs torch; install it with: pip install 'pidkit[torch]'") from error
    allowed = [field.name for field in dataclasses.fields(estimator_class) if field.name not in fixed]
    unknown = [option for option in options if option not in allowed]
    if unknown:
        raise InputError(
            f"estimator {name!r} has no option {unknown[0]!r}; its options are {', '.join(allowed) or 'none'}"
        )
    return estimator_class(**fixed, **options)
