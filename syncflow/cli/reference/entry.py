"""An entry of the reference, and how one is found by what a person types."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What an entry describes."""

    KEY = "key"
    FUNCTION = "function"
    DIAGNOSTIC = "diagnostic"
    METRIC = "metric"
    LOG = "log line"
    COMMAND = "command"
    ADAPTER = "adapter"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """``name`` is what a person looks for (``systems.NAME.limits``), ``text`` Markdown without a heading."""

    kind: Kind
    name: str
    summary: str
    text: str
    file: str = ""
    """For a key: the kind of file that it stands in."""


def found(entries: Iterable[Entry], wanted: str) -> list[Entry]:
    """Return the entries of a name; for a key its last part, or any end of its path, is enough.

    Letters' case does not count, and a name's placeholder (``NAME``) stands for any name: ``systems.crm.limits``.
    """
    words = wanted.strip().lower().removeprefix("--").split(".")
    return [entry for entry in entries if _is_meant(entry, wanted.strip().lower(), words)]


def _is_meant(entry: Entry, wanted: str, words: Sequence[str]) -> bool:
    if entry.kind is not Kind.KEY:
        name = entry.name.lower()
        return wanted in {name, name.removeprefix("syncflow "), name.removeprefix("syncflow_")}
    end = entry.name.replace("[]", "").lower().split(".")[-len(words) :]
    same = (part in {word, "name"} for part, word in zip(end, words, strict=False))
    return len(end) == len(words) and end[-1] == words[-1] and all(same)
