"""Which trace an event came with: the ``traceparent`` of W3C Trace Context among what came beside it."""

from __future__ import annotations

import re

from syncflow.events import Item

LENGTH = 55
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
"""version - trace - parent - flags; https://www.w3.org/TR/trace-context/#traceparent-header"""


def traceparent_of(meta: Item | None) -> str:
    """Return the ``traceparent`` that came beside an event; empty where none did, or none that is right.

    It is looked for among headers and fields of a message, in upper or lower case.
    """
    for part in ("headers", "fields"):
        found = meta.get(part) if meta else None
        if isinstance(found, dict):
            given = next((value for name, value in found.items() if name.lower() == "traceparent"), None)
            if isinstance(given, str) and is_traceparent(given):
                return given[:LENGTH]
    return ""


def is_traceparent(text: str) -> bool:
    """Whether a text is one: ff is no version, nothing follows the flags of version 00, and no id is zero."""
    version, rest = text[:2], text[LENGTH:]
    is_written = _TRACEPARENT.fullmatch(text) is not None
    return is_written and version != "ff" and not (version == "00" and rest) and not _is_zero(text[3:35], text[36:52])


def _is_zero(*ids: str) -> bool:
    return any(set(each) == {"0"} for each in ids)
