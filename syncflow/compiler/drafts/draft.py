"""What was seen of values → a draft of their schema.

A draft admits every value that it was made of. Types, formats and what is required are what was seen; lists of values, lengths and what is
personal are guesses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from typing import Final

from syncflow.compiler.drafts.observed import Fields, Observed, Texts
from syncflow.compiler.drafts.personal import SHAPES, is_code, is_day, is_name_of_a_person, is_personal_name
from syncflow.compiler.types.formats import FORMATS
from syncflow.events import Json
from syncflow.frozen import value_class

_LEAST_FOR_A_LIST: Final = 50
"""Texts that must have been seen before their values are taken for all there are."""
_LENGTHS: Final = (10, 20, 40, 80, 160, 255, 500, 1000, 2000, 4000)
_MOST_NAMES_OF_A_MAP: Final = 20
_LEAST_SHARE: Final = 0.2
_MOSTLY: Final = 0.9

_MOMENTS: Final = ("date", "date-time-zoned", "date-time-local", "date-time", "time")
_FORMATS: Final = ("uuid", "email", "e164", "uri")


@value_class
class Draft:
    """One node of a schema. ``notes``: what a comment says of a word; under ``""`` what it says of the whole."""

    types: tuple[str, ...] = ()
    """Empty: any value."""
    words: Mapping[str, Json] = field(default_factory=dict)
    """Other words that are scalars or lists: format, enum, maxLength, description …"""
    notes: Mapping[str, str] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    properties: Mapping[str, Draft] = field(default_factory=dict)
    items: Draft | None = None
    others: Draft | None = None
    """What properties are that are not listed."""
    is_personal: bool = False

    @property
    def is_nullable(self) -> bool:
        return not self.types or "null" in self.types


@value_class
class Reading:
    """How values come: ``cells`` are texts whose type the schema decides, with ``point`` before the fraction of a number. ``id`` is the
    property by which records are known."""

    cells: bool = False
    point: str = "."
    id: str = "id"


def draft_of(seen: Observed, *, reading: Reading | None = None) -> Draft:
    """Return the draft of a schema of the objects that were seen."""
    return _Drafting(reading or Reading()).draft(seen, name="", beside=(), is_personal=False)


class _Drafting:
    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def draft(self, seen: Observed, *, name: str, beside: Sequence[str], is_personal: bool) -> Draft:
        """``is_personal``: it lies within what is personal."""
        if seen.count == seen.nulls:
            return Draft(notes={"": "only null was seen: any value" if seen.count else "no value was seen: any value"})
        own = "" if is_personal or not name else _why_personal(seen, name, beside)
        personal = is_personal or bool(own)
        text = _Text((), {}, {})
        if seen.texts is not None:
            text = self._text(seen.texts, name=name, is_personal=personal, alone=_is_all_text(seen))
        types = [*text.types, *_types(seen)]
        if (seen.nulls or text.is_nullable) and "null" not in types:
            types.append("null")
        words, notes = dict(text.words), dict(text.notes)
        if isinstance(words.get("enum"), list) and "null" in types:
            words["enum"] = [*words["enum"], None]  # type: ignore[misc]  # it is a list
        if own:
            notes["personal"] = own
        if not notes.get("") and seen.numbers and not seen.integers and text.types == ():
            notes.pop("", None)
        found = Draft(types=tuple(dict.fromkeys(types)), words=words, notes=notes, is_personal=bool(own))
        return self._nested(seen, found, name=name, is_personal=personal)

    def _nested(self, seen: Observed, draft: Draft, *, name: str, is_personal: bool) -> Draft:
        if seen.arrays:
            if seen.items is None:
                draft = replace(draft, notes={**draft.notes, "": "no element was seen"})
            else:
                draft = replace(draft, items=self.draft(seen.items, name="", beside=(), is_personal=is_personal))
        if seen.objects is not None:
            draft = self._object(seen.objects, draft, is_top=not name, is_personal=is_personal)
        return draft

    def _object(self, fields: Fields, draft: Draft, *, is_top: bool, is_personal: bool) -> Draft:
        known, others = fields.known, fields.others
        if not is_top and _looks_like_a_map(fields):
            others = Observed() if others is None else others
            for each in known.values():
                others.add_all(each)
            known = {}
        names = tuple(known)
        properties = {
            name: self.draft(each, name=name, beside=names, is_personal=is_personal) for name, each in known.items()
        }
        if is_top and self._reading.id in properties:
            properties[self._reading.id] = _never_blank(properties[self._reading.id], known[self._reading.id])
        inner = None
        if others is not None and not fields.is_open:
            inner = self.draft(others, name="", beside=(), is_personal=is_personal)
        required = tuple(
            name for name, each in known.items() if each.count == fields.count and not properties[name].is_nullable
        )
        notes = dict(draft.notes)
        if others is not None:
            notes["additionalProperties"] = (
                "names that look like data are not listed" if known else "a map: its names are data"
            )
        return replace(draft, required=required, properties=properties, others=inner, notes=notes)

    # ── texts

    def _text(self, texts: Texts, *, name: str, is_personal: bool, alone: bool) -> _Text:
        """``alone``: no other type was seen, but null."""
        if self._reading.cells and alone and (typed := self._cell(texts, name=name)) is not None:
            return typed
        if alone and (formatted := _format_of(texts, name=name)) is not None:
            return formatted
        found = _Text(("string",), {}, {})
        listed = _list_of(texts) if alone and not is_personal and not is_code(name) else None
        if listed is not None:
            found.words["enum"] = list(listed)
            found.notes["enum"] = f"guess: no others among {texts.count:,} texts"
        else:
            _add_lengths(found, texts)
        note = _note_of(texts, cells=self._reading.cells)
        if note:
            found.notes[""] = note
        return found

    def _cell(self, texts: Texts, *, name: str) -> _Text | None:
        number = "number" if self._reading.point == "." else "number,"
        if is_code(name) or (is_day(name) and texts.is_all("digits of a day")):
            return None
        if texts.is_all("integer"):
            note = (
                {"": "only 0 and 1 were seen: perhaps `type: boolean`"} if set(texts.values or "") == {"0", "1"} else {}
            )
            return _Text(("integer",), {}, note)
        if texts.is_all(number):
            return _Text(("number",), {}, {})
        return None


def _never_blank(draft: Draft, seen: Observed) -> Draft:
    """Say of an id that it is never blank, where it never was: what is blank identifies nothing."""
    is_text = draft.types == ("string",) and not {"format", "enum"} & draft.words.keys()
    if not is_text or seen.texts is None or seen.texts.blanks:
        return draft
    return replace(draft, words={**draft.words, "pattern": r"\S"})


class _Text:
    """What the texts of a place come to."""

    __slots__ = ("is_nullable", "notes", "types", "words")

    def __init__(
        self, types: tuple[str, ...], words: dict[str, Json], notes: dict[str, str], *, is_nullable: bool = False
    ) -> None:
        self.types = types
        self.words = words
        self.notes = notes
        self.is_nullable = is_nullable


def _is_all_text(seen: Observed) -> bool:
    return seen.texts is not None and seen.texts.count + seen.nulls == seen.count


def _types(seen: Observed) -> list[str]:
    found = []
    if seen.numbers:
        found.append("number")
    elif seen.integers:
        found.append("integer")
    found += [name for name, count in (("boolean", seen.booleans), ("array", seen.arrays)) if count]
    return [*found, "object"] if seen.objects is not None else found


def _why_personal(seen: Observed, name: str, beside: Sequence[str]) -> str:
    """Return why a property is taken for personal; empty where it is not."""
    if seen.texts is None and not seen.arrays and seen.objects is None and not (seen.integers or seen.numbers):
        return ""
    texts = seen.texts if seen.texts is not None else seen.items.texts if seen.items is not None else None
    if texts is not None:
        shape = next((words for kind, words in SHAPES.items() if texts.is_all(kind)), "")
        if not shape and texts.emails > texts.count / 2:
            shape = SHAPES["email"]
        if shape:
            return f"guess: its values look like {shape}"
    if is_personal_name(name):
        return "guess: by its name"
    if is_name_of_a_person(name, [other for other in beside if other != name]):
        return "guess: by its name, beside others of a person"
    return ""


def _format_of(texts: Texts, *, name: str) -> _Text | None:
    found = next((form for form in (*_MOMENTS, *_FORMATS) if texts.is_all(form)), None)
    if found is None and is_day(name) and texts.is_all("digits of a day"):
        found = "date"
    if found is None and texts.is_all("fraction"):
        note = {"": "numbers as text; every digit counts"}
        return _Text(("string",), {"format": "decimal"}, note)
    if found is None:
        return None
    return _Text(
        ("string",), {"format": found}, {}, is_nullable=bool(texts.nothings) and FORMATS[found].read is not None
    )


def _list_of(texts: Texts) -> Sequence[str] | None:
    """Return all values of texts that seem to be of a list: a value that was seen only once says that there are others."""
    values = texts.values
    if values is None or len(values) < 2 or texts.count < _LEAST_FOR_A_LIST or 1 in values.values():
        return None
    if any(texts.is_all(kind) for kind in ("integer", "number", "number,", "boolean", "digits")):
        return None
    is_odd = any("@" in text or text.strip() != text or not text.isprintable() for text in values)
    return None if is_odd else sorted(values)


def _add_lengths(found: _Text, texts: Texts) -> None:
    if texts.shortest:
        found.words["minLength"] = 1
    bound = next((length for length in _LENGTHS if length >= 2 * texts.longest), None)
    if bound is None:
        found.notes["minLength" if texts.shortest else ""] = (
            f"the longest seen has {texts.longest:,} characters: no bound is guessed"
        )
        return
    found.words["maxLength"] = bound
    found.notes["maxLength"] = f"guess: the longest seen has {texts.longest:,}"


def _note_of(texts: Texts, *, cells: bool) -> str:
    if texts.is_all("boolean"):
        return (
            "yes and no as text; `type: boolean` reads them"
            if cells
            else "yes and no as text; `format: boolean` reads them"
        )
    if texts.is_all("digits") or texts.is_all("integer"):
        return "digits, kept as text"
    if texts.emails / texts.count >= _MOSTLY and texts.emails >= 2:
        return f"{texts.emails:,} of {texts.count:,} look like e-mail addresses, not all: no format"
    return ""


def _looks_like_a_map(fields: Fields) -> bool:
    """Return whether the names of properties are rather data: many of them, and each object has only few."""
    if fields.is_map or len(fields.known) < _MOST_NAMES_OF_A_MAP or fields.is_open:
        return False
    shares = sum(each.count for each in fields.known.values()) / len(fields.known)
    return shares <= _LEAST_SHARE * fields.count
