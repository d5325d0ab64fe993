"""Check a project with each of its profiles, and say of every problem with which ones it is there.

A profile usually changes addresses and credentials alone. What is found of mappings, schemas and routes is then the same, and is found
once; only the systems that a profile changes are planned again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from syncflow.compiler.checks import find_problems_of_records, find_problems_of_settings
from syncflow.compiler.problems import check, find_source_problems, find_system_problems
from syncflow.compiler.wire.adapter_expressions import CompiledAdapters
from syncflow.config.diagnostics import Diagnostic, arranged
from syncflow.config.documents import Document, MergedObject
from syncflow.config.models.routes import RoutesFile
from syncflow.config.project import Project, survey_profiles

_OF_SYSTEMS_ALONE = frozenset({"systems", "source", "journal", "dead_letters", "retry", "profile", "profiles"})
"""Settings of ``routes.yaml`` that say nothing of how a record is checked, mapped and routed."""


_Checked = Document[Any] | MergedObject


def check_every_profile(path: str | Path, *, environment: Mapping[str, str] | None = None) -> list[Diagnostic]:
    """Return every problem of every profile, by place. One that is not there with all of them names those that have it."""
    surveys = survey_profiles(path, environment=environment)
    first = next(iter(surveys.values())).project
    compiled = CompiledAdapters()
    shared = list(find_problems_of_records(first)) if first is not None else []

    def checked(project: Project) -> Iterable[Diagnostic]:
        if first is None or not (project is first or _maps_alike(project, first)):
            return check(project, compiled=compiled)
        return [
            *shared,
            *find_problems_of_settings(project),
            *find_source_problems(project),
            *find_system_problems(project, compiled=compiled),
        ]

    return _named({name: survey.checked_by(checked) for name, survey in surveys.items()})


def _maps_alike(one: Project, other: Project) -> bool:
    """Whether both are the same files and settings but for how their systems are reached."""
    return (
        _same_files(one.schemas, other.schemas)
        and _same_files(one.mappings, other.mappings)
        and _same_files(one.adapters, other.adapters)
        and _same_files(one.objects, other.objects)
        and _mapping_settings(one.routes.model) == _mapping_settings(other.routes.model)
    )


def _same_files(one: Mapping[Any, _Checked], other: Mapping[Any, _Checked]) -> bool:
    """Whether both hold the same models; those of files are the very same, for a file is read once."""
    return one.keys() == other.keys() and all(
        model is other[name].model or model == other[name].model
        for name, model in ((n, d.model) for n, d in one.items())
    )


def _mapping_settings(routes: RoutesFile) -> dict[str, object]:
    settings = {name: getattr(routes, name) for name in type(routes).model_fields if name not in _OF_SYSTEMS_ALONE}
    return settings | {"systems": {name: (system.adapter, system.options) for name, system in routes.systems.items()}}


def _named(found: Mapping[str, Iterable[Diagnostic]]) -> list[Diagnostic]:
    profiles: dict[Diagnostic, list[str]] = {}
    for name, diagnostics in found.items():
        for diagnostic in diagnostics:
            profiles.setdefault(diagnostic, []).append(name)
    return arranged(
        diagnostic if len(names) == len(found) else replace(diagnostic, profiles=tuple(filter(None, names)))
        for diagnostic, names in profiles.items()
    )
