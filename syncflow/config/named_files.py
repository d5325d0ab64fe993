"""Follow the names of files from the tree of ``routes.yaml``: schemas, mappings, adapters, and the objects of these.

The tree and not its model is followed, so that a wrong key in ``routes.yaml`` hides no mistake in another file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from syncflow.config.diagnostics import Diagnostic, did_you_mean
from syncflow.config.documents import Document, MergedObject
from syncflow.config.files import Files, ReadObject, resolved
from syncflow.config.models.adapter import AdapterFile, TextRules
from syncflow.config.models.mapping import MappingFile
from syncflow.config.models.schema import ObjectField, ObjectFile, SchemaNode
from syncflow.config.nodes import MappingNode, ScalarNode, SequenceNode, dotted, find, from_data, is_nothing, merge
from syncflow.config.nodes import Path as NodePath
from syncflow.config.own_code import OwnCodeError
from syncflow.config.python_schemas import names_model, read_model_schema
from syncflow.config.regular_files import oddity
from syncflow.config.validation import read_model

M = TypeVar("M", bound=BaseModel)
_YAML = frozenset({".yaml", ".yml", ".json"})


class NamedFiles:
    """The files that ``routes.yaml`` names, as far as they can be read."""

    def __init__(
        self, directory: Path, files: Files, node: MappingNode, *, written: Mapping[str, Document[AdapterFile] | None]
    ) -> None:
        """``written``: the adapters that ``routes.yaml`` itself holds, None for one that is broken."""
        self.files = files
        self.node = node
        self.directory = directory
        self.schemas: dict[str, Document[SchemaNode]] = {}
        self.mappings: dict[Path, Document[MappingFile]] = {}
        self.adapters: dict[str, Document[AdapterFile]] = {
            name: adapter for name, adapter in written.items() if adapter
        }
        self._written = frozenset(written)
        self.objects: dict[tuple[str, str], MergedObject] = {}
        self._tried: set[Path | str] = set()

    def read(self) -> None:
        """Read them all; what is wrong is noted in ``files``."""
        for path, scalar in self._named("records", "*", "schema"):
            named = names_model(str(scalar.value))
            document = self._model_of_python(scalar, path) if named else self._read(SchemaNode, scalar, path)
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

    def _model_of_python(self, scalar: ScalarNode, at: NodePath) -> Document[SchemaNode] | None:
        """Read a Pydantic model as the schema file that says the same; what is wrong with it is a fault of the line that names it."""
        name = str(scalar.value)
        try:
            path, node = read_model_schema(self.directory, name)
        except OwnCodeError as error:
            message = f"{name} cannot be used as a schema: {error}" + (f" (line {error.line})" if error.line else "")
            self.files.diagnostics.append(Diagnostic("SF616", scalar.span, message, path=dotted(at)))
            return None
        model, diagnostics = read_model(SchemaNode, node)
        for problem in diagnostics:
            wrong = "a schema file has no such word" if problem.code == "SF201" else problem.message
            message = f"{name} cannot be used as a schema: {problem.path}: {wrong}"
            self.files.diagnostics.append(Diagnostic("SF616", scalar.span, message, path=dotted(at)))
        return None if model is None else Document(path, name, model, node)

    def _is_there(self, path: Path, scalar: ScalarNode, at: NodePath) -> bool:
        if self.files.exists(path):
            return self._may_be_read(path, scalar, at)
        odd = oddity(path)
        if odd:
            code = "SF102" if odd == "a directory" else "SF103"
            message = f"{scalar.value} cannot be read: it is {odd}, a file is needed"
            self.files.diagnostics.append(Diagnostic(code, scalar.span, message, path=dotted(at)))
            return False
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

    def _may_be_read(self, path: Path, scalar: ScalarNode, at: NodePath) -> bool:
        """Refuse a file elsewhere that is no YAML by its name, before a message quotes its lines: nothing of the system's is shown."""
        real = path.resolve()
        home = (self.directory.resolve(), self.files.package.resolve())
        if real.suffix in _YAML or any(real.is_relative_to(folder) for folder in home):
            return True
        message = f"{scalar.value} is outside the project's folder, and its name does not end in .yaml, .yml or .json"
        hint = "copy it into the project's folder, or rename it"
        self.files.diagnostics.append(Diagnostic("SF103", scalar.span, message, hint=hint, path=dotted(at)))
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
        if name in self._written:
            return
        path = self.files.adapter_path(self.directory, name)
        if path is None:
            known = self.files.adapter_names(self.directory)
            expected = f"an adapter of syncflow or of a package that is installed, or a file adapters/{name}.yaml"
            close = did_you_mean(name, known)
            hint = "" if close else "a small one may stand here as a whole: `adapter: {base_url: …, operations: …}`"
            self.files.diagnostics.append(
                Diagnostic(
                    "SF406",
                    scalar.span,
                    f"there is no adapter `{name}`",
                    expected=expected,
                    suggestion=close,
                    hint=hint,
                    path=dotted(at),
                )
            )
        elif name not in self._tried:
            self._tried.add(name)
            document = self.files.document(AdapterFile, path) if self._may_be_read(path, scalar, at) else None
            if document is not None:
                self.adapters[name] = document
                self._own_name(document, name)

    def _own_name(self, adapter: Document[AdapterFile], name: str) -> None:
        """An adapter is called as its file: mappings, objects and messages know it by that name."""
        if adapter.model.adapter != name:
            message = f"the adapter calls itself {adapter.model.adapter}, and its file {name}"
            self.files.diagnostics.append(adapter.report("SF502", message, "adapter", hint=f"write `adapter: {name}`"))

    def _object(self, mapping: Document[MappingFile]) -> None:
        adapter_name, _, object_name = mapping.model.target.partition("/")
        key = (adapter_name, object_name)
        adapter = self.adapters.get(adapter_name)
        if key in self.objects or adapter is None:
            return
        declared = adapter.model.objects.get(object_name)
        known: list[Document[ObjectFile] | None] = []
        if declared is not None:
            if declared.fields is None:
                known.append(_open_object(adapter, object_name, declared.keys))
            else:
                path = self._adapters_object(adapter, object_name, declared.fields)
                known.append(None if path is None else self.files.document(ObjectFile, path))
        known += [self.files.document(ObjectFile, path) for path in self._own_objects(adapter_name, object_name)]
        documents = [document for document in known if document is not None]
        if documents and len(documents) == len(known):
            self._merge(key, documents)

    def _adapters_object(self, adapter: Document[AdapterFile], object_name: str, name: str) -> Path | None:
        path = resolved(adapter.path.parent, name)
        at: NodePath = ("objects", object_name, "fields")
        scalar = find(adapter.node, at)[0]
        return path if isinstance(scalar, ScalarNode) and self._is_there(path, scalar, at) else None

    def _own_objects(self, adapter_name: str, object_name: str) -> list[Path]:
        """Return what was pulled from the system, and after it what the project says itself."""
        names = own_object_files(adapter_name, object_name)
        return [path for path in (resolved(self.directory, name) for name in names) if self.files.exists(path)]

    def _merge(self, key: tuple[str, str], documents: list[Document[ObjectFile]]) -> None:
        rules = self.adapters[key[0]].model.texts
        known, one = self.files.known.objects, (rules, tuple(map(id, documents)))
        read = known.get(one) or known.setdefault(one, _merged(tuple(documents), rules))
        self.files.diagnostics += read.diagnostics
        if read.merged is not None:
            self.objects[key] = read.merged


def _merged(documents: tuple[Document[ObjectFile], ...], rules: TextRules) -> ReadObject:
    node = documents[0].node
    for document in documents[1:]:
        node = merge(node, document.node)
    model, diagnostics = (documents[0].model, []) if len(documents) == 1 else read_model(ObjectFile, node)
    if model is None:
        return ReadObject(None, diagnostics, documents)
    fields = {name: _with_rules(field, rules) for name, field in model.fields.items()}
    return ReadObject(MergedObject(model.model_copy(update={"fields": fields}), documents), diagnostics, documents)


def _with_rules(field: ObjectField, rules: TextRules) -> ObjectField:
    """Return a field that says of itself all that its adapter says of texts in general."""
    general: dict[str, str | bool | None] = {
        "trim": rules.trim,
        "case_sensitive": rules.case_sensitive,
        "unicode": rules.unicode,
    }
    if field.type == "options":
        general["separator"] = rules.separator
    said = {name: rule for name, rule in general.items() if rule is not None and getattr(field, name) is None}
    return field.model_copy(update=said) if said else field


def own_object_files(adapter_name: str, object_name: str) -> list[str]:
    """Return where a project may describe an object: as it was pulled, and in its own words."""
    return [lock_path(adapter_name, object_name), f"objects/{adapter_name}_{object_name}.yaml"]


def lock_path(adapter_name: str, object_name: str) -> str:
    """Return where a project keeps the fields that were pulled from a system."""
    return f"objects/{adapter_name}_{object_name}.lock.yaml"


def _open_object(adapter: Document[AdapterFile], object_name: str, keys: Sequence[str]) -> Document[ObjectFile]:
    """An object whose fields the adapter does not describe takes any; its keys tell records apart."""
    described = {"object": object_name, "open": True, "fields": {key: {"unique": True} for key in keys}}
    node = from_data(described, adapter.node.file)
    return Document(adapter.path, adapter.name, ObjectFile.model_validate(described), node)


def _steps(path: NodePath, node: Any, step: str) -> Iterator[tuple[NodePath, Any]]:
    if isinstance(node, MappingNode):
        names = node.entries if step == "*" else [step] if step in node.entries else []
        for name in names:
            yield (*path, name), node.entries[name].value
    elif isinstance(node, SequenceNode) and step == "*":
        for index, item in enumerate(node.items):
            yield (*path, index), item
