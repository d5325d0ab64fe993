"""The way from ``routes.yaml`` to a project's parts: profile, variables, models, and the files that are named.

Nothing stops at the first problem: the files are found in the tree of nodes, so a wrong key in ``routes.yaml`` hides no other mistake.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel

from syncflow.config.database_systems import check_databases
from syncflow.config.diagnostics import Diagnostic, FileText, arranged
from syncflow.config.documents import Document
from syncflow.config.files import Files
from syncflow.config.installed import is_installed
from syncflow.config.journal_settings import check_journal
from syncflow.config.models.routes import RoutesFile
from syncflow.config.models.schema import SchemaNode
from syncflow.config.named_files import NamedFiles
from syncflow.config.names import check_names
from syncflow.config.nodes import (
    MappingNode,
    SequenceNode,
    from_data,
)
from syncflow.config.parts import Inputs, Parts
from syncflow.config.profiles import laid_over, overlaid, overlays, pick
from syncflow.config.remainder import remainder
from syncflow.config.routes_file import another_kind, with_next_step
from syncflow.config.secrets import secret_values
from syncflow.config.source_settings import check_sources
from syncflow.config.trace_settings import check_traces
from syncflow.config.validation import read_model, salvaged_model
from syncflow.config.variables import Expansion
from syncflow.config.written_adapters import apart

M = TypeVar("M", bound=BaseModel)


class Loaded(NamedTuple):
    """What loading came to. ``sound`` is what is left of broken parts: for checking further, never for running."""

    parts: Parts | None
    diagnostics: list[Diagnostic]
    sound: Parts | None = None


def load_parts(inputs: Inputs) -> Loaded:
    """Load everything; return the parts where there is no error, and all that was found."""
    files = Files(inputs.environment, offline=inputs.offline, trees=dict(inputs.trees), known=inputs.known)
    files.diagnostics += inputs.noted
    root = _root(inputs, files) if inputs.settings is None else _settings_tree(inputs.settings)
    if root is None:
        return Loaded(None, arranged(files.diagnostics))
    profile, diagnostics = pick(root, asked=inputs.profile, environment=inputs.environment)
    files.diagnostics += diagnostics
    node, written, diagnostics = apart(_current(root, profile, inputs, files), inputs.path)
    files.diagnostics += diagnostics
    model, diagnostics = read_model(RoutesFile, node)
    files.diagnostics += diagnostics
    files.diagnostics += _misshapen_profiles(root, profile)
    if inputs.other_profiles:
        files.diagnostics += _other_profiles(root, profile, inputs)
    named = NamedFiles(inputs.path.parent, files, node, written=written)
    named.read()
    readable = model if model is not None else salvaged_model(RoutesFile, node)
    if readable is None:
        return Loaded(None, arranged(files.diagnostics))
    routes = Document(inputs.path, node.file.name, readable, node)
    parts = _parts(inputs, files, named, routes, profile)
    if model is not None:
        files.diagnostics += check_names(parts)
        files.diagnostics += check_sources(routes)
        files.diagnostics += check_journal(routes)
        files.diagnostics += check_databases(routes, is_installed=is_installed)
        files.diagnostics += check_traces(routes)
    found = arranged(files.diagnostics)
    broken = any(diagnostic.is_error for diagnostic in found)
    return Loaded(None, found, remainder(parts)) if broken else Loaded(parts, found)


_OF_SOURCES = frozenset({"version", "source", "sources", "envelope", "records", "ignore", "journal"})


class LoadedSources(NamedTuple):
    """The routes file as far as it is about sources, and the schemas that are there."""

    routes: Document[RoutesFile] | None
    schemas: Mapping[str, Document[SchemaNode]]
    diagnostics: list[Diagnostic]


def load_sources(inputs: Inputs) -> LoadedSources:
    """Load what a source needs: other parts of the routes file may be wrong or missing, and so may the files that it names."""
    files = Files(inputs.environment, offline=inputs.offline)
    root = _root(inputs, files)
    if root is None:
        return LoadedSources(None, {}, arranged(files.diagnostics))
    profile, diagnostics = pick(root, asked=inputs.profile, environment=inputs.environment)
    files.diagnostics += diagnostics
    whole = overlaid(root, profile)
    kept = {name: entry for name, entry in whole.entries.items() if name in _OF_SOURCES}
    node = files.expanded(MappingNode(whole.file, whole.start, whole.end, kept), inputs.path.parent)
    lacking = from_data({"systems": {}, "routes": []}, FileText(node.file.name, ""))
    assert isinstance(lacking, MappingNode)
    node = MappingNode(node.file, node.start, node.end, {**lacking.entries, **node.entries})
    model, diagnostics = read_model(RoutesFile, node)
    found = [*files.diagnostics, *diagnostics]
    if model is None:
        return LoadedSources(None, {}, arranged(found))
    routes = Document(inputs.path, node.file.name, model, node)
    found += check_sources(routes)
    found += check_journal(routes)
    named = NamedFiles(inputs.path.parent, files, node, written={})
    named.read()
    return LoadedSources(routes, named.schemas, arranged(found))


def _root(inputs: Inputs, files: Files) -> MappingNode | None:
    """Return the tree of the routes file; None, with what is wrong noted, where it cannot be read or is of another kind."""
    path, name = inputs.path, files.shown(inputs.path)
    wrong = another_kind(path, None, name=name)
    if wrong is None:
        root = files.tree(path)
        if root is None:
            files.diagnostics = with_next_step(files.diagnostics, path)
            return None
        wrong = another_kind(path, root, name=name)
        if wrong is None:
            return root
    files.diagnostics.append(wrong)
    return None


def _settings_tree(settings: Mapping[str, Any]) -> MappingNode:
    node = from_data(settings, FileText("(settings)", ""))
    assert isinstance(node, MappingNode)
    return node


def _current(root: MappingNode, profile: str | None, inputs: Inputs, files: Files) -> MappingNode:
    """The file with its profile, with what was changed from Python, with variables; profiles stay unexpanded."""
    merged = overlaid(root, profile)
    for changes in inputs.changes:
        changed = from_data(changes, FileText("(changes)", ""))
        assert isinstance(changed, MappingNode)
        merged = laid_over(merged, changed)
    node = files.expanded(merged, inputs.path.parent)
    profiles = {"profiles": root.entries["profiles"]} if "profiles" in root.entries else {}
    return MappingNode(node.file, node.start, node.end, {**node.entries, **profiles})


def _misshapen_profiles(root: MappingNode, picked: str | None) -> Iterator[Diagnostic]:
    for name, overlay in overlays(root).items():
        if name != picked and not isinstance(overlay, MappingNode):
            span = root.entries["profiles"].value.entries[name].key.span  # type: ignore[attr-defined]  # overlays() saw a mapping
            yield Diagnostic(
                "SF203",
                span,
                f"the profile `{name}` cannot be this",
                expected="a mapping (`key: value` lines)",
                found=overlay.kind,
            )
        for key in ("profile", "profiles"):
            if isinstance(overlay, MappingNode) and key in overlay.entries:
                span = overlay.entries[key].key.span
                hint = "move its keys to a profile of their own"
                yield Diagnostic("SF208", span, f"`{key}` within a profile picks nothing", hint=hint)


def _other_profiles(root: MappingNode, picked: str | None, inputs: Inputs) -> Iterator[Diagnostic]:
    """Check the shape of the profiles that are not used, without asking for their variables."""
    for name, overlay in overlays(root).items():
        if name == picked or not isinstance(overlay, MappingNode):
            continue
        expansion = Expansion({}, inputs.path.parent, offline=True)
        expanded = expansion.expand(overlaid(root, name))
        assert isinstance(expanded, MappingNode)
        node, _, wrong = apart(expanded, inputs.path)
        _, diagnostics = read_model(RoutesFile, node)
        places = set(_places(overlay))
        for diagnostic in (*expansion.diagnostics, *wrong, *diagnostics):
            if (diagnostic.span.line, diagnostic.span.column) in places:
                yield diagnostic


def _places(node: Any) -> Iterator[tuple[int, int]]:
    """Yield where every key and value of an overlay begins."""
    yield node.span.line, node.span.column
    if isinstance(node, MappingNode):
        for entry in node.entries.values():
            yield entry.key.span.line, entry.key.span.column
            yield from _places(entry.value)
    elif isinstance(node, SequenceNode):
        for item in node.items:
            yield from _places(item)


def _parts(inputs: Inputs, files: Files, named: NamedFiles, routes: Document[RoutesFile], profile: str | None) -> Parts:
    return Parts(
        profile=profile,
        routes=routes,
        schemas=named.schemas,
        mappings=named.mappings,
        adapters=named.adapters,
        objects=named.objects,
        secrets=secret_values(routes, named.adapters, files.from_variables),
        inputs=replace(inputs, trees=files.trees),
    )
