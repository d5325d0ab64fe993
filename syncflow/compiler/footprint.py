"""The footprint of a project: everything it was read from, place by place, so that a reload can name the places that changed.

In: a loaded project. Out: place → keyed hash (``systems.crm.auth.token`` → …). The key is made anew in each process and never
leaves it, so a footprint tells nothing of a secret. Two projects with equal footprints do the same, and reach the same systems with the
same credentials and certificates. ``tests:`` and comments are left out: they change nothing that a run does.

Contrast ``fingerprint``: it is kept in the journal, covers only the treatment of events, and knows no credentials.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from syncflow.compiler.columns import columns_of
from syncflow.compiler.functions.own import own_text
from syncflow.compiler.routing.legs import kind_of_route
from syncflow.compiler.routing.router import route_names
from syncflow.config.env_file import env_file
from syncflow.config.nodes import Node, scalars
from syncflow.config.own_code import files_of as files_of_module
from syncflow.config.project import Project
from syncflow.config.regular_files import read_regular
from syncflow.patterns import lazy_pattern

Footprint = Mapping[str, str]
"""place → keyed hash of its value"""

_KEY = secrets.token_bytes(32)
_NOT_OF_A_RUN = frozenset({"profiles", "tests"})
_FIXED = (
    "profile",
    "source",
    "sources",
    "envelope.each",
    "journal.path",
    "journal.url",
    "journal.schema",
    "journal.project",
    "journal.sync",
    "alerts",
    "traces",
    "lineage",
)
"""Places that a running engine cannot change: it holds their file, port or lock open."""
_SECRETS_OF_A_WEBHOOK = lazy_pattern(
    r"(source|sources\..+)\.webhook\.(signature\.(secret|public_key)|auth\.(bearer|basic)|handshake\.token)"
)
"""The exceptions: an open port goes on with other secrets."""


def footprint(project: Project, parts: Mapping[str, Any]) -> Footprint:
    """Return the footprint of a project; ``parts`` are those of ``fingerprint.parts_of``."""
    found = {place: _hash(value) for place, value in _settings(project)}
    for kind in ("schemas", "mappings", "adapters", "objects"):
        found |= {_document_place(project, kind, name): _hash(value) for name, value in parts[kind].items()}
    if project.routes.model.functions is not None:
        found[f"functions ({project.routes.model.functions})"] = _hash(own_text(project))
    found |= {place: _hash(columns) for place, columns in _compared_columns(project)}
    return found | {place: _hash_of_file(path) for place, path in _certificates(project)}


def changed_places(before: Footprint, after: Footprint) -> tuple[str, ...]:
    """Return the places at which two projects differ: changed, added and removed ones, sorted."""
    return tuple(sorted(place for place in before.keys() | after.keys() if before.get(place) != after.get(place)))


def needing_restart(places: Sequence[str]) -> tuple[str, ...]:
    """Return those of the places that a running engine cannot change."""
    return tuple(place for place in places if _is_fixed(place) and not _SECRETS_OF_A_WEBHOOK.fullmatch(place))


def rotates_a_source(places: Sequence[str]) -> bool:
    """Return whether one of the places is a secret by which a source knows who sends."""
    return any(_SECRETS_OF_A_WEBHOOK.fullmatch(place) for place in places)


def _is_fixed(place: str) -> bool:
    return place in _FIXED or place.startswith(tuple(f"{name}." for name in _FIXED))


def files_of(project: Project) -> frozenset[Path]:
    """Return every file that a project was read from: YAML, certificates, files of secrets and of variables, Python."""
    directory = project.path.parent
    found = {project.path, *project.inputs.trees, *(path for _, path in _certificates(project))}
    for document in (project.routes, *project.schemas.values(), *project.mappings.values(), *project.adapters.values()):
        found |= {document.path.parent / name for name in _secret_files(document.node)}
    names = [str(record.schema_file).partition(":")[0] for record in project.routes.model.records.values()]
    for name in filter(None, (project.routes.model.functions, *names)):
        found |= set(files_of_module(directory, name))
    variables = env_file(directory, project.inputs.environment)
    return frozenset(found if variables is None else {*found, variables})


def _secret_files(node: Node) -> Iterator[str]:
    for _, scalar in scalars(node):
        yield from (name.removeprefix("file:") for name in scalar.variables if name.startswith("file:"))


def _settings(project: Project) -> Iterator[tuple[str, Any]]:
    """Yield the settings of ``routes.yaml``, each leaf with its place; routes by their names, so that a new one moves no other."""
    settings = project.routes.model.model_dump(mode="python", by_alias=True)
    routes = [(route, kind_of_route(project, route)) for route in project.routes.model.routes]
    named = dict(zip(route_names(routes), settings.pop("routes"), strict=True))
    yield "routes", list(named)
    settings["profile"] = project.profile
    kept = {name: value for name, value in settings.items() if name not in _NOT_OF_A_RUN}
    yield from _leaves(kept)
    for name, route in named.items():
        yield from _leaves({key: value for key, value in route.items() if key != "tests"}, f"routes.{name}")


def _leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _leaves(inner, f"{place}.{name}" if place else str(name))
    elif value is not None:
        yield place, value


def _compared_columns(project: Project) -> Iterator[tuple[str, Sequence[str] | None]]:
    """Yield the columns by which an open source tells rows apart: mappings and schemas decide them."""
    for at, source in project.routes.model.all_sources.items():
        if source.rows is not None and source.rows.changes == "diff":
            yield f"{'.'.join(at)}.{source.kind}.changes (columns that are read)", columns_of(project, at).compared


def _document_place(project: Project, kind: str, name: Any) -> str:
    if kind == "schemas":
        return (
            project.schemas[name].name
            if ":" in project.schemas[name].name
            else _beside(project, project.schemas[name].path)
        )
    if kind == "adapters":
        return f"adapter {name}"
    return f"object {name}" if kind == "objects" else str(name)


def _beside(project: Project, path: Path) -> str:
    parent = project.path.parent
    return (path.relative_to(parent) if path.is_relative_to(parent) else path).as_posix()


def _certificates(project: Project) -> Iterator[tuple[str, Path]]:
    """Yield the files of certificates that systems name."""
    for name, system in project.routes.model.systems.items():
        for word, file in system.tls.model_dump(exclude_none=True).items():
            yield f"systems.{name}.tls.{word} ({file})", project.path.parent / file


def _hash_of_file(path: Path) -> str:
    try:
        return _hash(read_regular(path).hex())
    except OSError:
        return ""


def _hash(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=_KEY, digest_size=16).hexdigest()
