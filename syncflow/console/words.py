"""Values as pages and the API write them: times, lengths of time, numbers, links, and what is hidden of a record. Pure."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

from syncflow.runtime.desk.masking import masked_row

_TIMES = frozenset({"since", "until"})
_BODIES = frozenset({"raw", "payload", "body"})


def moment(seconds: float | None) -> str:
    """Return wall seconds as a person reads them, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S") if seconds else ""


def iso(seconds: float | None) -> str:
    """Return wall seconds as a program reads them."""
    if not seconds:
        return ""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def span(seconds: float) -> str:
    """Return a length of time in its largest unit."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def number(value: float | None) -> str:
    """Return a number with its thousands apart."""
    return "" if value is None else f"{value:,.0f}"


def state(name: str) -> str:
    """Return the name of a state as a person reads it."""
    return name.replace("_", " ")


def link(path: str, /, **query: object) -> str:
    """Return a path with its query; what is empty is left out."""
    told = {name: str(value) for name, value in query.items() if value not in ("", None)}
    return f"{path}?{urlencode(told)}" if told else path


def segment(text: object) -> str:
    """Return a text as one segment of a path."""
    return quote(str(text), safe="")


def pretty(text: str | None) -> str:
    """Return JSON over several lines, any other text as it is."""
    if not text:
        return ""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except ValueError:
        return text


def for_programs(value: Any) -> Any:
    """Return an answer as JSON values: times as ISO 8601, bodies as JSON where they are JSON."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        found = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
        return for_programs(found)
    if isinstance(value, Mapping):
        return {str(name): _for_programs(str(name), each) for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [for_programs(each) for each in value]
    return value


def _for_programs(name: str, value: Any) -> Any:
    if isinstance(value, int | float) and (name in _TIMES or name == "at" or name.endswith("_at")):
        return iso(value) or None
    if name in _BODIES and isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return for_programs(value)


def hidden_letter(letter: dict[str, Any]) -> dict[str, Any]:
    """Return a dead letter without the record's data and without the vendor's words, which may repeat them."""
    names = ("raw", "payload", "body", "reason") if letter["stage"] == "delivery" else ("raw", "payload", "body")
    return masked_row(letter, *names) | {"tries": [masked_row(row, "message") for row in letter["tries"]]}


def hidden_delivery(row: dict[str, Any]) -> dict[str, Any]:
    """Return a delivery without the record's data and without the vendor's words."""
    return masked_row(row, "payload", "message", "key_value") | {
        "tries": [masked_row(each, "message") for each in row["tries"]],
        "dead_letters": [masked_row(each, "reason") for each in row["dead_letters"]],
    }


def hidden_trail(known: dict[str, Any]) -> dict[str, Any]:
    """Return what became of a record without its data and without the vendors' words; ids, codes and times stay."""
    names = {
        "events": ("raw",),
        "deliveries": ("payload", "message", "key_value"),
        "attempts": ("message",),
        "dead_letters": ("reason",),
        "presence": ("key_value",),
    }
    return known | {part: [masked_row(row, *hide) for row in known[part]] for part, hide in names.items()}


def form(body: bytes) -> dict[str, str]:
    """Return the fields of a form that was sent; of a name that is there twice the last."""
    fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=2_000)
    return {name: found[-1] for name, found in fields.items()}
