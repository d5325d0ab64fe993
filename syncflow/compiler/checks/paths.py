"""Checks of paths to what need not be there yet: letters that a shell or another system reads, and nothing here does."""

from __future__ import annotations

import os
from collections.abc import Iterator

from syncflow.config.diagnostics import Diagnostic
from syncflow.config.project import Project
from syncflow.config.replacements import rewritten

_Path = tuple[str, ...]


def check_paths(project: Project) -> Iterator[Diagnostic]:
    """Yield paths of sources and of the journal that do not lead where they seem to."""
    for place, text in _paths(project):
        if text.startswith("~"):
            yield project.routes.report(
                "SF425",
                "`~` does not stand for your home here: this is a folder of that name",
                *place,
                severity="warning",
                hint="write the whole path, or ${HOME}" + text[1:] if text.startswith("~/") else "write the whole path",
            )
        elif "\\" in text and os.sep != "\\":
            instead = text.replace("\\", "/")
            yield project.routes.report(
                "SF425",
                "a backslash is part of the name here",
                *place,
                severity="warning",
                hint=f"write {instead}",
                replaced=rewritten(project.routes.span(*place), instead),
            )


def _paths(project: Project) -> Iterator[tuple[_Path, str]]:
    routes = project.routes.model
    for at, source in routes.all_sources.items():
        if source.file is not None:
            yield (*at, "file", "path"), source.file.path
    if "path" in routes.journal.model_fields_set:
        yield ("journal", "path"), routes.journal.path
