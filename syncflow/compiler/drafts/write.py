"""A draft → the text of a schema file, in which every guess has its comment."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from syncflow.compiler.drafts.draft import Draft
from syncflow.events import Json
from syncflow.patterns import lazy_pattern

_PLAIN: Final = lazy_pattern(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
_WORDS: Final = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n"))
_STEP: Final = "  "


def schema_text(draft: Draft, *, comment: Sequence[str]) -> str:
    """Return the text of a schema file; ``comment`` stands at its top, line by line."""
    return "\n".join([*(f"# {line}" for line in comment), *_node(draft, "")]) + "\n"


def _node(draft: Draft, indent: str) -> Iterator[str]:
    """Yield the lines of a node, which has at least one word."""
    if draft.types:
        types = [quoted(name) for name in draft.types]
        yield _line(indent, "type", types[0] if len(types) == 1 else f"[{', '.join(types)}]", draft, "")
    if draft.required:
        yield f"{indent}required: {_listed(draft.required)}"
    for word, value in draft.words.items():
        yield _line(indent, word, _value(value), draft, word)
    if draft.is_personal:
        yield _line(indent, "personal", "true", draft, "personal")
    if draft.items is not None:
        yield from _below(indent, "items", draft.items, draft)
    if draft.properties:
        yield f"{indent}properties:"
        for name, each in draft.properties.items():
            yield from _below(indent + _STEP, quoted(name), each, None)
    if draft.others is not None:
        yield from _below(indent, "additionalProperties", draft.others, draft)


def _below(indent: str, word: str, draft: Draft, outer: Draft | None) -> Iterator[str]:
    lines = list(_node(draft, indent + _STEP))
    note = "" if outer is None else _comment(outer.notes, word)
    if not lines:
        yield f"{indent}{word}: {{}}{note or _comment(draft.notes, '')}"
        return
    yield f"{indent}{word}:{note}"
    yield from lines


def _line(indent: str, word: str, value: str, draft: Draft, note: str) -> str:
    return f"{indent}{word}: {value}{_comment(draft.notes, note)}"


def _comment(notes: Mapping[str, str], word: str) -> str:
    return f"  # {notes[word]}" if notes.get(word) else ""


def _value(value: Json) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return quoted(value) if isinstance(value, str) else json.dumps(value)


def _listed(names: Sequence[str]) -> str:
    return f"[{', '.join(map(quoted, names))}]"


def quoted(text: str) -> str:
    """Return a text as YAML reads it back, quoted where it must be; ``${`` is written so that no variable is meant."""
    if _PLAIN.match(text) and text.lower() not in _WORDS:
        return text
    return '"' + "".join(map(_sign, text.replace("${", "$${"))) + '"'


def _sign(sign: str) -> str:
    if sign in '"\\':
        return f"\\{sign}"
    if sign.isprintable():
        return sign
    number = ord(sign)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
