"""Load a project: ``routes.yaml`` and every file that it names, checked together, all problems in one go.

In: a path, an environment. Out: a frozen ``Project`` of checked models with the places of all that they hold. ``validate`` and
``run`` come through here alike; ``offline`` only leaves open what no environment gives.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from syncflow.config.diagnostics import Diagnostic, arranged
from syncflow.config.documents import Document, MergedObject
from syncflow.config.files import resolved
from syncflow.config.loading import Inputs, load_parts
from syncflow.config.models.adapter import AdapterFile
from syncflow.config.models.mapping import MappingFile
from syncflow.config.models.routes import RoutesFile
from syncflow.config.models.schema import SchemaNode
from syncflow.errors import ProjectError

__all__ = ["Document", "MergedObject", "Project", "load_project", "read_project"]


@dataclass(frozen=True, slots=True)
class Project:
    """A checked project. Nothing in it changes; ``with_changes`` makes another."""

    path: Path
    profile: str | None
    routes: Document[RoutesFile]
    schemas: Mapping[str, Document[SchemaNode]]
    mappings: Mapping[Path, Document[MappingFile]]
    adapters: Mapping[str, Document[AdapterFile]]
    objects: Mapping[tuple[str, str], MergedObject]
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    """Values that must never be shown: credentials, and what ``${file:…}`` read."""
    inputs: Inputs = field(default_factory=Inputs, repr=False, compare=False)
    """What it was loaded from, for ``with_changes``."""

    def mapping_path(self, name: str) -> Path:
        """Return the key in ``mappings`` for a path as ``routes.yaml`` writes it."""
        return resolved(self.path.parent, name)

    def mapping(self, name: str) -> Document[MappingFile]:
        """Return the mapping that ``routes.yaml`` names by this path."""
        return self.mappings[self.mapping_path(name)]

    def with_changes(self, changes: Mapping[str, Any]) -> Project:
        """Return a project with settings of ``routes.yaml`` changed, checked as a whole; this one stays as it is.

        Mappings are changed key by key, all else (lists too) is replaced. Files are not read again.

        Raises:
            ProjectError: the changed project is wrong; carries every diagnostic.
        """
        return _checked(*_load(self.inputs.changed(changes)))

    @classmethod
    def from_mapping(
        cls,
        settings: Mapping[str, Any],
        *,
        directory: str | Path = ".",
        profile: str | None = None,
        environment: Mapping[str, str] | None = None,
        offline: bool = False,
    ) -> Project:
        """Return a project whose ``routes.yaml`` is given as data; the files it names are found from ``directory``.

        Raises:
            ProjectError: the project is wrong; carries every diagnostic.
        """
        path = Path(directory) / "routes.yaml"
        return _checked(*_load(Inputs(path, profile, _environment(environment), offline, settings=settings)))


def load_project(
    path: str | Path, *, profile: str | None = None, environment: Mapping[str, str] | None = None, offline: bool = False
) -> Project:
    """Load and check a project.

    ``environment`` is the process's own where left out. ``offline`` lets a missing variable be a placeholder: for checking, never
    for running.

    Raises:
        ProjectError: something is wrong; carries every diagnostic of every file.
    """
    project, diagnostics = read_project(path, profile=profile, environment=environment, offline=offline)
    return _checked(project, diagnostics)


def read_project(
    path: str | Path, *, profile: str | None = None, environment: Mapping[str, str] | None = None, offline: bool = False
) -> tuple[Project | None, list[Diagnostic]]:
    """Load and check a project, and return what was found, warnings included. No project where there are errors."""
    return _load(Inputs(resolved(Path(), str(path)), profile, _environment(environment), offline))


def _load(inputs: Inputs) -> tuple[Project | None, list[Diagnostic]]:
    parts, diagnostics = load_parts(inputs)
    if parts is None:
        return None, diagnostics
    project = Project(
        path=inputs.path,
        profile=parts.profile,
        routes=parts.routes,
        schemas=parts.schemas,
        mappings=parts.mappings,
        adapters=parts.adapters,
        objects=parts.objects,
        secrets=parts.secrets,
        inputs=parts.inputs,
    )
    return project, diagnostics


def _environment(environment: Mapping[str, str] | None) -> Mapping[str, str]:
    return dict(os.environ if environment is None else environment)


def _checked(project: Project | None, diagnostics: list[Diagnostic]) -> Project:
    if project is None:
        found = arranged(diagnostics)
        errors = sum(diagnostic.is_error for diagnostic in found)
        message = f"the project has {errors} error{'s' if errors != 1 else ''}"
        first = next((diagnostic for diagnostic in found if diagnostic.is_error), None)
        if first is not None:
            message += f"; first {first.span.file}:{first.span.line}:{first.span.column}: {first.code} {first.message}"
        raise ProjectError(message, diagnostics=found)
    return project
