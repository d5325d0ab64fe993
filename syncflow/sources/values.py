"""From a schema to functions that make values which fit it.

In: a ``SchemaNode``. Out: one ``Make`` for each property, chosen once by enum, format, the property's name and type.
They draw everything from a ``Draw``, so that the same seed makes the same values.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from syncflow.compiler.types.fitting import NOT_BLANK
from syncflow.compiler.types.made_texts import texts_of_node as made_texts
from syncflow.config.models.schema import SchemaNode
from syncflow.errors import ProjectError
from syncflow.events import Item, Json
from syncflow.sources.texts import EXACT, TEXTS, Draw, email, role_of, short_email, some_words, uuid, words_of

_DEEPEST = 8
"""A schema that refers to itself is followed so far; what is optional below is left out."""

_ABSENT_SHARE = 0.1
_NULL_SHARE = 0.05

Make: TypeAlias = Callable[[Draw], Json]


@dataclass(frozen=True, slots=True)
class Property:
    """One property of an object: how its value is made, and how often it is absent or null."""

    name: str
    make: Make
    absent_share: float
    null_share: float
    role: str
    """``identity``, ``touched`` (changes with every update), or what the heuristics took it for."""
    choices: tuple[Json, ...] = ()


def properties_of(node: SchemaNode, *, root: SchemaNode, depth: int = 0, identity: str = "") -> tuple[Property, ...]:
    """Return the properties of an object's schema in its order.

    Raises:
        ProjectError: a required property has a pattern and no examples, so nothing can be made for it.
    """
    found = []
    for name, declared in node.properties.items():
        required = name in node.required or name == identity
        part = _resolved(declared, root)
        if not required and (depth >= _DEEPEST or _is_unmakeable(part)):
            continue
        found.append(_property(name, part, root=root, depth=depth, required=required, identity=name == identity))
    return tuple(found)


def identity_of(node: SchemaNode) -> str:
    """Return the property that most likely identifies a record, empty if none looks like it."""
    names = list(node.properties)
    likely = [name for name in names if words_of(name) == "id"]
    likely += [name for name in names if re.search(r"(^|_)(id|uuid|key)$", words_of(name))]
    likely += [name for name in node.required if name in node.properties and not node.properties[name].enum]
    return likely[0] if likely else ""


def _property(name: str, node: SchemaNode, *, root: SchemaNode, depth: int, required: bool, identity: bool) -> Property:
    role = "identity" if identity else _role(name, node)
    stable = required or role in {"touched", "made"}
    choices = tuple(value for value in node.enum or () if value is not None)
    return Property(
        name=name,
        make=_identity(name, node, root=root) if identity else _maker(name, node, root=root, depth=depth),
        absent_share=0.0 if stable else _ABSENT_SHARE,
        null_share=_NULL_SHARE if _is_nullable(node) and not identity else 0.0,
        role=role,
        choices=choices,
    )


def make_item(properties: Sequence[Property], draw: Draw) -> Item:
    """Return one object."""
    item: Item = {}
    random = draw.random
    for entry in properties:
        if entry.absent_share and random() < entry.absent_share:
            continue
        item[entry.name] = None if entry.null_share and random() < entry.null_share else entry.make(draw)
    return item


# ── what a schema asks for


def _resolved(node: SchemaNode, root: SchemaNode) -> SchemaNode:
    for _ in range(_DEEPEST):
        if node.ref is not None:
            node = _referred(node.ref, root)
        elif node.any_of:
            node = next((one for one in node.any_of if one.type != "null"), node.any_of[0])
        else:
            # What is made up is never blank, nor does it begin or end so.
            return node if node.pattern not in NOT_BLANK else node.model_copy(update={"pattern": None})
    raise ProjectError("the schema's $ref lead in a circle", hint="let one of them name a type")


def _referred(ref: str, root: SchemaNode) -> SchemaNode:
    name = ref.removeprefix("#/$defs/")
    if name not in root.defs:
        raise ProjectError(f"$ref: {ref} leads nowhere", hint="write #/$defs/NAME, and NAME under $defs:")
    return root.defs[name]


def _is_nullable(node: SchemaNode) -> bool:
    return node.type == "null" or (isinstance(node.type, tuple) and "null" in node.type and len(node.type) > 1)


def _is_unmakeable(node: SchemaNode) -> bool:
    return node.pattern is not None and not node.examples and node.enum is None and made_texts(node) is None


def _type(node: SchemaNode) -> str:
    kinds = (node.type,) if isinstance(node.type, str) else node.type or ()
    named = next((kind for kind in kinds if kind != "null"), None)
    if named is not None or kinds:
        return named or "null"
    if node.properties:
        return "object"
    if node.items is not None:
        return "array"
    return "number" if node.minimum is not None or node.maximum is not None else "string"


def _role(name: str, node: SchemaNode) -> str:
    if node.enum is not None or _type(node) != "string":
        return ""
    named = role_of(name)
    if (node.format or "").startswith("date-time"):
        return "touched" if named == "touched" else "made"
    if node.format is not None:
        return node.format
    return named


# ── makers


def _maker(name: str, node: SchemaNode, *, root: SchemaNode, depth: int) -> Make:
    if "const" in node.model_fields_set:
        return lambda draw: node.const
    choices = tuple(value for value in node.enum or () if value is not None)
    if node.enum is not None or (node.examples and node.pattern is not None and made_texts(node) is None):
        choices = choices or tuple(node.examples) or (None,)
        return lambda draw: choices[int(draw.random() * len(choices))]
    if _is_unmakeable(node):
        raise ProjectError(
            f"source.generate cannot invent values for {name!r}, whose schema has a pattern that is not understood",
            hint=f"list some under examples: of {name!r} in the schema",
        )
    kind = _type(node)
    if depth > 2 * _DEEPEST:
        raise ProjectError(f"source.generate cannot invent values for {name!r}: its schema requires itself without end")
    if kind == "object":
        parts = properties_of(node, root=root, depth=depth + 1)
        return lambda draw: make_item(parts, draw)
    if kind == "array":
        return _array(name, node, root=root, depth=depth)
    return _scalar(kind, name, node)


def _array(name: str, node: SchemaNode, *, root: SchemaNode, depth: int) -> Make:
    if node.items is None or depth >= _DEEPEST:
        return lambda draw: []
    entry = _maker(name, _resolved(node.items, root), root=root, depth=depth + 1)
    return lambda draw: [entry(draw) for _ in range(int(draw.random() * 4))]


def _scalar(kind: str, name: str, node: SchemaNode) -> Make:
    if kind == "null":
        return lambda draw: None
    if kind == "boolean":
        return lambda draw: draw.random() < 0.5
    if kind == "integer":
        lowest, highest = _bounds(node)
        first, last = math.ceil(lowest), math.floor(highest)
        return lambda draw: first + int(draw.random() * (last - first + 1))
    if kind == "number":
        least, most = _bounds(node)
        return lambda draw: min(most, max(least, round(least + draw.random() * (most - least), 2)))
    if node.pattern is not None:
        return _of_pattern(node)
    return _fitted(TEXTS.get(node.format or "") or TEXTS.get(_role(name, node), some_words), node)


def _bounds(node: SchemaNode) -> tuple[float, float]:
    below_zero = node.maximum is not None and node.maximum < 0
    low = node.minimum if node.minimum is not None else (node.maximum or 0) - 1000 if below_zero else 0
    return low, node.maximum if node.maximum is not None else low + 1000


def _fitted(make: Callable[[Draw], str], node: SchemaNode) -> Make:
    """Shorten what is only words; a value with a format is short anyway, and a cut would break it."""
    shortest, longest = node.min_length or 0, node.max_length
    if make is email:
        return make if longest is None else lambda draw: short_email(draw, longest=longest)
    if (node.format and make in EXACT) or (shortest <= 1 and (longest is None or longest >= 100)):
        return make

    def fitted(draw: Draw) -> str:
        text = make(draw)
        while len(text) < shortest:
            text = f"{text} {some_words(draw)}"
        return text[:longest] if not text[:longest].endswith(" ") else f"{text[:longest][:-1]}x"

    return fitted


def _of_pattern(node: SchemaNode) -> Make:
    texts = made_texts(node)
    assert texts is not None, "asked before"
    return lambda draw: texts.text(int(draw.random() * texts.size))


def _identity(name: str, node: SchemaNode, *, root: SchemaNode) -> Make:
    """Return what makes a new value for each record, as far as the schema has so many."""
    if _type(node) in {"integer", "number"}:
        low = math.ceil(node.minimum or 0) if node.maximum is None or node.maximum > 0 else math.ceil(_bounds(node)[0])
        span = None if node.maximum is None else max(1, math.floor(node.maximum) - low + 1)
        return lambda draw: low + (draw.serial if span is None else draw.serial % span)
    if node.pattern is not None and (texts := made_texts(node)) is not None:
        return lambda draw: texts.text(draw.serial)
    if node.enum is not None or node.pattern is not None or "const" in node.model_fields_set:
        return _maker(name, node, root=root, depth=0)
    if node.format == "uuid":
        return uuid
    if node.format in TEXTS:
        return _scalar("string", name, node)
    longest = node.max_length or 255
    shortest = node.min_length or 0
    return lambda draw: f"A{1000 + draw.serial:0{max(0, shortest - 1)}d}"[-longest:]
