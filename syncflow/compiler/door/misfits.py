"""What does not fit a schema, in plain words: pydantic's errors, sorted by their place in the item, without its values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError

from syncflow.compiler.values import kind_of


class Misfit(NamedTuple):
    """One way in which an item does not fit. ``path`` starts at the item; nothing here quotes its values."""

    path: str
    code: str
    message: str


_EXPECTED = {
    "none_required": "null",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
}
_BROKEN: dict[str, tuple[str, str]] = {
    "missing": ("missing", "is missing"),
    "extra_forbidden": ("unknown_field", "is not a field of the schema"),
    "string_too_short": ("length", "is shorter than {min_length} characters"),
    "string_too_long": ("length", "is longer than {max_length} characters"),
    "greater_than_equal": ("range", "is less than {ge}"),
    "less_than_equal": ("range", "is more than {le}"),
}


def explain(error: ValidationError, item: Any) -> list[Misfit]:
    """Sort pydantic's errors by place; at one place, what is wrong with a right type outweighs wrong types."""
    places: dict[str, tuple[Any, list[Any]]] = {}
    for entry in error.errors(include_url=False, include_input=False):
        path, value = _follow(entry, item)
        places.setdefault(path, (value, []))[1].append(entry)
    return [
        misfit
        for path, (value, entries) in places.items()
        if not (_only_types(entries) and _holds_another(path, places))
        for misfit in _of_place(path, entries, value)
    ]


def _only_types(entries: Sequence[Any]) -> bool:
    return all(entry["type"] in _EXPECTED for entry in entries)


def _holds_another(path: str, places: Mapping[str, Any]) -> bool:
    """Return whether something inside is wrong: then one of several types did fit here."""
    return any(other.startswith((f"{path}.", f"{path}[")) for other in places)


def _of_place(path: str, entries: Sequence[Any], value: Any) -> list[Misfit]:
    precise = [entry for entry in entries if entry["type"] not in _EXPECTED]
    if not precise:
        kinds = dict.fromkeys(_EXPECTED[entry["type"]] for entry in entries)
        expected = " or ".join(kind for kind in kinds if kind != "a whole number" or "a number" not in kinds)
        return [Misfit(path, "type", f"expected {expected}, found {kind_of(value)}")]
    found = [misfit for entry in precise for misfit in _of_entry(path, entry)]
    return list(dict.fromkeys(found))


def _of_entry(path: str, entry: Any) -> list[Misfit]:
    kind, context = entry["type"], entry.get("ctx") or {}
    if kind == "reference":
        return [misfit._replace(path=_joined(path, misfit.path)) for misfit in context["inner"]]
    if kind == "literal_error":
        return [Misfit(path, "options", f"is not one of {context['expected']}")]
    if kind in _BROKEN:
        code, words = _BROKEN[kind]
        return [Misfit(path, code, words.format_map(context))]
    return [Misfit(path, kind, context.get("words", "does not fit"))]


def _joined(outer: str, inner: str) -> str:
    return inner if not outer else outer + inner if inner.startswith("[") else f"{outer}.{inner}" if inner else outer


def _follow(entry: Any, item: Any) -> tuple[str, Any]:
    """Return the path of an error and the value there, without the names that pydantic gives to members of a union."""
    path, location = "", entry["loc"]
    for position, part in enumerate(location):
        missing = entry["type"] == "missing" and position == len(location) - 1
        if isinstance(item, dict) and (part in item or missing):
            path, item = _joined(path, str(part)), item.get(part)
        elif isinstance(item, list) and isinstance(part, int):
            path, item = f"{path}[{part}]", item[part]
    return path, item
