"""The texts of an adapter file compiled, with every problem placed: expressions, templates, patterns, body trees."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote

import re2

from syncflow.compiler.expressions import compile_expression, compile_template
from syncflow.compiler.languages.base import ExpressionError, Read
from syncflow.compiler.wire.plans import Body, ElementValue, Render, Root, Value
from syncflow.config.diagnostics import did_you_mean
from syncflow.config.scalars import Plain, resolve
from syncflow.errors import DataError
from syncflow.events import Json

Step = str | int

COMMON_NAMES = frozenset({"options", "auth", "token"})
"""What signing in, headers and paths see."""

REQUEST_NAMES = COMMON_NAMES | {"object", "operation", "batch", "key", "deliveries"}
RECORD_NAMES = REQUEST_NAMES | {"payload", "record", "delivery", "vendor_id", "position", "steps", "next"}
ANSWER_NAMES = REQUEST_NAMES - {"deliveries"} | {"element"}
PAGE_NAMES = frozenset({"status", "headers", "body", "page"})
RULE_NAMES = frozenset({"status", "code", "message", "headers", "body", "element", "key"})


class Placed(Protocol):
    """A file's path and the places in it."""

    @property
    def path(self) -> Path: ...

    def span(self, *path: Step) -> Any: ...


class Problem(NamedTuple):
    """Something wrong at a place of the adapter file; ``offset`` counts characters into the text that stands there."""

    path: tuple[Step, ...]
    message: str
    hint: str = ""
    offset: int | None = None


def _never(*_: Json | Root) -> Any:
    """Stand for what did not compile; the problem is reported and nothing runs."""
    raise DataError("this does not compile")


class Texts:
    """Compiles the texts of one file; ``problems`` has grown by whatever was wrong."""

    def __init__(self, document: Placed, *, options: Iterable[str], auth: Iterable[str]) -> None:
        self._document = document
        self._known: dict[str, frozenset[str]] = {"options": frozenset(options), "auth": frozenset(auth)}
        self.problems: list[Problem] = []

    def place(self, *path: Step) -> str:
        """Return ``crm.yaml:41`` for the line where ``path`` stands."""
        return f"{Path(self._document.path).name}:{self._document.span(*path).line}"

    def wrong(self, path: tuple[Step, ...], message: str, *, hint: str = "") -> None:
        self.problems.append(Problem(path, message, hint))

    def value(self, text: str, *path: Step, names: frozenset[str] | None = None) -> Value:
        """Compile an expression over a root with these names, or over the part of an answer that it reads."""
        try:
            expression = compile_expression(text)
        except ExpressionError as error:
            self._failed(error, path)
            return _never
        self._check_names(expression.paths(), names, path)
        return expression.evaluate

    def element(self, text: str | None, *path: Step) -> ElementValue | None:
        """Compile an expression over one element of an answer: the root of JMESPath, ``element`` in Jinja."""
        if text is None:
            return None
        try:
            expression = compile_expression(text)
        except ExpressionError as error:
            self._failed(error, path)
            return _never
        evaluate = expression.evaluate
        if expression.language == "jinja":
            self._check_names(expression.paths(), ANSWER_NAMES, path)
            return lambda element, root: evaluate({**root, "element": element})
        return lambda element, _: evaluate(element)

    def condition(self, text: str, *path: Step, names: frozenset[str] | None = None) -> Value:
        """Compile an expression that must be true or not: JMESPath, since Jinja gives text and the text False is something."""
        if "{{" in text or "{%" in text:
            self.wrong(
                path, "a condition is written in JMESPath, not Jinja", hint="such as !vendor_id or status == 'ok'"
            )
            return _never
        return self.value(text, *path, names=names)

    def template(
        self,
        text: str,
        *path: Step,
        escape: Callable[[str], str] | None = None,
        names: frozenset[str] = frozenset({"options"}),
    ) -> Render:
        """Compile text with inserts that see these names; nothing but options unless more is said."""
        try:
            template = compile_template(text, escape=escape)
        except ExpressionError as error:
            self._failed(error, path)
            return _never
        self._check_names(template.paths(), names, path)
        return template.render

    def url(self, text: str, *path: Step, names: frozenset[str]) -> Render:
        """Compile a path whose inserts are encoded, each as one segment."""
        return self.template(text, *path, escape=_segment, names=names)

    def templates(self, texts: Mapping[str, str], *path: Step, names: frozenset[str]) -> tuple[tuple[str, Render], ...]:
        return tuple((name, self.template(text, *path, name, names=names)) for name, text in texts.items())

    def pattern(self, text: str, *path: Step) -> Callable[[str], bool]:
        """Compile a pattern (RE2) to be found in a text."""
        try:
            search = re2.compile(text).search
        except re2.error as error:
            self.wrong(path, f"the pattern cannot be used: {error}", hint="patterns are written as RE2 reads them")
            return _never
        return lambda found: search(found) is not None

    def tree(self, node: Any, *path: Step) -> Body:
        """Compile a body: strings are expressions, ``{each: …}`` is one entry a record, ``{value: …}`` a constant."""
        if isinstance(node, Plain):
            node = resolve(node)
        if isinstance(node, str):
            evaluate = self.value(node, *path, names=RECORD_NAMES)
            return lambda root, _: evaluate(root)
        if isinstance(node, Mapping):
            return self._mapping(node, path)
        if isinstance(node, Sequence):
            entries = [self.tree(entry, *path, index) for index, entry in enumerate(node)]
            return lambda root, records: [entry(root, records) for entry in entries]
        return lambda _root, _records: node

    def _mapping(self, node: Mapping[str, Any], path: tuple[Step, ...]) -> Body:
        if set(node) == {"value"}:
            constant = resolve(node["value"])
            return lambda _root, _records: constant
        if set(node) == {"each"}:
            entry = self.tree(node["each"], *path, "each")
            return lambda _, records: [entry(record, ()) for record in records]
        if "each" in node:
            self.wrong(
                (*path, "each"),
                "each stands with other keys",
                hint="put the list under a key of its own: {items: {each: …}}",
            )
        members = [(str(name), self.tree(child, *path, name)) for name, child in node.items()]
        return lambda root, records: {name: member(root, records) for name, member in members}

    def _check_names(self, reads: Iterable[Read], names: frozenset[str] | None, path: tuple[Step, ...]) -> None:
        """Note every name that is not there to be read."""
        if names is None:
            return
        seen: set[str] = set()
        for read in reads:
            first, second = str(read.steps[0]), read.steps[1] if len(read.steps) > 1 else None
            if first not in names and first not in seen:
                self._unknown("nothing here is called", first, names, path, read.offset)
            elif (
                first in names and first in self._known and isinstance(second, str) and second not in self._known[first]
            ):
                self._unknown(f"{first} has no", second, self._known[first], path, read.offset)
            seen.add(first)

    def _unknown(self, words: str, name: str, known: frozenset[str], path: tuple[Step, ...], offset: int) -> None:
        close = did_you_mean(name, sorted(known))
        hint = f"did you mean {close}?" if close else f"there is {', '.join(sorted(known)) or 'none'}"
        self.problems.append(Problem(path, f"{words} {name}", hint, offset))

    def _failed(self, error: ExpressionError, path: tuple[Step, ...]) -> None:
        self.problems.append(Problem(path, error.message, error.hint, error.offset))


def _segment(text: str) -> str:
    return quote(text, safe="")
