"""Names that must be known in another file, and need no expression to be understood.

In: the checked parts of a project. Out: a diagnostic for each name that nothing answers to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from syncflow.config.diagnostics import Diagnostic, did_you_mean, one_of
from syncflow.config.documents import Document
from syncflow.config.files import names_in, resolved
from syncflow.config.models.adapter import AdapterFile
from syncflow.config.models.mapping import MappingFile
from syncflow.config.models.routes import RouteSettings
from syncflow.config.nodes import Path as NodePath
from syncflow.config.parts import Parts


def check_names(parts: Parts) -> Iterator[Diagnostic]:
    """Yield what is wrong with the names of systems, records, mappings and objects."""
    yield from _repeated_route_names(parts)
    for index, route in enumerate(parts.routes.model.routes):
        yield from _Route(parts, index, route).check()
    for mapping in parts.mappings.values():
        yield from _mapping(parts, mapping)


def _repeated_route_names(parts: Parts) -> Iterator[Diagnostic]:
    first: dict[str, int] = {}
    for index, route in enumerate(parts.routes.model.routes):
        if route.name is None:
            continue
        if route.name in first:
            line = parts.routes.span("routes", first[route.name], "name").line
            message = f"two routes have the name `{route.name}`"
            found = f"the first one in line {line}" if line else ""
            yield parts.routes.report("SF405", message, "routes", index, "name", found=found)
        first.setdefault(route.name, index)


class _Route:
    """One route, with the files and systems it speaks of."""

    def __init__(self, parts: Parts, index: int, route: RouteSettings) -> None:
        self.parts = parts
        self.file = parts.routes
        self.systems = parts.routes.model.systems
        self.route = route
        self.at: NodePath = ("routes", index)

    def check(self) -> Iterator[Diagnostic]:
        yield from self._shape()
        named = list(self._named_systems())
        for path, system in named:
            if system not in self.systems:
                yield _unknown(self.file, "SF401", "system", system, list(self.systems), path)
        used = {system for _, system in named if system in self.systems}
        yield from self._mappings(used, all_known=all(system in self.systems for _, system in named))
        if self.route.record is not None and self.route.record not in self.file.model.records:
            kinds = list(self.file.model.records)
            yield _unknown(self.file, "SF404", "kind of record", self.route.record, kinds, (*self.at, "record"))
        for kind in self.route.after:
            kinds = list(self.file.model.records)
            if kind not in kinds:
                path = (*self.at, "after", kind)
                yield _unknown(self.file, "SF404", "kind of record", kind, kinds, path, at_key=True)

    def _shape(self) -> Iterator[Diagnostic]:
        route = self.route
        if route.by is not None and (route.when is not None or route.to is not None):
            other = "when" if route.when is not None else "to"
            message = f"a route has either `by` or `{other}`"
            yield self.file.report("SF407", message, *self.at, other, at_key=True, hint="make two routes of it")
        elif route.by is not None and not route.table and route.default is None:
            message = "`by` needs a `table` of systems"
            yield self.file.report("SF407", message, *self.at, "by", at_key=True, hint="add `table: {value: system}`")
        elif route.by is None and (route.table or route.default is not None):
            word = "table" if route.table else "default"
            hint = "add `by: <expression>`"
            yield self.file.report("SF407", f"`{word}` needs `by`", *self.at, word, at_key=True, hint=hint)
        elif route.by is None and route.to is None:
            message = "this route names no system"
            yield self.file.report("SF407", message, *self.at, hint="add `to: <system>`, or `by` and `table`")

    def _named_systems(self) -> Iterator[tuple[NodePath, str]]:
        """Yield each system that the route may send to, with its place."""
        if self.route.to is not None:
            yield (*self.at, "to"), self.route.to
        for value, systems in self.route.table.items():
            yield from _listed((*self.at, "table", value), systems)
        if self.route.default is not None:
            yield from _listed((*self.at, "default"), self.route.default)

    def _mappings(self, used: set[str], *, all_known: bool) -> Iterator[Diagnostic]:
        """Where a system is misspelt, what does not fit together because of it is not said again."""
        misspelt = [system for system in self.route.mappings if system not in self.systems]
        for system in sorted(used if not misspelt else ()):
            name = self.route.mappings.get(system) or self.route.mapping
            if name is None:
                place = (*self.at, "mappings") if self.route.mappings else self.at
                hint = f"add `mappings: {{{system}: mappings/…}}`"
                message = f"no mapping says what `{system}` is sent"
                yield self.file.report("SF402", message, *place, at_key=True, hint=hint)
        for system in self.route.mappings:
            if system not in self.systems:
                path = (*self.at, "mappings", system)
                yield _unknown(self.file, "SF401", "system", system, list(self.systems), path, at_key=True)
            elif system not in used and used and all_known:
                message = f"this route never sends to `{system}`"
                yield self.file.report("SF408", message, *self.at, "mappings", system, at_key=True, severity="warning")
        yield from self._targets(used)
        yield from self._kinds()

    @property
    def _spoken(self) -> set[str]:
        """The adapters of all systems: a mapping for another one has a message of its own."""
        return {system.adapter for system in self.systems.values()}

    def _targets(self, used: set[str]) -> Iterator[Diagnostic]:
        for system in sorted(used):
            path, mapping = self._mapping_of(system)
            adapter = self.systems[system].adapter
            if (
                mapping is None
                or adapter not in self.parts.adapters
                or mapping.model.target.partition("/")[0] not in self._spoken - {adapter}
            ):
                continue
            yield self.file.report(
                "SF403",
                f"the mapping for `{system}` makes something else",
                *path,
                expected=f"a mapping whose target begins with {adapter}/",
                found=f"target: {mapping.model.target} in {mapping.name}",
            )

    def _kinds(self) -> Iterator[Diagnostic]:
        """All mappings of a route read the same kind of record, and it is the route's."""
        kinds = self.file.model.records
        kind = self.route.record if self.route.record in kinds else None
        for path, name in self._mapping_names():
            mapping = self._document(name)
            if mapping is None or mapping.model.source not in kinds:
                continue
            if kind is not None and mapping.model.source != kind:
                found = f"source: {mapping.model.source} in {mapping.name}"
                message = f"the route is for `{kind}`, this mapping is not"
                yield self.file.report("SF409", message, *path, expected=f"a mapping with source: {kind}", found=found)
            kind = kind or mapping.model.source

    def _mapping_names(self) -> Iterator[tuple[NodePath, str]]:
        if self.route.mapping is not None:
            yield (*self.at, "mapping"), self.route.mapping
        for system, name in self.route.mappings.items():
            yield (*self.at, "mappings", system), name

    def _mapping_of(self, system: str) -> tuple[NodePath, Document[MappingFile] | None]:
        if system in self.route.mappings:
            return (*self.at, "mappings", system), self._document(self.route.mappings[system])
        return (*self.at, "mapping"), self._document(self.route.mapping) if self.route.mapping else None

    def _document(self, name: str) -> Document[MappingFile] | None:
        return self.parts.mappings.get(resolved(self.file.path.parent, name))


def _listed(path: NodePath, systems: str | Sequence[str]) -> Iterator[tuple[NodePath, str]]:
    if isinstance(systems, str):
        yield path, systems
    else:
        yield from (((*path, number), system) for number, system in enumerate(systems))


def _mapping(parts: Parts, mapping: Document[MappingFile]) -> Iterator[Diagnostic]:
    kinds = list(parts.routes.model.records)
    if mapping.model.source not in kinds:
        yield _unknown(mapping, "SF404", "kind of record", mapping.model.source, kinds, ("source",))
    adapter_name, _, object_name = mapping.model.target.partition("/")
    adapters = sorted({system.adapter for system in parts.routes.model.systems.values()})
    if adapter_name not in adapters and all(name in parts.adapters for name in adapters):
        yield _unknown_adapter(mapping, adapter_name, object_name, adapters)
    adapter = parts.adapters.get(adapter_name)
    if adapter is None or (adapter_name, object_name) in parts.objects:
        return
    known = _objects(parts.routes.path.parent, adapter)
    if object_name not in known:  # a file of it that is missing or wrong is spoken of elsewhere
        systems = parts.routes.model.systems
        system = next((name for name, settings in systems.items() if settings.adapter == adapter_name), "SYSTEM")
        yield _unknown_object(mapping, adapter, object_name, known, system=system)


def _objects(directory: Path, adapter: Document[AdapterFile]) -> list[str]:
    """Return the objects that the adapter or the project describes."""
    prefix = f"{adapter.model.adapter}_"
    own = [Path(name).stem.removeprefix(prefix) for name in names_in(directory / "objects") if name.startswith(prefix)]
    return list(dict.fromkeys([*adapter.model.objects, *own]))


def _unknown_adapter(
    mapping: Document[MappingFile], adapter_name: str, object_name: str, adapters: Sequence[str]
) -> Diagnostic:
    close = did_you_mean(adapter_name, adapters)
    return mapping.report(
        "SF406",
        f"there is no system with the adapter `{adapter_name}`",
        "target",
        expected=one_of(adapters) if adapters else "",
        suggestion=f"{close}/{object_name}" if close else "",
    )


def _unknown_object(
    mapping: Document[MappingFile],
    adapter: Document[AdapterFile],
    object_name: str,
    known: Sequence[str],
    *,
    system: str,
) -> Diagnostic:
    close = did_you_mean(object_name, known)
    name = adapter.model.adapter
    pull = f", or let `syncflow schema pull {system} {object_name}` do it" if adapter.model.describes else ""
    message = f"the adapter {name} knows no object `{object_name}`"
    if not adapter.model.speaks_http:
        message = f"no file describes the table `{object_name}` of {name}"
    return mapping.report(
        "SF601",
        message,
        "target",
        expected=one_of(known) if known else "",
        suggestion=f"{name}/{close}" if close else "",
        hint=f"describe it in objects/{name}_{object_name}.yaml{pull}",
    )


def _unknown(
    document: Document[Any],
    code: str,
    what: str,
    name: str,
    known: Sequence[str],
    path: NodePath,
    *,
    at_key: bool = False,
) -> Diagnostic:
    expected = one_of(known) if known else ""
    message = f"there is no {what} `{name}`"
    return document.report(code, message, *path, at_key=at_key, expected=expected, suggestion=did_you_mean(name, known))
