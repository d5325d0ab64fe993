"""syncflow: record changes reach external systems from YAML alone.

    async with syncflow.assembled(syncflow.load_project("routes.yaml")) as engine:
        ending = await engine.run()

Names are loaded when they are first used, so that importing syncflow costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syncflow.compiler.build import build, models
    from syncflow.compiler.functions.own import function
    from syncflow.config.project import Project, load_project
    from syncflow.errors import ProjectError, SyncflowError
    from syncflow.runtime.assembly import assembled
    from syncflow.runtime.ending import Ending
    from syncflow.runtime.engine import Engine
    from syncflow.runtime.reload import reload

__version__ = "0.1.0"

__all__ = [
    "Ending",
    "Engine",
    "Project",
    "ProjectError",
    "SyncflowError",
    "assembled",
    "build",
    "function",
    "load_project",
    "models",
    "reload",
]

_HOMES = {
    "Ending": "runtime.ending",
    "Engine": "runtime.engine",
    "Project": "config.project",
    "ProjectError": "errors",
    "SyncflowError": "errors",
    "assembled": "runtime.assembly",
    "build": "compiler.build",
    "function": "compiler.functions.own",
    "load_project": "config.project",
    "models": "compiler.build",
    "reload": "runtime.reload",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"syncflow.{_HOMES[name]}"), name)
