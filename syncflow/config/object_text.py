"""Write an object file: what was pulled from a system, as YAML that the loader reads back to the same model."""

from __future__ import annotations

import json
from collections.abc import Mapping

from syncflow.config.models.schema import ObjectField
from syncflow.patterns import lazy_pattern

_PLAIN = lazy_pattern(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_WORDS = frozenset({"null", "true", "false"})


def object_text(name: str, fields: Mapping[str, ObjectField], *, comment: str) -> str:
    """Return the text of an object file, a line for each field in the order given; defaults are left out."""
    lines = [f"# {comment}", f"object: {_quoted(name)}", "fields:"]
    return "\n".join([*lines, *(f"  {_quoted(field)}: {_traits(traits)}" for field, traits in fields.items())]) + "\n"


def _traits(field: ObjectField) -> str:
    told = {"type": field.type, **field.model_dump(exclude_defaults=True)}
    return "{" + ", ".join(f"{name}: {_value(value)}" for name, value in told.items()) + "}"


def _value(value: object) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _quoted(text: str) -> str:
    return text if _PLAIN.match(text) and text not in _WORDS else json.dumps(text, ensure_ascii=False)
