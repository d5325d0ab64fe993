"""Checks of constants in mappings: letters that were meant as an expression, and quotes that a word processor made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from syncflow.compiler.checks.expressions import leads_nowhere
from syncflow.compiler.checks.places import compiled, root_type
from syncflow.compiler.languages.base import is_jinja
from syncflow.config.diagnostics import Diagnostic, Replacement
from syncflow.config.documents import Document
from syncflow.config.models.mapping import Constant, FieldForm, MappingFile, Recipe
from syncflow.config.nodes import MappingNode, ScalarNode, dotted, find, scalars
from syncflow.config.project import Project
from syncflow.config.replacements import quoted, rewritten
from syncflow.patterns import lazy_pattern

_Path = tuple[str | int, ...]
_CURLY = "“”„‟‘’‚‛«»"
_IN_CURLY = lazy_pattern(rf"\s*[{_CURLY}](.*)[{_CURLY}]\s*", re.DOTALL)


def check_constants(project: Project) -> Iterator[Diagnostic]:
    """Yield constants whose letters would be sent where their value was meant, and text in curly quotes."""
    for mapping in project.mappings.values():
        for name, form in mapping.model.fields.items():
            for path in _constant_places(name, form):
                yield from _meant_as_expression(project, mapping, path, form)
        yield from _curly(mapping, ("fields",))
    for path in (("ignore",), ("routes",)):
        yield from _curly(project.routes, path)


def _constant_places(name: str, form: FieldForm) -> Iterator[_Path]:
    if isinstance(form, Constant):
        yield ("fields", name, "value")
    elif isinstance(form, Recipe):
        yield ("fields", name, "default")
        yield from (("fields", name, "table", key) for key in form.table or {})


def _meant_as_expression(
    project: Project, mapping: Document[MappingFile], path: _Path, form: FieldForm
) -> Iterator[Diagnostic]:
    node, _, steps = find(mapping.node, path)
    for below, scalar in scalars(node) if steps == len(path) else ():
        text = str(scalar.value) if isinstance(scalar.value, str) else ""
        if not text or scalar.variables or not is_meant_as_expression(project, mapping.model.source, text):
            continue
        is_whole = below == () and path[-1] == "value"
        yield Diagnostic(
            "SF329",
            scalar.span,
            f"every record gets these letters, not the value of {text}",
            severity="warning",
            hint=_hint(path, text, form, is_whole=is_whole),
            path=dotted((*path, *below)),
            replaced=_instead(mapping, path, text, form) if below == () else None,
        )


def is_meant_as_expression(project: Project, kind: str, text: str) -> bool:
    """Whether a constant is written as only an expression would be."""
    if is_jinja(text):
        return True
    if not re.search(r"\bitem\.\w|^\w+\(.*\)$", text.strip()):
        return False
    expression = compiled(project, text)
    if expression is None or ("item" in text and not expression.reads):
        return False
    return not any(leads_nowhere(root_type(project, kind), read) for read in expression.reads)


def _hint(path: _Path, text: str, form: FieldForm, *, is_whole: bool) -> str:
    if is_whole:
        return f"an expression stands alone: `{path[1]}: {quoted(text)}`"
    if path[-1] == "default" and isinstance(form, Recipe) and form.table is None and not is_jinja(text + form.source):
        return f"write {form.source} || {text}"
    return "a constant stands here; an expression is the field's own, or its `from:`"


def _instead(mapping: Document[MappingFile], path: _Path, text: str, form: FieldForm) -> Replacement | None:
    """Return the whole field, written as an expression."""
    if isinstance(form, Recipe):
        if path[-1] != "default" or form.table is not None or is_jinja(text + form.source):
            return None
        text = f"{form.source} || {text}"
    node = find(mapping.node, path[:2])[0]
    span = node.span
    if not isinstance(node, MappingNode) or span.line != span.end_line:
        return None
    return Replacement(span, quoted(text))


def _curly(document: Document[Any], path: _Path) -> Iterator[Diagnostic]:
    node, _, steps = find(document.node, path)
    for below, scalar in scalars(node) if steps == len(path) else ():
        if "tests" not in below:
            yield from _in_curly_quotes(scalar, (*path, *below))


def in_curly_quotes(value: object) -> re.Match[str] | None:
    """Return the match of text that begins and ends with quotes of a word processor; its first group stands between them."""
    return _IN_CURLY.fullmatch(value) if isinstance(value, str) else None


def _in_curly_quotes(scalar: ScalarNode, path: _Path) -> Iterator[Diagnostic]:
    match = in_curly_quotes(scalar.value)
    if match is None or scalar.style:
        return
    text = scalar.value.strip()
    yield Diagnostic(
        "SF347",
        scalar.span,
        f"the quotes {text[0]} and {text[-1]} belong to the text here, and would be sent with it",
        severity="warning",
        hint="write straight quotes: \" or '",
        path=dotted(path),
        replaced=rewritten(scalar.span, match[1]),
    )
