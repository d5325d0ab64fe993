"""Which dead letters are meant: what a person gives to choose them, as a condition over the journal's tables. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from syncflow.runtime.desk.named_records import readings

LETTERS = "dead_letters l"
"""The table that ``Letters.where`` speaks of: events are looked up only for those that fit."""
WITH_EVENTS = f"{LETTERS} JOIN events e ON e.seq = l.event"


@dataclass(frozen=True, slots=True)
class Letters:
    """Open dead letters: all that fit everything that is given. Times are wall seconds, ``until`` is left out."""

    ids: Sequence[int] = ()
    route: str = ""
    system: str = ""
    stage: str = ""
    code: str = ""
    record: str = ""
    since: float | None = None
    until: float | None = None

    def where(self) -> tuple[str, list[Any]]:
        """Return the condition over ``LETTERS`` and its values."""
        parts: list[str] = ["l.state = 'open'"]
        values: list[Any] = []
        for condition, value in (
            ("l.route = ?", self.route or None),
            ("l.system = ?", self.system or None),
            ("l.stage = ?", self.stage or None),
            ("l.code = ?", self.code or None),
            ("l.at >= ?", self.since),
            ("l.at < ?", self.until),
        ):
            if value is not None:
                parts.append(condition)
                values.append(value)
        if self.record:
            names = list(readings(self.record))
            meant = " OR ".join(["(record = ? AND (? = '' OR kind = ?))"] * len(names))
            parts.append(f"l.event IN (SELECT seq FROM events WHERE {meant})")
            values += [value for name in names for value in (name.id, name.kind, name.kind)]
        if self.ids:
            parts.append(f"l.id IN ({', '.join('?' * len(self.ids))})")
            values.extend(self.ids)
        return " AND ".join(parts), values
