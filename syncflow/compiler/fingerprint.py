"""The fingerprint of a project: equal where two projects do the same with every event."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from syncflow.compiler.functions.own import own_text
from syncflow.config.project import Project

_SAY_NOTHING_OF_EVENTS = {"source", "profiles", "profile", "journal", "dead_letters", "tests"}


def fingerprint(project: Project) -> str:
    """Return the SHA-256 over everything that decides about events: routes, schemas, mappings, adapters, objects; no credentials."""
    return hash_of_parts(parts_of(project))


def parts_of(project: Project) -> dict[str, Any]:
    """Return everything that decides about events, as data by kind."""
    return {
        "routes": _routes(project),
        "schemas": {kind: _dump(document.model) for kind, document in project.schemas.items()},
        "mappings": {
            str(_relative(project, path)): _without_tests(_dump(document.model))
            for path, document in project.mappings.items()
        },
        "adapters": {name: _dump(document.model) for name, document in project.adapters.items()},
        "functions": own_text(project),
        "objects": {"/".join(name): _dump(merged.model) for name, merged in project.objects.items()},
    }


def hash_of_parts(parts: Mapping[str, Any]) -> str:
    """Return the SHA-256 over parts."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("utf-8", errors="surrogatepass")).hexdigest()


def _routes(project: Project) -> Any:
    settings = _dump(project.routes.model)
    for system in settings["systems"].values():
        del system["auth"], system["dead_letters"]
        if system["sql"] is None:
            del system["sql"]  # as it was before there were any
        else:
            del system["sql"]["url"]
    settings["routes"] = [_without_tests(route) for route in settings["routes"]]
    return {name: value for name, value in settings.items() if name not in _SAY_NOTHING_OF_EVENTS}


def _without_tests(model: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in model.items() if name != "tests"}


def _dump(model: Any) -> Any:
    return model.model_dump(mode="python", by_alias=True)


def _relative(project: Project, path: Any) -> Any:
    parent = project.path.parent
    return path.relative_to(parent) if path.is_relative_to(parent) else path
