"""Everything that can be told of a project before it runs: what the checks find, and what keeps its systems from being spoken to.

In: a loaded ``Project``. Out: diagnostics. Adapters that come with syncflow are good (its tests see to it), so what compiles adapters is
imported for those of the project alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from syncflow.compiler.checks import find_problems
from syncflow.compiler.wire.adapter_expressions import CompiledAdapters
from syncflow.compiler.wire.system_settings import check_settings_of
from syncflow.config.diagnostics import Diagnostic, arranged
from syncflow.config.models.routes import SystemSettings
from syncflow.config.project import Project
from syncflow.config.shipped import is_shipped
from syncflow.errors import ProjectError


def check(project: Project, *, compiled: CompiledAdapters | None = None) -> list[Diagnostic]:
    """Return every problem of a loaded project, warnings included, by place."""
    return arranged(
        [*find_problems(project), *find_source_problems(project), *find_system_problems(project, compiled=compiled)]
    )


def find_source_problems(project: Project) -> Iterator[Diagnostic]:
    """Yield what a source's settings lack of what the project reads."""
    if any(
        getattr(getattr(source, source.kind), "columns", ()) for source in project.routes.model.all_sources.values()
    ):
        from syncflow.compiler.listed_columns import check_listed_columns  # noqa: PLC0415  # most files have a header

        yield from check_listed_columns(project)


def find_system_problems(project: Project, *, compiled: CompiledAdapters | None = None) -> Iterator[Diagnostic]:
    """Yield what keeps a system's requests from being planned."""
    compiled = compiled or CompiledAdapters()
    for name, system in project.routes.model.systems.items():
        if system.sql is None and is_shipped(project.adapters[system.adapter].path):
            yield from check_settings_of(name, system, project.adapters[system.adapter], routes=project.routes)
        else:
            yield from _of_a_plan(project, name, system, compiled)


def _of_a_plan(project: Project, name: str, system: SystemSettings, compiled: CompiledAdapters) -> Iterator[Diagnostic]:
    from syncflow.compiler.wire.system import plan_system  # noqa: PLC0415  # most projects need no plan to be checked

    try:
        plan_system(name, system, project.adapters[system.adapter], routes=project.routes, compiled=compiled)
    except ProjectError as error:
        yield from error.diagnostics
