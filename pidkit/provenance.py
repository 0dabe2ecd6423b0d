"""What results record of how they came about: the versions of the packages that computed them."""

from __future__ import annotations

from importlib.metadata import version

RECORDED_PACKAGES = ("pidkit", "numpy", "scipy", "scikit-learn", "numba")
"""The packages whose versions can change a result; trackers of networks add torch."""


def recorded_versions(*more: str) -> dict[str, str]:
    """Return the versions of `RECORDED_PACKAGES`, and of `more` packages, by name.

    Examples
    --------
    >>> list(recorded_versions())
    ['pidkit', 'numpy', 'scipy', 'scikit-learn', 'numba']
    """
    return {package: version(package) for package in (*RECORDED_PACKAGES, *more)}
