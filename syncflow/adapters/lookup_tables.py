"""Tables of names of the other side: each is read once, used for its life, and shared by all deliveries of a system.

A name that a table lacks is never null: the request that asks for it is not made. The table is then read again (where it is not new), the
entry is made if the adapter says how, and else the record is rejected.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from syncflow.adapters.asking import Exchange, ask
from syncflow.adapters.bodies import decode
from syncflow.adapters.http import HttpResponse, NoResponse
from syncflow.adapters.judge import Judge
from syncflow.adapters.pages import continued
from syncflow.adapters.prepare import prepare
from syncflow.adapters.signin import NoToken, signal_of
from syncflow.adapters.vendor_words import impersonal
from syncflow.clock import Clock
from syncflow.compiler.wire.expression_input import as_text
from syncflow.compiler.wire.plans import LookupTablePlan, NewEntryPlan, Root, WirePlan
from syncflow.errors import DataError
from syncflow.events import Json
from syncflow.frozen import value_class

NOT_IN_TABLE: Final = "not_in_table"
_NEW_SECONDS: Final = 30.0
"""A table that was read within this time is not read again for a name that it lacks."""
_AMBIGUOUS: Final = object()


class MissingNameError(DataError):
    """A table has nothing, or several things, of that name."""


class NamedValues(dict[str, Any]):
    """The entries of one table. A name that is not there is no null: asking for it raises, and is noted as ``missed``."""

    def __init__(self, plan: LookupTablePlan, entries: Mapping[str, Any], *, read_at: float) -> None:
        super().__init__(entries)
        self.plan = plan
        self.read_at = read_at
        self.missed: str | None = None

    def get(self, name: str, fallback: Any = None) -> Any:
        found = super().get(name, fallback)
        if found is _AMBIGUOUS:
            raise MissingNameError(
                f"{self.plan.place}: the table {self.plan.name} lists {name} several times, with different values"
            )
        if found is None:
            self.missed = name
            raise MissingNameError(missing_words(self.plan, name))
        return found


def missing_words(plan: LookupTablePlan, name: str) -> str:
    """Return what is said of a name that a table lacks."""
    return f"{plan.place}: the table {plan.name} has nothing called {name}"


@value_class
class Unmade:
    """Why an entry was not made, where that is the fault of the record that names it."""

    code: str
    message: str


class UnaskedTable(dict[str, Any]):
    """A table for which nothing is asked: each name has a placeholder, for dry-run and for checks."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def get(self, name: str, fallback: Any = None) -> Any:  # every name is there
        return f"<{name} in {self._name}>"


class Tables(Protocol):
    """The tables that requests of one system read."""

    async def of(self, names: Sequence[str], root: Root, *, base_url: str) -> dict[str, Json] | NoToken: ...

    def missed(self, names: Sequence[str]) -> tuple[LookupTablePlan, str] | None: ...

    async def learn(
        self, plan: LookupTablePlan, name: str, root: Root, *, base_url: str
    ) -> NoToken | Unmade | None: ...


class UnaskedTables:
    """Tables in which every name is there and for which nothing is sent."""

    async def of(self, names: Sequence[str], root: Root, *, base_url: str) -> dict[str, Json] | NoToken:
        return {name: UnaskedTable(name) for name in names}

    def missed(self, names: Sequence[str]) -> tuple[LookupTablePlan, str] | None:
        return None

    async def learn(self, plan: LookupTablePlan, name: str, root: Root, *, base_url: str) -> NoToken | Unmade | None:
        return None


class LookupTables:
    """The tables of one system. Any number of tasks may ask at once; each table is read by one of them."""

    def __init__(self, wire: WirePlan, *, judge: Judge, clock: Clock, exchange: Exchange) -> None:
        self._wire = wire
        self._judge = judge
        self._clock = clock
        self._exchange = exchange
        self._read: dict[str, NamedValues] = {}
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def of(self, names: Sequence[str], root: Root, *, base_url: str) -> dict[str, Json] | NoToken:
        """Return tables by name, those read that are not known or too old; or why one cannot be read.

        ``root`` is what a request sees that carries no record, signed in.
        """
        found: dict[str, Json] = {}
        for name in names:
            table = await self._table(self._wire.tables[name], root, base_url=base_url)
            if isinstance(table, NoToken):
                return table
            found[name] = table
        return found

    def missed(self, names: Sequence[str]) -> tuple[LookupTablePlan, str] | None:
        """Return the name that was asked for in vain since this was called last."""
        for name in names:
            table = self._read.get(name)
            if table is not None and table.missed is not None:
                missed, table.missed = table.missed, None
                return table.plan, missed
        return None

    async def learn(self, plan: LookupTablePlan, name: str, root: Root, *, base_url: str) -> NoToken | Unmade | None:
        """Find a name that a table lacked, by reading the table again or by making the entry. None: it is there now."""
        async with self._locks[plan.name]:
            table = self._read.get(plan.name)
            if table is None or (name not in table and self._clock.monotonic() - table.read_at > _NEW_SECONDS):
                again = await self._ask(plan, root, base_url=base_url)
                if isinstance(again, NoToken):
                    return again
                table = self._read[plan.name] = again
            if name in table:
                return None
            if plan.create is None:
                return Unmade(NOT_IN_TABLE, missing_words(plan, name))
            return await self._create(plan.create, table, name, root, base_url=base_url)

    async def _table(self, plan: LookupTablePlan, root: Root, *, base_url: str) -> NamedValues | NoToken:
        if (known := self._good(plan)) is not None:
            return known
        async with self._locks[plan.name]:
            if (known := self._good(plan)) is not None:
                return known
            found = await self._ask(plan, root, base_url=base_url)
            if isinstance(found, NamedValues):
                self._read[plan.name] = found
            return found

    def _good(self, plan: LookupTablePlan) -> NamedValues | None:
        known = self._read.get(plan.name)
        return known if known is not None and self._clock.monotonic() - known.read_at < plan.keep_seconds else None

    async def _ask(self, plan: LookupTablePlan, root: Root, *, base_url: str) -> NamedValues | NoToken:
        def again(found: Json) -> Any:
            further: Root = {**root, "next": found}
            made = prepare(self._wire, plan.request, further, base_url=base_url)
            assert plan.pages is not None
            return continued(made, plan.pages, further)

        try:
            prepared = prepare(self._wire, plan.request, root, base_url=base_url)
            earlier, answer = await ask(self._exchange, prepared, plan.request.group, plan.pages, again=again)
        except DataError as error:
            return NoToken(None, "table", f"{plan.request.place}: {error.message}")
        if isinstance(answer, NoResponse) or not 200 <= answer.status < 300:
            return self._not_read(plan.name, plan.request.place, answer)
        body, trouble = decode(answer)
        try:
            entries = {} if trouble else _entries(plan, [*earlier, body])
        except DataError as error:
            trouble = error.message
        if trouble:
            message = f"{plan.request.place}: the answer for the table {plan.name} proves nothing: {trouble}"
            return NoToken(None, "unreadable_answer", message)
        return NamedValues(plan, entries, read_at=self._clock.monotonic())

    def _not_read(self, name: str, place: str, answer: HttpResponse | NoResponse) -> NoToken:
        if isinstance(answer, NoResponse):
            return NoToken(
                None,
                "no_answer" if answer.sent else "no_connection",
                f"{place}: the table {name} cannot be read: {answer.reason}",
            )
        refusal = self._judge.refusal(answer, operation=None)
        decision = self._judge.decide(refusal, now=self._clock.now())
        message = f"{place}: the table {name} is refused: {impersonal(f'{refusal.code} {refusal.message}'.strip())}"
        signal, refused = signal_of(decision, answer.status, message), decision.then == "reauthenticate"
        return NoToken(signal, refusal.code or "table", message, refused=refused)

    async def _create(
        self, plan: NewEntryPlan, table: NamedValues, name: str, root: Root, *, base_url: str
    ) -> NoToken | Unmade | None:
        """Make an entry. After anything but a good answer the table is read again first, for the entry may be there."""
        place = plan.request.place
        try:
            prepared = prepare(self._wire, plan.request, {**root, "name": name}, base_url=base_url)
        except DataError as error:
            return Unmade(NOT_IN_TABLE, f"{place}: {error.message}")
        answer = await self._exchange(prepared, plan.request.group)
        value = None
        if isinstance(answer, HttpResponse) and 200 <= answer.status < 300:
            value = _value_in(plan, decode(answer)[0])
        if value is not None:
            table[name] = value
            return None
        self._read.pop(table.plan.name, None)
        if isinstance(answer, NoResponse):
            return self._not_read(table.plan.name, place, answer)
        if 200 <= answer.status < 300:
            return NoToken(None, "unreadable_answer", f"{place}: the answer for the new entry {name} tells no value")
        refusal = self._judge.refusal(answer, operation=None)
        decision = self._judge.decide(refusal, now=self._clock.now())
        if decision.then in {"reject", "split"}:
            return Unmade(refusal.code or NOT_IN_TABLE, f"{place}: the entry {name} is refused: {refusal.message}")
        return self._not_read(table.plan.name, place, answer)


def _entries(plan: LookupTablePlan, bodies: Sequence[Json]) -> dict[str, Any]:
    """Return what all pages list, by name. Raises DataError where the shape is not the one described."""
    found: dict[str, Any] = {}
    for body in bodies:
        listed = plan.each(body)
        if not isinstance(listed, list):
            raise DataError(f"it has no list where {plan.place} expects one")
        for element in listed:
            key, value = plan.key(element), plan.value(element)
            if key is None or value is None:
                continue
            name = as_text(key)
            found[name] = value if found.get(name, value) == value else _AMBIGUOUS
    return found


def _value_in(plan: NewEntryPlan, body: Json) -> Json:
    try:
        return plan.value(body)
    except DataError:
        return None
