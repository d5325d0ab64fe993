"""Columns as a database declares them, and what was seen of their values → a draft.

What is declared is certain: types, lengths, enums, what may be null. What was seen adds guesses (a format of plain text, what is personal),
and has the last word where values contradict their declaration (SQLite does not hold types).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from syncflow.compiler.drafts.draft import Draft, Reading, draft_of
from syncflow.compiler.drafts.observed import Observed, Texts
from syncflow.compiler.drafts.personal import is_name_of_a_person, is_personal_name
from syncflow.events import Json
from syncflow.frozen import value_class
from syncflow.patterns import lazy_pattern

_TYPE: Final = lazy_pattern(
    r"(?P<name>[a-z0-9_ .\"]+?) ?(?:\((?P<first>\d+)(?:, ?(?P<second>\d+))?\))?(?P<more>(?: [a-z ]+)?)\Z"
)
_EXACT_DIGITS: Final = 13
"""Numbers of this many digits are handed out as numbers by every source, with a sign and a point."""
_LONGEST_COMMENT: Final = 200


@value_class
class Column:
    """A column of a table or a query."""

    name: str
    type: str = ""
    """As the database writes it: ``character varying(40)``; empty where it is not known."""
    is_nullable: bool | None = None
    """None where it is not known."""
    is_key: bool = False
    values: tuple[str, ...] = ()
    """The values of an enum."""
    comment: str = ""


def draft_of_columns(columns: Sequence[Column], seen: Observed | None, *, reading: Reading | None = None) -> Draft:
    """Return the draft of a row of these columns; ``seen`` is what was seen of rows, None where there was none."""
    whole = (
        draft_of(seen, reading=reading) if seen is not None and seen.objects is not None else Draft(types=("object",))
    )
    values = seen.objects.known if seen is not None and seen.objects is not None else {}
    names = [column.name for column in columns]
    properties = {column.name: _property(column, whole, values, names) for column in columns}
    others = {name: each for name, each in whole.properties.items() if name not in properties}
    required = [column.name for column in columns if _is_required(column, properties[column.name], whole, seen)]
    required += [name for name in whole.required if name in others]
    return replace(whole, properties={**properties, **others}, required=tuple(required))


def _is_required(column: Column, draft: Draft, whole: Draft, seen: Observed | None) -> bool:
    if column.is_nullable is None:
        return column.name in whole.required or (column.is_key and seen is None)
    return not column.is_nullable and "null" not in draft.types


def _property(column: Column, whole: Draft, values: Mapping[str, Observed], names: Sequence[str]) -> Draft:
    seen = values.get(column.name)
    guessed = whole.properties.get(column.name)
    if guessed is None:
        others = [name for name in names if name != column.name]
        is_personal = is_personal_name(column.name) or is_name_of_a_person(column.name, others)
        guessed = Draft(is_personal=is_personal, notes={"personal": "guess: by its name"} if is_personal else {})
    declared = declared_draft(column.type, values=column.values)
    if declared is None:
        draft = guessed
    elif seen is not None and not _admits(declared, seen):
        draft = replace(guessed, notes={**guessed.notes, "": f"declared as {column.type}, but other values were seen"})
    else:
        draft = _with_guesses(declared, guessed, seen)
    draft = _with_null(draft, is_nullable=column.is_nullable, seen=seen)
    words = {"description": _one_line(column.comment), **draft.words} if column.comment else draft.words
    notes = {**draft.notes, "": "; ".join(filter(None, ("key", draft.notes.get(""))))} if column.is_key else draft.notes
    return replace(draft, words=words, notes=notes)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_LONGEST_COMMENT]


def _with_null(draft: Draft, *, is_nullable: bool | None, seen: Observed | None) -> Draft:
    """Let a draft take null where the column may be null, or was."""
    takes = bool(is_nullable) or (seen is not None and bool(seen.nulls)) or "null" in draft.types
    if not takes or not draft.types:
        return draft
    words = dict(draft.words)
    if isinstance(listed := words.get("enum"), list) and None not in listed:
        words["enum"] = [*listed, None]
    return replace(draft, types=tuple(dict.fromkeys((*draft.types, "null"))), words=words)


def _with_guesses(declared: Draft, guessed: Draft, seen: Observed | None) -> Draft:
    """Return what is declared, with what was seen of plain text, and with what is guessed to be personal."""
    words, notes = dict(declared.words), dict(declared.notes)
    is_plain = declared.types == ("string",) and not notes and not {"format", "enum"} & words.keys()
    if is_plain and seen is not None and seen.texts is not None and "string" in guessed.types:
        bound = words.get("maxLength")
        words = {**guessed.words, **words}
        notes = {**{word: note for word, note in guessed.notes.items() if word}, **notes}
        if "format" in words:
            notes["format"] = f"guess: all {seen.texts.count:,} texts seen are"
        if bound is not None:
            notes.pop("maxLength", None)
    if guessed.is_personal:
        words = {word: value for word, value in words.items() if word != "enum" or "enum" in declared.words}
        notes["personal"] = guessed.notes.get("personal", "")
    return replace(declared, words=words, notes=notes, is_personal=guessed.is_personal)


def common_columns(tables: Iterable[Sequence[Column]]) -> tuple[Column, ...]:
    """Return the columns of several tables of one kind of record; of those that differ, or that one table lacks, nothing is known."""
    found: dict[str, list[Column]] = {}
    count = 0
    for columns in tables:
        count += 1
        for column in columns:
            found.setdefault(column.name, []).append(column)
    return tuple(
        each[0] if len(each) == count and len(set(each)) == 1 else Column(name, is_nullable=None)
        for name, each in found.items()
    )


# ── what a type admits


def _admits(declared: Draft, seen: Observed) -> bool:
    """Return whether all values that were seen fit what is declared; null is looked at elsewhere."""
    kinds = set(declared.types)
    is_decimal = declared.words.get("format") == "decimal"
    takes_numbers = "number" in kinds or is_decimal
    if (seen.numbers and not takes_numbers) or (seen.integers and not (takes_numbers or "integer" in kinds)):
        return False
    if (seen.booleans and "boolean" not in kinds) or seen.objects is not None:
        return False
    if seen.texts is not None and not ("string" in kinds and _admits_texts(declared.words, seen.texts)):
        return False
    if not seen.arrays:
        return True
    return "array" in kinds and (
        declared.items is None or seen.items is None or _admits_elements(declared.items, seen.items)
    )


def _admits_elements(declared: Draft, seen: Observed) -> bool:
    return (not seen.nulls or declared.is_nullable) and _admits(declared, seen)


def _admits_texts(words: Mapping[str, Json], texts: Texts) -> bool:
    bound, listed, form = words.get("maxLength"), words.get("enum"), words.get("format")
    if isinstance(bound, int) and texts.longest > bound:
        return False
    if isinstance(listed, list) and (texts.values is None or not set(texts.values) <= set(listed)):
        return False
    return not isinstance(form, str) or (texts.is_all(form) and not texts.nothings)


# ── types


def declared_draft(type_: str, *, values: Sequence[str] = ()) -> Draft | None:
    """Return what a database's type says of a value as JSON; None where it says nothing, as of JSON itself."""
    written = type_.strip().lower()
    if written.endswith("[]"):
        element = declared_draft(type_.strip()[:-2], values=values)
        if element is None:
            return Draft(types=("array",))
        return Draft(types=("array",), items=_with_null(element, is_nullable=True, seen=None))
    if values:
        return Draft(types=("string",), words={"enum": list(values)})
    match = _TYPE.match(written)
    if not written or match is None:
        return None
    return _by_name(f"{match['name']}{match['more']}", match["first"], match["second"], written)


def _by_name(name: str, first: str | None, second: str | None, written: str) -> Draft | None:
    name = name.removesuffix(" unsigned").removesuffix(" zerofill").removesuffix(" unsigned")
    if name in _ANY:
        return None
    if name in _DECIMALS:
        return decimal_draft(int(first or 0), int(second or 0))
    if name in _BOUNDED and first is not None:
        return Draft(types=("string",), words={"maxLength": int(first)})
    if name in _TYPES:
        json_type, form = _TYPES[name]
        return Draft(types=(json_type,), words={"format": form} if form else {})
    if name in _BYTES:
        return Draft(types=("string",), notes={"": f"{name}, in base64"})
    return Draft(types=("string",), notes={"": f"{written}, as text"})


def decimal_draft(digits: int, fraction: int) -> Draft:
    """Return what a decimal number of this many digits is in JSON."""
    if not 0 < digits <= _EXACT_DIGITS:
        return Draft(types=("string",), words={"format": "decimal"}, notes={"": "every digit counts"})
    return Draft(types=("number",)) if fraction else Draft(types=("integer",))


_ANY: Final = frozenset(("json", "jsonb", "variant", "any", "null"))
_DECIMALS: Final = frozenset(("numeric", "decimal", "dec", "number"))
_BOUNDED: Final = frozenset(
    (
        "character varying",
        "varchar",
        "character",
        "char",
        "bpchar",
        "nvarchar",
        "nchar",
        "varchar2",
        "nvarchar2",
        "string",
    )
)
_BYTES: Final = frozenset(
    ("bytea", "blob", "tinyblob", "mediumblob", "longblob", "binary", "varbinary", "image", "raw")
)
_TYPES: Final = {
    **dict.fromkeys((*_BOUNDED, "text", "citext", "name", "tinytext", "mediumtext", "longtext", "clob", "ntext"), ("string", "")),
    **dict.fromkeys(
        (
            *("smallint", "integer", "int", "bigint", "int2", "int4", "int8", "tinyint", "mediumint", "serial", "bigserial", "oid", "year"),
            *("utinyint", "usmallint", "uinteger", "ubigint"),
        ),
        ("integer", ""),
    ),
    **dict.fromkeys(("real", "double precision", "double", "float", "float4", "float8"), ("number", "")),
    **dict.fromkeys(("boolean", "bool"), ("boolean", "")),
    "date": ("string", "date"),
    **dict.fromkeys(("time", "time without time zone", "time with time zone", "timetz"), ("string", "time")),
    **dict.fromkeys(("timestamp", "timestamp without time zone", "datetime", "datetime2", "smalldatetime"), ("string", "date-time-local")),
    **dict.fromkeys(("timestamp with time zone", "timestamptz", "datetimeoffset"), ("string", "date-time-zoned")),
    "uuid": ("string", "uuid"),
}  # fmt: skip
"""The type in JSON, and the format."""
