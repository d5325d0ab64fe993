"""The names that a shell completes: of the project in the current folder (or the routes file given), and of what comes with syncflow.

A broken project completes what can be read of it; nothing is printed, for the shell would take it for names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import typer

from syncflow.errors import SyncflowError

Complete = Callable[[typer.Context, str], list[str]]


def _completing(names: Callable[[typer.Context], Iterable[str]]) -> Complete:
    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        try:
            return sorted(name for name in set(names(ctx)) if name.startswith(incomplete))
        except (OSError, ValueError, SyncflowError):
            return []

    return complete


def _top(ctx: typer.Context) -> dict[str, Any]:
    """Return the routes file as data; empty where it cannot be read."""
    from syncflow.config.yaml import read_text

    path = Path(ctx.params.get("routes") or "routes.yaml")
    node, _, _ = read_text(path.read_bytes(), name=path.name)
    data = node.data() if node is not None else None
    return data if isinstance(data, dict) else {}


def _names(value: Any) -> list[str]:
    return [str(name) for name in value] if isinstance(value, dict) else []


def _systems(ctx: typer.Context) -> list[str]:
    top = _top(ctx)
    profiles = top.get("profiles")
    overlays = profiles.values() if isinstance(profiles, dict) else ()
    return _names(top.get("systems")) + [
        name for overlay in overlays if isinstance(overlay, dict) for name in _names(overlay.get("systems"))
    ]


def _routes(ctx: typer.Context) -> list[str]:
    from syncflow.compiler.routing.legs import written_routes
    from syncflow.config.project import survey_project

    project = survey_project(Path(ctx.params.get("routes") or "routes.yaml"), offline=True).project
    return [] if project is None else [leg for route in written_routes(project) for leg in route.legs.values()]


def _adapters(_: typer.Context) -> list[str]:
    from syncflow.cli.adapters import known_adapters

    return known_adapters()


def _functions(_: typer.Context) -> list[str]:
    from syncflow.compiler.functions import FUNCTIONS, JMESPATH_FUNCTIONS

    return [*FUNCTIONS, *JMESPATH_FUNCTIONS]


def _codes(_: typer.Context) -> Iterable[str]:
    from syncflow.config.codes import CODES

    return CODES


def _project(ctx: typer.Context) -> Any:
    """Return the project, or what is left of a broken one; None where there is none."""
    from syncflow.config.project import survey_project

    survey = survey_project(Path(ctx.params.get("routes") or "routes.yaml"), offline=True)
    return survey.project or survey.sound


def _objects(ctx: typer.Context) -> list[str]:
    project, system = _project(ctx), ctx.params.get("system")
    if project is None or system not in project.routes.model.systems:
        return []
    return list(project.adapters[project.routes.model.systems[system].adapter].model.objects)


def _files_of_tests(ctx: typer.Context) -> list[str]:
    project = _project(ctx)
    return [] if project is None else [document.name for document in project.mappings.values() if document.model.tests]


def _documented(ctx: typer.Context) -> list[str]:
    from syncflow.cli.reference.entries import all_entries

    names = [entry.name for entry in all_entries(ctx.find_root().command)]
    return names + [name.rpartition(".")[2].removeprefix("syncflow ") for name in names]


def _templates(_: typer.Context) -> Iterable[str]:
    from syncflow.cli.init import TEMPLATES

    return TEMPLATES


def _stages(_: typer.Context) -> Iterable[str]:
    from syncflow.cli.choosing import STAGES

    return STAGES


def _letter_codes(ctx: typer.Context) -> list[str]:
    from syncflow.config.journal_place import find_journal
    from syncflow.runtime.desk.audit import reasons
    from syncflow.runtime.desk.letters import Letters

    place = find_journal(ctx.params.get("routes") or "routes.yaml", profile=ctx.params.get("profile"))
    return [str(row["code"]) for row in reasons(place.path, Letters())]


profiles = _completing(lambda ctx: _names(_top(ctx).get("profiles")))
systems = _completing(_systems)
routes = _completing(_routes)
adapters = _completing(_adapters)
functions = _completing(_functions)
codes = _completing(_codes)
objects = _completing(_objects)
files_of_tests = _completing(_files_of_tests)
documented = _completing(_documented)
templates = _completing(_templates)
stages = _completing(_stages)
letter_codes = _completing(_letter_codes)
