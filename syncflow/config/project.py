"""Load a project: ``routes.yaml`` and every file that it names, checked together, all problems in one go.

In: a path, an environment. Out: a frozen ``Project`` of checked models with the places of all that they hold. ``validate`` and
``run`` come through here alike; ``offline`` only leaves open what no environment gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from syncflow.config import loading
from syncflow.config.diagnostics import Diagnostic, arranged
from syncflow.config.documents import Document, MergedObject
from syncflow.config.env_file import environment_for
from syncflow.config.files import Files, resolved
from syncflow.config.models.adapter import AdapterFile
from syncflow.config.models.mapping import MappingFile
from syncflow.config.models.routes import RouteSettings, RoutesFile
from syncflow.config.models.schema import SchemaNode
from syncflow.config.nodes import MappingNode
from syncflow.config.parts import Inputs, Parts
from syncflow.config.profiles import overlays, pick
from syncflow.config.remainder import telling
from syncflow.errors import ProjectError

__all__ = [
    "Document",
    "MergedObject",
    "Project",
    "Survey",
    "load_project",
    "read_project",
    "survey_profiles",
    "survey_project",
]


@dataclass(frozen=True)
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
        if name not in self._mapping_paths:
            self._mapping_paths[name] = resolved(self.path.parent, name)
        return self._mapping_paths[name]

    @cached_property
    def _mapping_paths(self) -> dict[str, Path]:
        """Paths found before: which ending a file has is asked of the disk once."""
        return {}

    def mapping(self, name: str) -> Document[MappingFile]:
        """Return the mapping that ``routes.yaml`` names by this path."""
        return self.mappings[self.mapping_path(name)]

    def with_changes(self, changes: Mapping[str, Any]) -> Project:
        """Return a project with settings of ``routes.yaml`` changed, checked as a whole; this one stays as it is.

        Mappings are changed key by key, all else (lists too) is replaced. Files are not read again.

        Raises:
            ProjectError: the changed project is wrong; carries every diagnostic.
        """
        return _checked(_load(self.inputs.changed(changes)))

    @cached_property
    def uses(self) -> Mapping[Path, Sequence[tuple[RouteSettings, str]]]:
        """By mapping: the routes, each with one of its systems, that send what it makes."""
        found: dict[Path, list[tuple[RouteSettings, str]]] = {}
        for route in self.routes.model.routes:
            for system in route.systems():
                name = route.mappings.get(system) or route.mapping
                if name is not None:
                    found.setdefault(self.mapping_path(name), []).append((route, system))
        return found

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
        return _checked(_load(Inputs(path, profile, _environment(environment, path), offline, settings=settings)))


def load_project(
    path: str | Path, *, profile: str | None = None, environment: Mapping[str, str] | None = None, offline: bool = False
) -> Project:
    """Load and check a project.

    ``environment`` is the process's own where left out, with what ``.env`` beside the file adds. ``offline`` lets a missing variable be
    a placeholder: for checking, never for running.

    Raises:
        ProjectError: something is wrong; carries every diagnostic of every file.
    """
    return _checked(survey_project(path, profile=profile, environment=environment, offline=offline))


def load_systems(
    path: str | Path, *, profile: str | None = None, environment: Mapping[str, str] | None = None
) -> Project:
    """Load a project for the sake of its systems alone: mappings, objects and schemas may be wrong, or not be there yet.

    Raises:
        ProjectError: something is wrong with ``routes.yaml`` or an adapter; carries every diagnostic of every file.
    """
    survey = survey_project(path, profile=profile, environment=environment)
    left = survey.sound
    if survey.project is not None or left is None:
        return _checked(survey)
    for found in survey.diagnostics:
        if found.is_error and (found.span.file == left.routes.name or "adapters" in Path(found.span.file).parts):
            return _checked(survey)
    return left


def load_sources(
    path: str | Path, *, profile: str | None = None, environment: Mapping[str, str] | None = None
) -> Project:
    """Load a project for the sake of its sources alone, with the schemas that are there: all else may be wrong, or not be there yet.

    Raises:
        ProjectError: something is wrong with the sources, the envelope or the kinds of record.
    """
    inputs = Inputs(resolved(Path(), str(path)), profile, _environment(environment, path))
    loaded = loading.load_sources(inputs)
    routes = loaded.routes
    if routes is None or any(found.is_error for found in loaded.diagnostics):
        return _checked(Survey(None, loaded.diagnostics))
    return Project(routes.path, profile, routes, loaded.schemas, mappings={}, adapters={}, objects={}, inputs=inputs)


def read_project(
    path: str | Path, *, profile: str | None = None, environment: Mapping[str, str] | None = None, offline: bool = False
) -> tuple[Project | None, list[Diagnostic]]:
    """Load and check a project, and return what was found, warnings included. No project where there are errors."""
    survey = survey_project(path, profile=profile, environment=environment, offline=offline)
    return survey.project, survey.diagnostics


class Survey(NamedTuple):
    """A project as far as it can be read. ``sound`` is what is left of a broken one: for checks, never for running."""

    project: Project | None
    diagnostics: list[Diagnostic]
    sound: Project | None = None

    def checked_by(self, check: Callable[[Project], Iterable[Diagnostic]]) -> list[Diagnostic]:
        """Return all that is wrong, with what a further check finds in the project or in what is left of it."""
        if self.project is not None:
            return arranged([*self.diagnostics, *check(self.project)])
        if self.sound is None:
            return self.diagnostics
        return arranged([*self.diagnostics, *telling(check(self.sound), self.sound.routes.name)])


def survey_project(
    path: str | Path, *, profile: str | None = None, environment: Mapping[str, str] | None = None, offline: bool = False
) -> Survey:
    """Load a project, broken or not: for ``validate``, which wants every problem of every file in one go."""
    return _load(Inputs(resolved(Path(), str(path)), profile, _environment(environment, path), offline))


def survey_inputs(inputs: Inputs) -> Survey:
    """Load a project out of what is given: an editor's texts stand for files by ``inputs.trees``."""
    return _load(inputs)


def survey_profiles(path: str | Path, *, environment: Mapping[str, str] | None = None) -> dict[str, Survey]:
    """Load a project once with each of its profiles, the one that a run would use first; ``""`` stands for none.

    Variables that are not set are left open. Files are read once, and checked once.
    """
    given = _environment(environment, path)
    inputs = Inputs(resolved(Path(), str(path)), None, given, offline=True, other_profiles=False)
    files = Files(given, offline=True)
    root = files.tree(inputs.path)
    if root is None:
        return {"": _load(inputs)}
    inputs = replace(inputs, trees=files.trees, noted=tuple(files.diagnostics))
    picked, _ = pick(root, asked=None, environment=given)
    others = [name for name, overlay in overlays(root).items() if name != picked and isinstance(overlay, MappingNode)]
    return {picked or "": _load(inputs)} | {name: _load(replace(inputs, profile=name)) for name in others}


def _load(inputs: Inputs) -> Survey:
    loaded = loading.load_parts(inputs)
    project = _project(loaded.parts) if loaded.parts else None
    return Survey(project, loaded.diagnostics, _project(loaded.sound) if loaded.sound else None)


def _project(parts: Parts) -> Project:
    return Project(
        path=parts.routes.path,
        profile=parts.profile,
        routes=parts.routes,
        schemas=parts.schemas,
        mappings=parts.mappings,
        adapters=parts.adapters,
        objects=parts.objects,
        secrets=parts.secrets,
        inputs=parts.inputs,
    )


def _environment(environment: Mapping[str, str] | None, path: str | Path) -> Mapping[str, str]:
    return environment_for(Path(path).parent) if environment is None else dict(environment)


def _checked(survey: Survey) -> Project:
    if survey.project is None:
        found = survey.diagnostics
        errors = [diagnostic for diagnostic in found if diagnostic.is_error]
        first = (
            f"{errors[0].span.file}:{errors[0].span.line}:{errors[0].span.column}: {errors[0].code} {errors[0].message}"
        )
        count = f"{len(errors)} error{'s' if len(errors) != 1 else ''}"
        raise ProjectError(f"the project has {count}; first {first}", diagnostics=found)
    return survey.project
