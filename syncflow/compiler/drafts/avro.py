"""An Avro schema of a record → a draft of its JSON, as sources write Avro's values: bytes in base64, times in ISO 8601.

A record that is used twice is written twice; where one holds itself, it is left open the second time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from syncflow.compiler.drafts.declared import decimal_draft
from syncflow.compiler.drafts.draft import Draft
from syncflow.compiler.drafts.personal import is_name_of_a_person, is_personal_name

_PRIMITIVES: Final = {
    "null": "null", "boolean": "boolean", "int": "integer", "long": "integer", "float": "number", "double": "number", "string": "string",
}  # fmt: skip
_MOMENTS: Final = {
    "date": "date",
    "time-millis": "time",
    "time-micros": "time",
    "timestamp-millis": "date-time-zoned",
    "timestamp-micros": "date-time-zoned",
    "timestamp-nanos": "date-time-zoned",
    "local-timestamp-millis": "date-time-local",
    "local-timestamp-micros": "date-time-local",
    "local-timestamp-nanos": "date-time-local",
}
_NAMED: Final = frozenset(("record", "error", "enum", "fixed"))
_MOST_NODES: Final = 5000
_LONGEST_DOC: Final = 200


class AvroError(ValueError):
    """It is no Avro schema of a record; the words say where and why."""


def draft_of_avro(schema: Any) -> tuple[str, Draft]:
    """Return the name and the draft of a record; of a list of schemas of the last record in it.

    Raises:
        AvroError: there is no record, or a part of it is no Avro.
    """
    reader = _Reader()
    reader.learn(schema, "")
    for each in reversed(schema if isinstance(schema, list) else [schema]):
        if isinstance(each, dict) and each.get("type") in {"record", "error"}:
            name = str(each.get("name", ""))
            return name, reader.draft(each, namespace="", place=name, within=())
    raise AvroError("it describes no record")


class _Reader:
    def __init__(self) -> None:
        self._named: dict[str, tuple[Mapping[str, Any], str]] = {}
        """Full name → type, and the namespace around it."""
        self._nodes = 0

    def learn(self, schema: Any, namespace: str) -> None:
        """Note every type that has a name."""
        waiting = [(schema, namespace)]
        while waiting:
            each, namespace = waiting.pop()
            if isinstance(each, list):
                waiting += [(one, namespace) for one in each]
            elif isinstance(each, dict):
                if each.get("type") in _NAMED and isinstance(each.get("name"), str):
                    full = _full_name(each, namespace)
                    self._named.setdefault(full, (each, namespace))
                    namespace = full.rpartition(".")[0]
                waiting += [(inner, namespace) for inner in _inner(each)]

    def draft(self, schema: Any, *, namespace: str, place: str, within: tuple[str, ...]) -> Draft:
        """``within``: the full names of the records around it."""
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            return Draft(notes={"": "not described further"})
        if isinstance(schema, list):
            return self._union(schema, namespace=namespace, place=place, within=within)
        if isinstance(schema, str):
            return self._by_name(schema, namespace=namespace, place=place, within=within)
        if not isinstance(schema, dict) or "type" not in schema:
            raise AvroError(f"the type of {place} is neither a name nor an object with a `type`")
        if isinstance(schema["type"], str):
            return self._by_kind(schema, schema["type"], namespace=namespace, place=place, within=within)
        return self.draft(schema["type"], namespace=namespace, place=place, within=within)

    def _by_kind(
        self, schema: Mapping[str, Any], kind: str, *, namespace: str, place: str, within: tuple[str, ...]
    ) -> Draft:
        match kind:
            case "record" | "error":
                return self._record(schema, namespace=namespace, place=place, within=within)
            case "enum":
                return _described(Draft(types=("string",), words={"enum": _symbols(schema, place)}), schema)
            case "array":
                items = self.draft(schema.get("items"), namespace=namespace, place=f"{place}[]", within=within)
                return Draft(types=("array",), items=items)
            case "map":
                values = self.draft(schema.get("values"), namespace=namespace, place=f"{place}{{}}", within=within)
                return Draft(types=("object",), others=values, notes={"additionalProperties": "a map"})
        return _logical(schema) or self._by_name(kind, namespace=namespace, place=place, within=within)

    def _by_name(self, name: str, *, namespace: str, place: str, within: tuple[str, ...]) -> Draft:
        if name in _PRIMITIVES:
            return Draft(types=(_PRIMITIVES[name],))
        if name in {"bytes", "fixed"}:
            return Draft(types=("string",), notes={"": "bytes, in base64"})
        for full in (f"{namespace}.{name}" if namespace and "." not in name else name, name):
            if full in self._named:
                if full in within:
                    return Draft(
                        types=("object",), notes={"": f"again {name.rpartition('.')[2]}, not described further"}
                    )
                schema, around = self._named[full]
                return self.draft(schema, namespace=around, place=place, within=within)
        raise AvroError(f"the type {name!r} of {place} is not known")

    def _record(self, schema: Mapping[str, Any], *, namespace: str, place: str, within: tuple[str, ...]) -> Draft:
        fields = schema.get("fields")
        if not isinstance(fields, list) or not all(
            isinstance(each, dict) and isinstance(each.get("name"), str) for each in fields
        ):
            raise AvroError(f"the record {place} has no list of `fields` with a `name` each")
        full = _full_name(schema, namespace)
        inner, names = full.rpartition(".")[0], [each["name"] for each in fields]
        properties = {}
        for each in fields:
            name = each["name"]
            found = self.draft(each.get("type"), namespace=inner, place=f"{place}.{name}", within=(*within, full))
            properties[name] = _guessed(_described(found, each), name, [other for other in names if other != name])
        required = tuple(name for name, each in properties.items() if not each.is_nullable)
        return _described(Draft(types=("object",), required=required, properties=properties), schema)

    def _union(self, members: list[Any], *, namespace: str, place: str, within: tuple[str, ...]) -> Draft:
        drafts = [
            self.draft(each, namespace=namespace, place=place, within=within)
            for each in members
            if each not in ("null", {"type": "null"})
        ]
        if not drafts:
            return Draft(types=("null",))
        if len(drafts) == 1:
            found = drafts[0]
        else:
            types = tuple(dict.fromkeys(kind for each in drafts for kind in each.types))
            is_open = any(not each.types for each in drafts)
            found = (
                Draft(notes={"": "a union: any value"})
                if is_open
                else Draft(types=types, notes={"": "a union, not described further"})
            )
        return _or_null(found) if len(drafts) < len(members) else found


def _inner(schema: Mapping[str, Any]) -> Iterator[Any]:
    kind = schema.get("type")
    if isinstance(kind, dict | list):
        yield kind
    yield from (schema[name] for name in ("items", "values") if name in schema)
    fields = schema.get("fields")
    if isinstance(fields, list):
        yield from (each["type"] for each in fields if isinstance(each, dict) and "type" in each)


def _full_name(schema: Mapping[str, Any], namespace: str) -> str:
    name = str(schema.get("name", ""))
    around = schema.get("namespace", namespace)
    return name if "." in name or not around else f"{around}.{name}"


def _symbols(schema: Mapping[str, Any], place: str) -> list[Any]:
    symbols = schema.get("symbols")
    if not isinstance(symbols, list) or not symbols or not all(isinstance(each, str) for each in symbols):
        raise AvroError(f"the enum of {place} has no list of `symbols`")
    return list(symbols)


def _logical(schema: Mapping[str, Any]) -> Draft | None:
    name, kind = schema.get("logicalType"), schema["type"]
    if kind in {"int", "long"} and isinstance(name, str) and name in _MOMENTS:
        return Draft(types=("string",), words={"format": _MOMENTS[name]})
    if name == "uuid" and kind == "string":
        return Draft(types=("string",), words={"format": "uuid"})
    digits, fraction = schema.get("precision"), schema.get("scale", 0)
    if name == "decimal" and kind in {"bytes", "fixed"} and type(digits) is int and type(fraction) is int:
        return decimal_draft(digits, fraction)
    return None


def _described(draft: Draft, schema: Mapping[str, Any]) -> Draft:
    doc = schema.get("doc")
    if not isinstance(doc, str) or not doc.strip() or not draft.types:
        return draft
    return replace(
        draft,
        words={
            "description": " ".join(doc.split())[:_LONGEST_DOC],
            **{k: v for k, v in draft.words.items() if k != "description"},
        },
    )


def _guessed(draft: Draft, name: str, beside: list[str]) -> Draft:
    if draft.types in {("boolean",), ("boolean", "null")} or not (
        is_personal_name(name) or is_name_of_a_person(name, beside)
    ):
        return draft
    return replace(draft, is_personal=True, notes={**draft.notes, "personal": "guess: by its name"})


def _or_null(draft: Draft) -> Draft:
    if draft.is_nullable:
        return draft
    words = dict(draft.words)
    if isinstance(listed := words.get("enum"), list):
        words["enum"] = [*listed, None]
    return replace(draft, types=(*draft.types, "null"), words=words)
