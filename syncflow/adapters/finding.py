"""Asking what is there by the values of one field: the requests of an adapter's ``find``, and what their answers list.

In: records, and what is looked for of each. Out: what is listed for each, or an outcome where that could not be told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from syncflow.adapters.bodies import decode
from syncflow.adapters.http import HttpResponse
from syncflow.adapters.judgement import Asked, Judgement, Ruling, placed
from syncflow.adapters.prepare import RenderedRequest, shown, size_of
from syncflow.adapters.record_progress import RecordProgress, halves, roots_of, runs
from syncflow.adapters.sender import Sender
from syncflow.adapters.signin import Token
from syncflow.clock import Clock
from syncflow.compiler.wire.expression_input import as_text
from syncflow.compiler.wire.plans import AdoptPlan, FindPlan, Root
from syncflow.errors import DataError
from syncflow.events import Batch, Json, Signal


class Found(NamedTuple):
    """One record that is there."""

    id: str
    values: Mapping[str, frozenset[str]]
    """By field: what it has there, as it is compared."""
    key: str
    """Its key as it is compared; empty where it has none."""
    unfit: str
    """Why it cannot be adopted; empty where it can."""


class Finder:
    """Looks for records of one system by the values of a field."""

    def __init__(self, find: FindPlan, sender: Sender, *, auth: Mapping[str, Json], clock: Clock) -> None:
        self._find = find
        self._sender = sender
        self._auth = dict(auth)
        self._clock = clock
        self.id_field = find.id_field
        """What the field is where ids are looked for; empty where that cannot be done."""
        self.place = find.place

    def mask(self, text: str) -> str:
        """Return text with every secret of the system hidden."""
        return self._sender.mask(text)

    def rendered(
        self, field: str, members: Sequence[RecordProgress], shared: Root, base_url: str
    ) -> list[RenderedRequest]:
        """Return the requests that look for records by a field, secrets masked.

        Raises:
            DataError: one cannot be made from these records.
        """
        found = []
        for part in runs(members, self._find.step.records):
            seen = shared | looked(part[0], field, list(dict.fromkeys(value_of(member, field) for member in part)))
            prepared = self._sender.prepare(self._find.step, seen, roots_of(seen, part), base_url=base_url)
            ids = tuple(member.delivery.id for member in part)
            found.append(shown(prepared, step=f"find by {field}", deliveries=ids))
        return found

    async def told(
        self,
        batch: Batch,
        field: str,
        members: Sequence[RecordProgress],
        values: Mapping[RecordProgress, Sequence[str]],
    ) -> tuple[Signal | None, list[tuple[RecordProgress, list[Found]]]]:
        """Return what is listed for each record, as far as it was told; the others have an outcome, or a signal ended it.

        ``members``: of one object and key field.
        """
        waiting = list(runs(members, self._find.step.records))
        listed: list[tuple[RecordProgress, list[Found]]] = []
        while waiting:
            part = waiting.pop(0)
            told = await self._ask(batch, field, part, list(dict.fromkeys(v for m in part for v in values[m])))
            if told is None:
                waiting[:0] = halves(part)
            elif not isinstance(told, Judgement):
                listed += [(member, told) for member in part]
            else:
                for member, ruling in zip(part, told.rulings, strict=True):
                    member.outcome = ruling.outcome
                if told.signal is not None:
                    return told.signal, listed
        return None, listed

    async def _ask(
        self, batch: Batch, field: str, part: Sequence[RecordProgress], values: Sequence[str]
    ) -> list[Found] | Judgement | None:
        """Look for values of a field; return what is there, or what a refusal means; None where the request is too large."""
        step, sender = self._find.step, self._sender
        found: list[Found] | None = None

        async def attempt(token: Token) -> Judgement | None:
            nonlocal found
            shared = sender.shared(batch, token.seen, self._auth) | looked(part[0], field, values)
            records = roots_of({**shared}, part)
            asked = Asked(step, records, shared, batch.operation, unsafe=False, last=False)
            try:
                prepared = sender.prepare(step, shared, records, base_url=token.base_url)
            except DataError as error:
                return sender.unsent(asked, part, error)
            if 0 < step.bytes < size_of(prepared) and len(part) > 1:
                return None
            earlier, answer = await sender.ask(step, prepared, shared, records, base_url=token.base_url)
            if isinstance(answer, HttpResponse) and answer.status in self._find.missing:
                found = []
                return Judgement((Ruling(done=True),) * len(part))
            judgement = sender.judge.judge(asked, answer, now=self._clock.now(), earlier=earlier)
            if isinstance(answer, HttpResponse) and all(ruling.done for ruling in judgement.rulings):
                try:
                    found = self._read((*earlier, decode(answer)[0]), field, part[0])
                except DataError as error:
                    return placed(sender.judge.unreadable(asked, answer, error.message), step.request.place)
            return judgement

        judgement = await sender.signed_in(attempt, records=len(part))
        return found if found is not None else judgement

    def _read(self, bodies: Sequence[Json], field: str, member: RecordProgress) -> list[Found]:
        """Return what an answer lists. Raises DataError where it is not as the adapter says."""
        found = []
        for body in bodies:
            listed = self._find.each(body)
            if not isinstance(listed, list):
                raise DataError(f"it has no list where {self._find.place} expects one")
            found += [self._one(element, field, member) for element in listed]
        return found

    def _one(self, element: Json, field: str, member: RecordProgress) -> Found:
        shown = element if self._find.fields is None else self._find.fields(element)
        one, adopts, key = self._find.id(element), adopts_of(member), member.delivery.key.name
        if not isinstance(shown, dict) or one in (None, ""):
            raise DataError("it lists a record without an id or without fields")
        for name in (key, *(adopts.fields if field == self._find.id_field else (field,))):
            if name not in shown:
                raise DataError(f"it lists a record without {name}")
        unfit = None if self._find.unfit is None else self._find.unfit(element)
        [own, *_] = texts_of(shown[key]) or [""]
        return Found(
            id=as_text(one),
            values={
                name: frozenset(adopts.compared(name, value) for value in texts_of(shown.get(name)))
                for name in adopts.fields
            },
            key=adopts.compared(key, own) if own else "",
            unfit="" if unfit in (None, False, "") else as_text(unfit),
        )


def adopts_of(member: RecordProgress) -> AdoptPlan:
    """Return how a record is looked for; only of one that is."""
    assert member.adopts is not None, "the others are not looked for"
    return member.adopts


def value_of(member: RecordProgress, field: str) -> str:
    """Return what a record has in a field, as text; empty where that is nothing."""
    payload = member.seen["payload"]
    assert isinstance(payload, dict)
    [text, *_] = texts_of(payload.get(field)) or [""]
    return text


def looked(member: RecordProgress, field: str, values: Sequence[str]) -> Root:
    """Return what a request that looks for values of a field sees besides what all see."""
    listed: Json = list(values)
    key = member.delivery.key.name
    fields: Json = [key, *(name for name in adopts_of(member).fields if name != key)]
    return {
        "object": member.delivery.object,
        "key": {"name": key},
        "field": field,
        "fields": fields,
        "values": listed,
        "value": values[0],
    }


def texts_of(value: Json) -> list[str]:
    """Return the values of a field as text, one or several."""
    given = value if isinstance(value, list) else [value]
    return [as_text(each) for each in given if each not in (None, "")]
