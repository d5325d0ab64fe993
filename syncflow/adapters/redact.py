"""Take given values out of a short text. Pure; costs a look-up for each value and each word, however many values there are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_WORD = re.compile(r"\w+")


def redact(text: str, values: Iterable[str]) -> str:
    """Return ``text`` with ``…`` in place of every value that stands in it between word boundaries, in upper or lower case."""
    folded = text.casefold() if len(text.casefold()) == len(text) else text.lower()
    if len(folded) != len(text):
        folded = text
    words = {word.group() for word in _WORD.finditer(folded)}
    found = _by_length(values, words, folded)
    spans = [span for value in found for span in _spans(folded, value)]
    return _without(text, sorted(spans)) if spans else text


def _by_length(values: Iterable[str], words: set[str], folded: str) -> Mapping[str, None]:
    """Return the values that are in the text, without looking through the text for those whose first word is not."""
    found: dict[str, None] = {}
    for value in values:
        wanted = value.casefold()
        first = _WORD.search(wanted[:200])
        if (first is None or first.end() == 200 or first.group() in words) and wanted in folded:
            found[wanted] = None
    return found


def _spans(folded: str, value: str) -> Iterable[tuple[int, int]]:
    start = folded.find(value)
    while start >= 0:
        end = start + len(value)
        inside = start > 0 and folded[start - 1].isalnum() and value[0].isalnum()
        inside = inside or (end < len(folded) and folded[end].isalnum() and value[-1].isalnum())
        if not inside:
            yield start, end
        start = folded.find(value, start + 1)


def _without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    pieces, at = [], 0
    for start, end in spans:
        if start >= at:
            pieces += [text[at:start], "…"]
        at = max(at, end)
    return "".join([*pieces, text[at:]])
