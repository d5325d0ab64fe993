"""Checks of schemas: is the top an object, do formats, patterns and references exist, can the bounds be met."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import re2

from syncflow.compiler.door.schema import REFERENCE
from syncflow.compiler.types.declared import from_schema
from syncflow.compiler.types.formats import FORMATS
from syncflow.compiler.types.json import NEVER, Type, accepts, compiled_pattern, union
from syncflow.compiler.types.narrowing import restrict
from syncflow.compiler.types.words import describe
from syncflow.config.diagnostics import Diagnostic, Replacement, did_you_mean, one_of
from syncflow.config.documents import Document
from syncflow.config.models.schema import SchemaNode
from syncflow.config.project import Project
from syncflow.config.replacements import rewritten


class _Spot(NamedTuple):
    """A node of a schema and its place."""

    document: Document[SchemaNode]
    path: tuple[str | int, ...]
    node: SchemaNode


def check_schemas(project: Project) -> Iterator[Diagnostic]:
    """Yield what is wrong with each schema."""
    for document in {id(document): document for document in project.schemas.values()}.values():
        yield from _top(document)
        for spot in _spots(document, (), document.model):
            yield from _format(spot)
            yield from _pattern(spot)
            yield from _bounds(spot)
            yield from _idle_words(spot)
            yield from _listed(spot)
            yield from _never(spot)
            yield from _reference(spot, document.model.defs)
            yield from _required(spot)
            yield from _twice(spot)


def broken_properties(document: Document[SchemaNode]) -> frozenset[tuple[str, ...]]:
    """Return the paths of the properties that no value fits, or that list values which do not fit."""
    found = set()
    for spot in _spots(document, (), document.model):
        names, words = spot.path[1::2], spot.path[::2]
        if names and set(words) == {"properties"} and any((*_bounds(spot), *_listed(spot), *_never(spot))):
            found.add(tuple(map(str, names)))
    return frozenset(found)


def _top(document: Document[SchemaNode]) -> Iterator[Diagnostic]:
    if document.model.type != "object":
        yield document.report("SF610", "a record is an object, so the top needs `type: object`", "type")


def _spots(document: Document[SchemaNode], path: tuple[str | int, ...], node: SchemaNode) -> Iterator[_Spot]:
    yield _Spot(document, path, node)
    for name, entry in node.properties.items():
        yield from _spots(document, (*path, "properties", name), entry)
    for name, entry in node.defs.items():
        yield from _spots(document, (*path, "$defs", name), entry)
    for position, entry in enumerate(node.any_of or ()):
        yield from _spots(document, (*path, "anyOf", position), entry)
    if node.items is not None:
        yield from _spots(document, (*path, "items"), node.items)
    if isinstance(node.additional_properties, SchemaNode):
        yield from _spots(document, (*path, "additionalProperties"), node.additional_properties)


def _format(spot: _Spot) -> Iterator[Diagnostic]:
    name = spot.node.format
    if name is not None and name not in FORMATS:
        close = did_you_mean(name, FORMATS)
        message = f"there is no format `{name}`"
        yield spot.document.report(
            "SF611", message, *spot.path, "format", expected=one_of(list(FORMATS)), suggestion=close
        )


def _pattern(spot: _Spot) -> Iterator[Diagnostic]:
    if spot.node.pattern is None:
        return
    try:
        compiled_pattern(spot.node.pattern)
    except re2.error as error:
        reason = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        message = f"the pattern cannot be compiled: {reason}"
        hint = "patterns are in RE2 syntax, without look-around and back-references"
        yield spot.document.report("SF612", message, *spot.path, "pattern", hint=hint)


def _bounds(spot: _Spot) -> Iterator[Diagnostic]:
    node = spot.node
    pairs = (
        ("minLength", node.min_length, "maxLength", node.max_length),
        ("minimum", node.minimum, "maximum", node.maximum),
    )
    for low, least, high, most in pairs:
        if least is not None and most is not None and least > most:
            yield spot.document.report("SF613", f"{low} is above {high}, so no value fits", *spot.path, low)
    for word, length in (("minLength", node.min_length), ("maxLength", node.max_length)):
        if length is not None and length < 0 and spot.path:
            expected = "a whole number from 0"
            yield spot.document.report("SF613", f"{word} is below 0", *spot.path, word, expected=expected)
    if node.any_of == ():
        yield spot.document.report("SF613", "anyOf lists nothing, so no value fits", *spot.path, "anyOf")
    yield from _no_whole_number(spot)
    yield from _beside_the_format(spot)


def _no_whole_number(spot: _Spot) -> Iterator[Diagnostic]:
    """Yield bounds of an integer between which there is none."""
    least, most = spot.node.minimum, spot.node.maximum
    if _types(spot.node) != {"integer"} or least is None or most is None or least > most:
        return
    if math.ceil(least) > math.floor(most):
        message = f"no whole number is between {least:g} and {most:g}, so no value fits"
        yield spot.document.report(
            "SF613", message, *spot.path, "minimum", hint="`type: number` takes what lies between"
        )


def _beside_the_format(spot: _Spot) -> Iterator[Diagnostic]:
    """Yield lengths that no text of the format has."""
    node = spot.node
    known = FORMATS.get(node.format or "")
    if known is None:
        return
    if node.max_length is not None and 0 <= node.max_length < known.shortest:
        words = f"text of the format {node.format} has at least {known.shortest} characters, so no value fits"
        yield spot.document.report("SF613", words, *spot.path, "maxLength", found=str(node.max_length))
    if node.min_length is not None and known.longest is not None and node.min_length > known.longest:
        words = f"text of the format {node.format} has at most {known.longest} characters, so no value fits"
        yield spot.document.report("SF613", words, *spot.path, "minLength", found=str(node.min_length))


def _twice(spot: _Spot) -> Iterator[Diagnostic]:
    """Yield what is listed a second time: one of the two was probably meant to be another."""
    node = spot.node
    lists: tuple[tuple[str, Sequence[Any]], ...] = (("enum", node.enum or ()), ("required", node.required))
    for word, listed in lists:
        seen: list[tuple[type, Any]] = []
        for place, value in enumerate(listed):
            if (type(value), value) in seen:
                message = f"{_shown(value)} is listed twice"
                yield spot.document.report(
                    "SF619", message, *spot.path, word, place, severity="warning", hint="take it out, or correct it"
                )
            seen.append((type(value), value))


def _shown(value: Any) -> str:
    return f"`{value}`" if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "minLength": ("string",),
    "maxLength": ("string",),
    "pattern": ("string",),
    "format": ("string",),
    "minimum": ("integer", "number"),
    "maximum": ("integer", "number"),
    "items": ("array",),
    "properties": ("object",),
    "required": ("object",),
    "additionalProperties": ("object",),
}
"""A word of a schema → the types of which it says something."""


def _idle_words(spot: _Spot) -> Iterator[Diagnostic]:
    """Yield words that say nothing of the types beside them."""
    node, types = spot.node, _types(spot.node)
    fields = {field.alias or name: name for name, field in type(node).model_fields.items()}
    for word, meant in _WORDS.items():
        if (
            types
            and (spot.path or "object" in types)
            and fields[word] in node.model_fields_set
            and not types.intersection(meant)
        ):
            yield spot.document.report(
                "SF617",
                f"`{word}` says nothing of {' or '.join(sorted(types))}",
                *spot.path,
                word,
                at_key=True,
                severity="warning",
                expected=f"`type: {meant[0]}`",
                hint=f"correct the type, or take `{word}` out",
            )


def _types(node: SchemaNode) -> frozenset[str]:
    return frozenset() if node.type is None else frozenset((node.type,) if isinstance(node.type, str) else node.type)


def _listed(spot: _Spot) -> Iterator[Diagnostic]:
    """Yield values of ``enum``, ``const`` and ``examples`` that the words beside them refuse."""
    node = spot.node
    if node.type is None or node.ref is not None or node.any_of is not None or _is_broken(node):
        return
    kind = from_schema(SchemaNode.model_construct(node.model_fields_set - {"enum", "const"}, **_without(node)))
    wrong = [place for place, value in enumerate(node.enum or ()) if not accepts(kind, value)]
    if node.enum is not None and len(wrong) == len(node.enum):
        said = "there is none" if not node.enum else f"none of them is {describe(kind)}"
        hint, replaced = _of_type(node), _type_instead(spot)
        message = f"no value of the enum fits: {said}"
        yield spot.document.report("SF613", message, *spot.path, "enum", hint=hint, replaced=replaced)
        return
    for word, places in (("enum", wrong), ("examples", _wrong_examples(node, kind))):
        for place in places:
            yield spot.document.report(
                "SF618",
                "this value never fits the words beside it",
                *spot.path,
                word,
                place,
                severity="warning",
                expected=describe(kind),
                hint=_of_type(node) if word == "enum" else "",
            )
    if "const" in node.model_fields_set and not accepts(kind, node.const):
        yield spot.document.report(
            "SF613",
            "the const does not fit the words beside it, so no value fits",
            *spot.path,
            "const",
            expected=describe(kind),
        )


def _never(spot: _Spot) -> Iterator[Diagnostic]:
    """Yield words that exclude each other, where none of them is wrong by itself."""
    node = spot.node
    if "const" in node.model_fields_set and node.enum is not None and node.const not in node.enum:
        yield spot.document.report(
            "SF613",
            "the const is not among the enum, so no value fits",
            *(*spot.path, "const"),
            expected=one_of([str(value) for value in node.enum]),
            hint="keep one of the two",
        )
    elif node.any_of and node.type is not None and node.ref is None and not _is_broken(node):
        outside = SchemaNode.model_construct(node.model_fields_set - {"any_of"}, **_but(node, any_of=None))
        inside = [from_schema(part) for part in node.any_of if part.ref is None]
        if len(inside) == len(node.any_of) and restrict(from_schema(outside), union(*inside)) == NEVER:
            yield spot.document.report(
                "SF613",
                "none of anyOf fits the words beside it, so no value fits",
                *(*spot.path, "anyOf"),
                expected=describe(from_schema(outside)),
                hint="take `type` out, or correct anyOf",
            )


def _but(node: SchemaNode, **changes: Any) -> dict[str, Any]:
    return {name: getattr(node, name) for name in type(node).model_fields} | changes


def _without(node: SchemaNode) -> dict[str, Any]:
    return _but(node, enum=None, const=None)


def _wrong_examples(node: SchemaNode, kind: Type) -> list[int]:
    return [place for place, value in enumerate(node.examples) if not accepts(kind, value)]


def _is_broken(node: SchemaNode) -> bool:
    """Whether another check says already that the words of a node cannot be used."""
    return (node.format is not None and node.format not in FORMATS) or not _compiles(node.pattern)


def _compiles(pattern: str | None) -> bool:
    try:
        return pattern is None or compiled_pattern(pattern) is not None
    except re2.error:
        return False


def _type_instead(spot: _Spot) -> Replacement | None:
    name = re.match(r"write `type: (\w+)`", _of_type(spot.node))
    return None if name is None else rewritten(spot.document.span(*spot.path, "type"), name[1])


def _of_type(node: SchemaNode) -> str:
    """Say which type the values of an enum have."""
    for name, kinds in (("integer", int), ("number", (int, float)), ("string", str), ("boolean", bool)):
        values = node.enum or ()
        if values and all(
            isinstance(value, kinds) and (name == "boolean") == isinstance(value, bool) for value in values
        ):
            quoted = ", or put the values in quotes" if name in {"integer", "number", "boolean"} else ""
            return f"write `type: {name}`{quoted}" if name not in _types(node) else ""
    return ""


def _required(spot: _Spot) -> Iterator[Diagnostic]:
    for position, name in enumerate(spot.node.required):
        if spot.node.properties and name not in spot.node.properties:
            yield spot.document.report(
                "SF615",
                f"`{name}` is required, but not among the properties",
                *spot.path,
                "required",
                position,
                severity="warning",
                suggestion=did_you_mean(name, spot.node.properties),
            )


def _reference(spot: _Spot, defs: Mapping[str, SchemaNode]) -> Iterator[Diagnostic]:
    reference = spot.node.ref
    if reference is None:
        return
    name = reference.removeprefix(REFERENCE)
    if not reference.startswith(REFERENCE) or name not in defs:
        close = did_you_mean(name, defs)
        yield spot.document.report(
            "SF614",
            f"`$ref: {reference}` leads nowhere",
            *spot.path,
            "$ref",
            expected=one_of([REFERENCE + known for known in defs]) if defs else "a definition under $defs",
            suggestion=REFERENCE + close if close else "",
        )
    elif _is_circular(name, defs):
        yield spot.document.report("SF614", f"`$ref: {reference}` leads back to itself", *spot.path, "$ref")


def _is_circular(name: str, defs: Mapping[str, SchemaNode]) -> bool:
    """Return whether a definition is its own first part, so that no value could be checked against it."""
    seen, waiting = set(), [name]
    while waiting:
        node = defs.get(waiting.pop())
        for part in (node, *(node.any_of or ())) if node is not None else ():
            target = part.ref.removeprefix(REFERENCE) if part.ref else None
            if target == name:
                return True
            if target is not None and target not in seen:
                seen.add(target)
                waiting.append(target)
    return False
