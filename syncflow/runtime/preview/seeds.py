"""What the project's journal knows, read as today's program finds it when it takes the journal over. Changes nothing there.

In: the journal's tables (None where there is no journal yet). Out: rows for the shadow. The names that changed are carried over, and what
a route left behind is left, as ``runtime/journal/tables/activation.py`` does it for a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from syncflow.events import Delivery, Position, Record
from syncflow.key_rules import KeyRules, named
from syncflow.runtime.journal.base import Activation, EarlierThan, Mark, Named, Presence, Wanted
from syncflow.runtime.journal.tables import sent
from syncflow.runtime.journal.tables.database import Database
from syncflow.runtime.journal.tables.known import read_earlier, read_known
from syncflow.runtime.journal.tables.pending import delivered_payloads, read_marks, read_page
from syncflow.runtime.journal.tables.presence import PROBE
from syncflow.runtime.journal.tables.rows import Row, mark, presence, waiting, wanted_rows

MOST_CARRIED = 100_000
"""Open deliveries of earlier runs that are planned; a journal with more is told to send them first."""


@dataclass(frozen=True, slots=True)
class Takeover:
    """What changes in a journal's rows when a program takes it over."""

    names: Mapping[Named, Mapping[str, str]]
    """Former name → name of today."""
    elsewhere: frozenset[str]
    """Routes that lead elsewhere now."""
    keys: Mapping[str, KeyRules]
    """Routes whose keys are compared by another rule than before."""
    remembering: frozenset[str]

    @property
    def is_nothing(self) -> bool:
        return not (any(self.names.values()) or self.elsewhere or self.keys)

    def name(self, what: Named, name: str) -> str:
        return self.names.get(what, {}).get(name, name)

    def delivery(self, delivery: Delivery) -> Delivery:
        """Return an open delivery under the names of today."""
        record = Record(self.name("kind", delivery.record.kind), delivery.record.id)
        route, system = self.name("route", delivery.route), self.name("system", delivery.system)
        return replace(delivery, record=record, route=route, system=system)

    def presence(self, row: Presence) -> Presence:
        """Return a row as the program finds it."""
        route = self.name("route", row.route)
        record = Record(self.name("kind", row.record.kind), row.record.id)
        row = replace(row, record=record, route=route, system=self.name("system", row.system))
        if route in self.elsewhere:
            state = "left" if row.state == "present" else row.state
            nothing = replace(row, held="", held_value="", held_id=None, proven=False, passing=())
            return replace(nothing, state=state, vendor_id=None)
        if rules := self.keys.get(route):
            held = rules.compared(named(row.held, row.held_value, row.key.name)) if row.held else ""
            return replace(row, compared=rules.compared(row.key), held=held)
        return row


def takeover_of(database: Database, program: Activation) -> Takeover:
    """Return what changes when ``program`` takes over a journal."""
    places = {row[0]: row[1:] for row in database.execute("SELECT route, kind, system, object, adapter FROM places")}
    now = {"kind": program.kinds, "system": program.systems, "route": {place.route for place in program.places}}
    names: dict[Named, dict[str, str]] = {
        what: {old: name for name, former in given.items() for old in former if old not in now[what]}
        for what, given in program.was.items()
    }
    was = {new: old for old, new in names.get("route", {}).items() if old in places}
    elsewhere = set()
    for place in program.places:
        before = places.get(place.route) or places.get(was.get(place.route, ""))
        if before is None:
            continue
        system = names.get("system", {}).get(before[1], before[1])
        same_adapter = before[3] in ("", program.systems[place.system])
        if (system, before[2]) != (place.system, place.object) or not same_adapter:
            elsewhere.add(place.route)
    rules = dict(database.execute("SELECT route, rule FROM key_rules").fetchall())
    changed = {
        route: of_route
        for route, of_route in program.keys.items()
        if rules and rules.get(was.get(route, route)) not in (None, of_route.told(PROBE))
    }
    return Takeover(names, frozenset(elsewhere), changed, program.remembering)


class Seeds:
    """Reads a journal for a shadow; ``database`` None: there is none, and nothing is known."""

    def __init__(self, database: Database | None, program: Activation) -> None:
        self._database = database
        self._takeover = None if database is None else takeover_of(database, program)

    @property
    def last_numbers(self) -> tuple[int, int]:
        """The numbers of the journal's last event and last delivery."""
        if self._database is None:
            return 0, 0
        one = self._database.execute
        event = one("SELECT coalesce(max(seq), 0) FROM events").fetchone()[0]
        return event, one("SELECT coalesce(max(id), 0) FROM deliveries").fetchone()[0]

    @property
    def sent_key(self) -> bytes | None:
        """The key of the journal's hashes."""
        return None if self._database is None else sent.read_key(self._database)

    def held(self, route: str) -> int:
        """Return how many records a route is known to have over there; none where it leads elsewhere now."""
        takeover = self._takeover
        if self._database is None or takeover is None or route in takeover.elsewhere:
            return 0
        names = [route, *(old for old, new in takeover.names.get("route", {}).items() if new == route)]
        sql = "SELECT count(*) FROM presence WHERE route {among} AND held != ''"
        return sum(int(row[0]) for row in self._database.among(sql, names))

    def positions(self) -> dict[str, Position]:
        """Return how far each partition was read."""
        if self._database is None:
            return {}
        rows = self._database.execute('SELECT partition, "offset", line, evidence, number FROM positions').fetchall()
        return {row[0]: Position(*row) for row in rows}

    def presence(self, wanted: Wanted) -> tuple[Sequence[Presence], frozenset[str]]:
        """Return the presence of records and of the holders of keys, and which event ids were seen."""
        if self._database is None:
            return (), frozenset()
        rows, ids = read_known(self._database, *wanted_rows(wanted))
        return self._taken_over(map(presence, rows)), frozenset(ids)

    def _taken_over(self, rows: Iterable[Presence]) -> list[Presence]:
        takeover = self._takeover
        if takeover is None or takeover.is_nothing:
            return list(rows)
        return [takeover.presence(row) for row in rows]

    def sent(self, records: Sequence[str]) -> list[Row]:
        """Return what routes that remember it delivered of records: (record, kind, route, fields)."""
        takeover = self._takeover
        if self._database is None or takeover is None:
            return []
        found = [
            (record, takeover.name("kind", kind), takeover.name("route", route), bytes(fields))
            for record, kind, route, fields in sent.read(self._database, records)
        ]
        return [row for row in found if row[2] in takeover.remembering - takeover.elsewhere]

    def delivered(self, deliveries: Sequence[int]) -> dict[int, bytes]:
        """Return the payloads, as JSON, of those of these deliveries that took effect and are still kept."""
        if self._database is None or not deliveries:
            return {}
        return dict(delivered_payloads(self._database, deliveries))

    def earlier(self, wanted: EarlierThan, *, most: int) -> list[Row]:
        """Return rows of a record's last events, newest first."""
        if self._database is None:
            return []
        record, after, before = wanted
        return read_earlier(self._database, record.kind, record.id, after, before, most)

    def open_deliveries(self) -> list[Delivery]:
        """Return what earlier runs left open, in order: a run sends it first."""
        if self._database is None:
            return []
        rows = read_page(self._database, after=0, most=MOST_CARRIED)
        deliveries = [waiting(row).delivery for row in rows]
        takeover = self._takeover
        return deliveries if takeover is None else [takeover.delivery(each) for each in deliveries]

    def marks(self, *, most: int) -> list[Mark]:
        """Return what is marked to be sent again, oldest first."""
        if self._database is None:
            return []
        return [mark(row, repeated) for row, repeated in read_marks(self._database, most=most)]
