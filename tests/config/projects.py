"""The good project that the tests of this folder change."""

from __future__ import annotations

import shutil
from pathlib import Path

PROJECT = Path(__file__).parent / "project"


def copy_project(directory: Path) -> Path:
    """Copy the project into a directory and return its ``routes.yaml``."""
    shutil.copytree(PROJECT, directory, dirs_exist_ok=True)
    return directory / "routes.yaml"
