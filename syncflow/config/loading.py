"""The way from ``routes.yaml`` to a project's parts: profile, variables, models, and the files that are named.

Nothing stops at the first problem: the files are found in the tree of nodes, so a wrong key in ``routes.yaml`` hides no other mistake.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel

from syncflow.config.diagnostics import Diagnostic, FileText, arranged, did_you_mean
from syncflow.config.documents import Document, MergedObject
from syncflow.config.files import Files, resolved
from syncflow.config.models.adapter import AdapterFile
from syncflow.config.models.mapping import MappingFile
from syncflow.config.models.routes import RoutesFile
from syncflow.config.models.schema import ObjectFile, SchemaNode
from syncflow.config.names import check_names
from syncflow.config.nodes import (
    MappingNode,
    ScalarNode,
    SequenceNode,
    dotted,
    find,
    from_data,
    is_nothing,
    merge,
)
from syncflow.config.nodes import Path as NodePath
from syncflow.config.profiles import overlaid, overlays, pick
from syncflow.config.remainder import remainder
from syncflow.config.secrets import secret_values
from syncflow.config.source_settings import check_source
from syncflow.config.validation import read_model, salvaged_model
from syncflow.config.variables import Expansion

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Inputs:
    """What a project is loaded from."""

    path: Path = Path("routes.yaml")
    profile: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    offline: bool = False
    settings: Mapping[str, Any] | None = field(default=None, repr=False)
    """Stands for the file at ``path`` where given."""
    changes: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    trees: Mapping[Path, MappingNode] = field(default_factory=dict, repr=False)
    """Files that were read before and are not read again."""

    def changed(self, changes: Mapping[str, Any]) -> Inputs:
        return replace(self, changes=(*self.changes, changes))


@dataclass(frozen=True)
class Parts:
    """The checked parts of a project."""

    profile: str | None
    routes: Document[RoutesFile]
    schemas: Mapping[str, Document[SchemaNode]]
    mappings: Mapping[Path, Document[MappingFile]]
    adapters: Mapping[str, Document[AdapterFile]]
    objects: Mapping[tuple[str, str], MergedObject]
    secrets: frozenset[str] = field(repr=False)
    inputs: Inputs = field(repr=False)


class Loaded(NamedTuple):
    """What loading came to. ``sound`` is what is left of broken parts: for checking further, never for running."""

    parts: Parts | None
    diagnostics: list[Diagnostic]
    sound: Parts | None = None


def load_parts(inputs: Inputs) -> Loaded:
    """Load everything; return the parts where there is no error, and all that was found."""
    files = Files(inputs.environment, offline=inputs.offline, trees=dict(inputs.trees))
    root = files.tree(inputs.path) if inputs.settings is None else _settings_tree(inputs.settings)
    if root is None:
        return Loaded(None, arranged(files.diagnostics))
    profile, diagnostics = pick(root, asked=inputs.profile, environment=inputs.environment)
    files.diagnostics += diagnostics
    node = _current(root, profile, inputs, files)
    model, diagnostics = read_model(RoutesFile, node)
    files.diagnostics += diagnostics
    files.diagnostics += _other_profiles(root, profile, inputs)
    loading = _Loading(inputs, files, node)
    loading.follow()
    if model is None:
        left = salvaged_model(RoutesFile, node)
        sound = remainder(loading.parts(profile, left)) if left is not None else None
        return Loaded(None, arranged(files.diagnostics), sound)
    parts = loading.parts(profile, model)
    files.diagnostics += check_names(parts)
    files.diagnostics += check_source(parts.routes)
    found = arranged(files.diagnostics)
    broken = any(diagnostic.is_error for diagnostic in found)
    return Loaded(None, found, remainder(parts)) if broken else Loaded(parts, found)


def _settings_tree(settings: Mapping[str, Any]) -> MappingNode:
    node = from_data(settings, FileText("(settings)", ""))
    assert isinstance(node, MappingNode)
    return node


def _current(root: MappingNode, profile: str | None, inputs: Inputs, files: Files) -> MappingNode:
    """The file with its profile, with what was changed from Python, with variables; profiles stay unexpanded."""
    merged = overlaid(root, profile)
    for changes in inputs.changes:
        changed = merge(merged, from_data(changes, FileText("(changes)", "")))
        assert isinstance(changed, MappingNode)
        merged = changed
    node = files.expanded(merged, inputs.path.parent)
    profiles = {"profiles": root.entries["profiles"]} if "profiles" in root.entries else {}
    return MappingNode(node.file, node.start, node.end, {**node.entries, **profiles})


def _other_profiles(root: MappingNode, picked: str | None, inputs: Inputs) -> Iterator[Diagnostic]:
    """Check the shape of the profiles that are not used, without asking for their variables."""
    for name, overlay in overlays(root).items():
        if name == picked:
            continue
        if not isinstance(overlay, MappingNode):
            span = root.entries["profiles"].value.entries[name].key.span  # type: ignore[attr-defined]  # overlays() saw a mapping
            yield Diagnostic(
                "SF203",
                span,
                f"the profile `{name}` cannot be this",
                expected="a mapping (`key: value` lines)",
                found=overlay.kind,
            )
            continue
        expansion = Expansion({}, inputs.path.parent, offline=True)
        _, diagnostics = read_model(RoutesFile, expansion.expand(overlaid(root, name)))
        places = set(_places(overlay))
        for diagnostic in (*expansion.diagnostics, *diagnostics):
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


class _Loading:
    """Follows the names of files from the tree of ``routes.yaml``."""

    def __init__(self, inputs: Inputs, files: Files, node: MappingNode) -> None:
        self.inputs = inputs
        self.files = files
        self.node = node
        self.directory = inputs.path.parent
        self.schemas: dict[str, Document[SchemaNode]] = {}
        self.mappings: dict[Path, Document[MappingFile]] = {}
        self.adapters: dict[str, Document[AdapterFile]] = {}
        self.objects: dict[tuple[str, str], MergedObject] = {}
        self._tried: set[Path | str] = set()

    def follow(self) -> None:
        for path, scalar in self._named("records", "*", "schema"):
            document = self._read(SchemaNode, scalar, path)
            if document is not None:
                self.schemas[str(path[1])] = document
        for path, scalar in (*self._named("routes", "*", "mapping"), *self._named("routes", "*", "mappings", "*")):
            self._mapping(scalar, path)
        for path, scalar in self._named("systems", "*", "adapter"):
            self._adapter(scalar, path)
        for mapping in self.mappings.values():
            self._object(mapping)

    def _named(self, *pattern: str) -> Iterator[tuple[NodePath, ScalarNode]]:
        """Yield the filled scalars at a path with wildcards."""
        found: list[tuple[NodePath, Any]] = [((), self.node)]
        for step in pattern:
            found = [deeper for path, node in found for deeper in _steps(path, node, step)]
        for path, node in found:
            if isinstance(node, ScalarNode) and isinstance(node.value, str) and not is_nothing(node.value):
                yield path, node

    def _read(self, model: type[M], scalar: ScalarNode, at: NodePath) -> Document[M] | None:
        path = resolved(self.directory, str(scalar.value))
        return self.files.document(model, path) if self._is_there(path, scalar, at) else None

    def _is_there(self, path: Path, scalar: ScalarNode, at: NodePath) -> bool:
        if self.files.exists(path):
            return True
        self.files.diagnostics.append(
            Diagnostic(
                "SF101",
                scalar.span,
                f"there is no file {scalar.value}",
                suggestion=self.files.beside(path, str(scalar.value)),
                path=dotted(at),
            )
        )
        return False

    def _mapping(self, scalar: ScalarNode, at: NodePath) -> None:
        path = resolved(self.directory, str(scalar.value))
        if path in self._tried and self.files.exists(path):
            return
        self._tried.add(path)
        document = self._read(MappingFile, scalar, at)
        if document is not None:
            self.mappings[path] = document

    def _adapter(self, scalar: ScalarNode, at: NodePath) -> None:
        name = str(scalar.value)
        path = self.files.adapter_path(self.directory, name)
        if path is None:
            known = self.files.adapter_names(self.directory)
            expected = f"an adapter of the package, or a file adapters/{name}.yaml"
            self.files.diagnostics.append(
                Diagnostic(
                    "SF406",
                    scalar.span,
                    f"there is no adapter `{name}`",
                    expected=expected,
                    suggestion=did_you_mean(name, known),
                    path=dotted(at),
                )
            )
        elif name not in self._tried:
            self._tried.add(name)
            document = self.files.document(AdapterFile, path)
            if document is not None:
                self.adapters[name] = document

    def _object(self, mapping: Document[MappingFile]) -> None:
        adapter_name, _, object_name = mapping.model.target.partition("/")
        key = (adapter_name, object_name)
        adapter = self.adapters.get(adapter_name)
        if key in self.objects or adapter is None:
            return
        declared = adapter.model.objects.get(object_name)
        theirs = None if declared is None else self._adapters_object(adapter, object_name, declared.fields)
        if declared is not None and theirs is None:
            return
        paths = [path for path in (theirs, self._own_object(adapter_name, object_name)) if path is not None]
        read = [self.files.document(ObjectFile, path) for path in paths]
        documents = [document for document in read if document is not None]
        if documents and len(documents) == len(paths):
            self._merge(key, documents)

    def _adapters_object(self, adapter: Document[AdapterFile], object_name: str, name: str) -> Path | None:
        path = resolved(adapter.path.parent, name)
        at: NodePath = ("objects", object_name, "fields")
        scalar = find(adapter.node, at)[0]
        return path if isinstance(scalar, ScalarNode) and self._is_there(path, scalar, at) else None

    def _own_object(self, adapter_name: str, object_name: str) -> Path | None:
        path = resolved(self.directory, f"objects/{adapter_name}_{object_name}.yaml")
        return path if self.files.exists(path) else None

    def _merge(self, key: tuple[str, str], documents: list[Document[ObjectFile]]) -> None:
        node = documents[0].node
        for document in documents[1:]:
            node = merge(node, document.node)
        model, diagnostics = (documents[0].model, []) if len(documents) == 1 else read_model(ObjectFile, node)
        self.files.diagnostics += diagnostics
        if model is not None:
            self.objects[key] = MergedObject(model, tuple(documents))

    def parts(self, profile: str | None, model: RoutesFile) -> Parts:
        routes = Document(self.inputs.path, self.node.file.name, model, self.node)
        return Parts(
            profile=profile,
            routes=routes,
            schemas=self.schemas,
            mappings=self.mappings,
            adapters=self.adapters,
            objects=self.objects,
            secrets=secret_values(routes, self.adapters, self.files.from_variables),
            inputs=replace(self.inputs, trees=self.files.trees),
        )


def _steps(path: NodePath, node: Any, step: str) -> Iterator[tuple[NodePath, Any]]:
    if isinstance(node, MappingNode):
        names = node.entries if step == "*" else [step] if step in node.entries else []
        for name in names:
            yield (*path, name), node.entries[name].value
    elif isinstance(node, SequenceNode) and step == "*":
        for index, item in enumerate(node.items):
            yield (*path, index), item
