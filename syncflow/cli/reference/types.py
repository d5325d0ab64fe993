"""The type of a key in words, told from the JSON Schema that editors use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

_MEASURES = {"(ms|s|m|h|d)": "duration", "(B|kB|KB|MB|GB|KiB|MiB|GiB)": "size"}
_WORDS = {"integer": "integer", "number": "number", "boolean": "true or false", "null": "null", "object": "mapping"}
_PLURALS = {word: f"{word}s" for word in ("mapping", "name", "duration", "size", "rate", "integer", "number", "value")}


def in_words(schema: Any) -> str:
    """Return a type as a person says it: ``duration``, ``list of text``, ``one of `a`, `b` ``."""
    if not isinstance(schema, Mapping) or not schema:
        return "anything"
    if "anyOf" in schema:
        return _either(schema)
    if "enum" in schema:
        return "one of " + ", ".join(f"`{_spelled(value)}`" for value in schema["enum"] if value is not None)
    if "$ref" in schema:
        return "mapping"
    return _typed(schema)


def _typed(schema: Schema) -> str:
    kind = schema.get("type")
    if kind == "array":
        return f"list of {_plural(in_words(schema.get('items')))}"
    if kind == "object":
        return _mapping(schema)
    if kind == "string" or isinstance(kind, list):
        return _patterned(schema["pattern"]) if kind == "string" and "pattern" in schema else "text"
    return _WORDS.get(str(kind), "anything") + _bounds(schema)


def parts_of(schema: Any) -> list[tuple[str, str]]:
    """Return the models that a type leads to, each with how a path goes on to it: ``""``, ``[]`` or ``.NAME``."""
    if not isinstance(schema, Mapping):
        return []
    if "$ref" in schema:
        return [("", schema["$ref"].removeprefix("#/$defs/"))]
    found = [step for choice in schema.get("anyOf", ()) for step in parts_of(choice)]
    if schema.get("type") == "array":
        found += [(f"[]{end}", model) for end, model in parts_of(schema.get("items"))]
    if schema.get("type") == "object":
        found += [(f".NAME{end}", model) for end, model in parts_of(schema.get("additionalProperties"))]
    return list(dict.fromkeys(found))


def _either(schema: Schema) -> str:
    choices = [choice for choice in schema["anyOf"] if not _is_variable(choice) and choice.get("type") != "null"]
    words = list(dict.fromkeys(in_words({**choice, **_own_bounds(schema)}) for choice in choices))
    return " or ".join(words) or "anything"


def _own_bounds(schema: Schema) -> dict[str, Any]:
    return {name: schema[name] for name in ("minimum", "maximum") if name in schema}


def _is_variable(schema: Schema) -> bool:
    return schema.get("pattern") == r"\$\{"


def _mapping(schema: Schema) -> str:
    values = schema.get("additionalProperties")
    names = schema.get("propertyNames", {}).get("enum")
    if names:
        return "mapping of " + ", ".join(f"`{name}`" for name in names) + f" to {in_words(values)}"
    return f"mapping of names to {_plural(in_words(values))}" if values and values is not True else "mapping"


def _plural(words: str) -> str:
    first, _, rest = words.partition(" ")
    return f"{_PLURALS.get(first, first)} {rest}".rstrip()


def _patterned(pattern: str) -> str:
    if pattern.count("(ms|s|m|h|d)") and "/" in pattern:
        return "rate"
    for units, word in _MEASURES.items():
        if units in pattern:
            return word
    return "name" if pattern.startswith("^[A-Za-z_]") else "text"


def _bounds(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f" from {low} to {high}"
    if low is not None:
        return f" ({low} or more)"
    return f" ({high} at most)" if high is not None else ""


def _spelled(value: Any) -> str:
    return {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)
