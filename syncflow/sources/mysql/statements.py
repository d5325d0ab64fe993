"""Statements in the log → what they mean for our tables. Pure.

In a log of rows, statements are those that define something, and the marks of transactions. A statement that changes rows itself was
written by a session with another format: its changes cannot be read.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

_COMMENT = re.compile(r"/\*(?!!).*?\*/|(?:--\s|#)[^\n]*(?:\n|\Z)", re.DOTALL)
_VERSION = re.compile(r"/\*M?!\d*(.*?)\*/", re.DOTALL)
_NAME = r"(?:`(?:[^`]|``)+`|\"(?:[^\"]|\"\")+\"|[\w$]+)"
_FULL = rf"{_NAME}(?:\s*\.\s*{_NAME})?"
_TRUNCATE = re.compile(rf"truncate\s+(?:table\s+)?({_FULL})", re.IGNORECASE)
_DROP = re.compile(rf"drop\s+table\s+(?:if\s+exists\s+)?({_FULL}(?:\s*,\s*{_FULL})*)", re.IGNORECASE)
_REPLACE = re.compile(rf"create\s+or\s+replace\s+table\s+(?:if\s+not\s+exists\s+)?({_FULL})", re.IGNORECASE)
_DROP_DATABASE = re.compile(rf"drop\s+(?:database|schema)\s+(?:if\s+exists\s+)?({_NAME})", re.IGNORECASE)
_ALTER = re.compile(rf"alter\s+(?:online\s+)?(?:ignore\s+)?table\s+(?:if\s+exists\s+)?({_FULL})", re.IGNORECASE)
_PARTITIONS = re.compile(r"\b(?:drop|truncate|exchange)\s+partition\b", re.IGNORECASE)
_RENAME = re.compile(r"rename\s+tables?\s+(?:if\s+exists\s+)?(.*)", re.IGNORECASE | re.DOTALL)
_ROWS = re.compile(r"(?:insert|update|delete|replace|load\s+data)\b", re.IGNORECASE)
_DEFINES = re.compile(r"(?:create|alter|drop|rename)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Meaning:
    kind: Literal["begin", "commit", "rollback", "xa commit", "xa rollback", "emptied", "defined", "rows", "nothing"]
    tables: tuple[str, ...] = ()
    """Ours that it is about; of rows, those that it names."""
    words: str = ""
    """What it did to them: ``was truncated``."""
    xid: str = ""


_NOTHING = Meaning("nothing")
_MARKS = {"BEGIN": Meaning("begin"), "COMMIT": Meaning("commit"), "ROLLBACK": Meaning("rollback")}


def meaning_of(schema: str, text: str, *, tables: Collection[str]) -> Meaning:
    """Return what a statement means for these tables (``schema.table``); ``schema`` is its session's."""
    if text in _MARKS:
        return _MARKS[text]
    plain = _COMMENT.sub(" ", _VERSION.sub(r" \1 ", text)).strip()
    if plain[:3].upper() == "XA ":
        return _xa(plain)
    if _ROWS.match(plain):
        named = tuple(table for table in tables if _names(plain, table.partition(".")[2]))
        return Meaning("rows", named)
    found = _emptied(schema, plain, tables)
    if found is not None:
        return found
    if _DEFINES.match(plain):
        return Meaning("defined", tuple(table for table in tables if _names(plain, table.partition(".")[2])))
    return _NOTHING


def _xa(plain: str) -> Meaning:
    _, verb, *rest = plain.split(None, 2)
    xid = "".join(rest).replace(" ", "").upper()
    if verb.upper() == "COMMIT":
        return Meaning("xa commit", xid=xid.removesuffix("ONEPHASE"))
    if verb.upper() == "ROLLBACK":
        return Meaning("xa rollback", xid=xid)
    return Meaning("begin", xid=xid) if verb.upper() in {"START", "BEGIN"} else _NOTHING


def _emptied(schema: str, plain: str, tables: Collection[str]) -> Meaning | None:
    if found := _TRUNCATE.match(plain):
        return _about(_full_names(found[1], schema), tables, "was truncated")
    if found := _DROP.match(plain):
        return _about(_full_names(found[1], schema), tables, "was dropped")
    if found := _REPLACE.match(plain):
        return _about(_full_names(found[1], schema), tables, "was replaced by a new one")
    if found := _DROP_DATABASE.match(plain):
        dropped = _unquoted(found[1])
        return _about((table for table in tables if table.partition(".")[0] == dropped), tables, "was dropped")
    if (found := _ALTER.match(plain)) and _PARTITIONS.search(plain):
        return _about(_full_names(found[1], schema), tables, "has lost a partition")
    return None


def _about(names: Iterator[str], tables: Collection[str], words: str) -> Meaning:
    ours = tuple(name for name in names if name in tables)
    return Meaning("emptied", ours, words) if ours else _NOTHING


def _full_names(listed: str, schema: str) -> Iterator[str]:
    for name in re.findall(_FULL, listed):
        parts = [_unquoted(part) for part in re.findall(_NAME, name)]
        yield ".".join(parts) if len(parts) == 2 else f"{schema}.{parts[0]}"


def _unquoted(name: str) -> str:
    quote = name[0]
    return name[1:-1].replace(quote * 2, quote) if quote in '`"' else name


def _names(plain: str, table: str) -> bool:
    """Whether a statement may be about a table: its name stands in it."""
    return re.search(rf"(?<![\w$]){re.escape(table)}(?![\w$])", plain, re.IGNORECASE) is not None


def unquoted_values(column_type: str) -> tuple[str, ...]:
    """Return the values of an enum or a set, out of ``enum('a','it''s')``."""
    return tuple(value.replace("''", "'") for value in re.findall(r"'((?:[^']|'')*)'", column_type))
