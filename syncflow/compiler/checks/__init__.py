"""What can be told of a project before it runs: each check a small function from the project to diagnostics."""

from __future__ import annotations

from collections.abc import Iterator

from syncflow.config.diagnostics import Diagnostic
from syncflow.config.project import Project


def find_problems(project: Project) -> Iterator[Diagnostic]:
    """Yield what is wrong in the project's expressions, mappings and routes."""
    yield from ()
