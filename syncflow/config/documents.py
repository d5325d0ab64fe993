"""One file, checked: its model, and the place of everything in it."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from syncflow.config.diagnostics import Diagnostic, Span
from syncflow.config.models.schema import ObjectFile
from syncflow.config.nodes import Node, ScalarNode, dotted, find
from syncflow.config.scalars import Unset
from syncflow.frozen import value_class

M_co = TypeVar("M_co", bound=BaseModel, covariant=True)


@value_class
class Document(Generic[M_co]):
    """One file: its checked model, and the place of every key and value in it."""

    path: Path
    name: str
    """The path as messages show it."""
    model: M_co
    node: Node = field(repr=False)

    @property
    def text(self) -> str:
        return self.node.file.text

    @property
    def raw(self) -> Any:
        """The file's data after profiles and variables; unquoted scalars are ``Plain``."""
        return self.node.data()

    def span(self, *path: str | int) -> Span:
        """Return the place of a value, or of the nearest thing around it that the file holds."""
        return find(self.node, path)[0].span

    def key_span(self, *path: str | int) -> Span:
        """Return the place of a key; of the value where there is none (an element of a list)."""
        node, key, _ = find(self.node, path)
        return key.span if key is not None else node.span

    def is_unset(self, *path: str | int) -> bool:
        """Whether a value stands for a variable that is not set (only where files are checked without an environment)."""
        node, _, steps = find(self.node, path)
        return steps == len(path) and isinstance(node, ScalarNode) and isinstance(node.value, Unset)

    def report(self, code: str, message: str, *path: str | int, at_key: bool = False, **words: Any) -> Diagnostic:
        """Return a diagnostic about a place of this file; ``words`` are those of ``Diagnostic``."""
        span = self.key_span(*path) if at_key else self.span(*path)
        return Diagnostic(code, span, message, path=dotted(path), **words)


@value_class
class MergedObject:
    """A target object: the adapter's fields, extended and overridden by the project's own file."""

    model: ObjectFile
    documents: tuple[Document[ObjectFile], ...]
    """Where it came from: the adapter's file first, then the project's."""

    def span(self, field_name: str) -> Span:
        """Return where a field is described: in the project's file if it is there."""
        for document in reversed(self.documents):
            if field_name in document.model.fields:
                return document.key_span("fields", field_name)
        return self.documents[-1].span("fields")
