"""Characters that would command a terminal, forge a line or hide text, written so that a person sees them.

Values of records, words of vendors and names of files come from outside. Before text goes to a terminal or a log, ``visible``
replaces control characters (C0, DEL, C1), bidirectional and zero-width controls, line separators and lone surrogates by escapes.
"""

from __future__ import annotations

import re

from syncflow.patterns import lazy_pattern

_HOSTILE = (
    "\x00-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f"
)
# The joiners U+200C and U+200D stay: Persian, Indic scripts and emoji are written with them.
_IN_A_LINE = lazy_pattern(f"[{_HOSTILE}]")
_IN_A_BLOCK = lazy_pattern(f"(?!\n)[{_HOSTILE}]")
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def visible(text: str) -> str:
    """Return text that stays on its line: ``\\x1b`` for an escape, ``\\n`` for a line break, ``\\u202e`` for an override."""
    return _IN_A_LINE.sub(_escape, text)


def visible_block(text: str) -> str:
    """Return text of several lines: only its line breaks stay as they are."""
    return _IN_A_BLOCK.sub(_escape, text)


def visible_json(text: str) -> str:
    """Return JSON text that means exactly the same, with every such character escaped as JSON escapes it."""
    return _IN_A_BLOCK.sub(_json_escape, text)


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    code = ord(character)
    if character in _NAMED:
        return _NAMED[character]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
