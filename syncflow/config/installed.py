"""Whether the packages of extras are there."""

from __future__ import annotations

from importlib.util import find_spec


def is_installed(package: str) -> bool:
    """Whether a package can be imported here."""
    try:
        return find_spec(package) is not None
    except ValueError:  # it was taken out of the way
        return False
