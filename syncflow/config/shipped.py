"""Files that came with syncflow: its own tests have checked them, so that this costs no time again."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path


@cache
def package_of_adapters() -> Path:
    """Return the folder of the adapters that come with syncflow."""
    return Path(str(resources.files("syncflow.adapters")))


def is_shipped(path: Path) -> bool:
    """Whether a file is one of those that come with syncflow, and not the project's own."""
    return path.is_relative_to(package_of_adapters())
