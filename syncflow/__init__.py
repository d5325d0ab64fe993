"""syncflow: record changes reach external systems from YAML alone.

    result = syncflow.run("routes.yaml")

Names are loaded when they are first used, so that importing syncflow costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syncflow.compiler.build import build, models
    from syncflow.compiler.functions.own import function
    from syncflow.config.diagnostics import Diagnostic
    from syncflow.config.project import Project, load_project
    from syncflow.errors import BugError, DataError, ProjectError, SyncflowError, UnavailableError
    from syncflow.events import Position, Raw
    from syncflow.runtime.assembly import assembled
    from syncflow.runtime.ending import Ending
    from syncflow.runtime.engine import Engine
    from syncflow.runtime.from_python import Result, RouteResult, SystemResult, check, open_engine, run
    from syncflow.runtime.outcome_hook import Settled
    from syncflow.runtime.reload import reload
    from syncflow.sources.base import Source
    from syncflow.sources.kinds import Settings, SourceKind
    from syncflow.sources.surroundings import Surroundings

__version__ = "0.1.0"

__all__ = [
    "BugError",
    "DataError",
    "Diagnostic",
    "Ending",
    "Engine",
    "Position",
    "Project",
    "ProjectError",
    "Raw",
    "Result",
    "RouteResult",
    "Settings",
    "Settled",
    "Source",
    "SourceKind",
    "Surroundings",
    "SyncflowError",
    "SystemResult",
    "UnavailableError",
    "assembled",
    "build",
    "check",
    "function",
    "load_project",
    "models",
    "open_engine",
    "reload",
    "run",
]

_HOMES = {
    "BugError": "errors",
    "DataError": "errors",
    "Diagnostic": "config.diagnostics",
    "Ending": "runtime.ending",
    "Engine": "runtime.engine",
    "Position": "events",
    "Project": "config.project",
    "ProjectError": "errors",
    "Raw": "events",
    "Result": "runtime.from_python",
    "RouteResult": "runtime.from_python",
    "Settings": "sources.kinds",
    "Settled": "runtime.outcome_hook",
    "Source": "sources.base",
    "SourceKind": "sources.kinds",
    "Surroundings": "sources.surroundings",
    "SyncflowError": "errors",
    "SystemResult": "runtime.from_python",
    "UnavailableError": "errors",
    "assembled": "runtime.assembly",
    "build": "compiler.build",
    "check": "runtime.from_python",
    "function": "compiler.functions.own",
    "load_project": "config.project",
    "models": "compiler.build",
    "open_engine": "runtime.from_python",
    "reload": "runtime.reload",
    "run": "runtime.from_python",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"syncflow.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
