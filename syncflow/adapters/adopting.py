"""Records that may be there already under another key (``adopt`` of a mapping): looked for before they are created.

    in: the records of a batch of which nothing is known there
    out: of each, nothing (it is created as always), the vendor's id of what is there (it is updated, and gets our key), or an outcome

What is found under the record's own key is its own, by whichever field it was found. What has another key is another record's. Nothing
is kept of it in the journal but the id that the update proves: after a kill the record is looked for again, and found under its key.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from syncflow.adapters.finding import Finder, Found, adopts_of, value_of
from syncflow.adapters.lookup_turns import LookupTurns, turns
from syncflow.adapters.prepare import RenderedRequest
from syncflow.adapters.record_progress import RecordProgress
from syncflow.compiler.wire.plans import AdoptPlan, Root
from syncflow.compiler.wire.system import SystemPlan
from syncflow.events import Batch, Delivery, Outcome, Record, Signal, Verdict

CarryOut = Callable[[Batch, Sequence[RecordProgress]], Awaitable[Signal | None]]
"""Does the operation of a batch for some of its records."""

SEVERAL: Final = "several"
"""The code of a record of which more than one is there."""
KEY_TAKEN: Final = "key_taken"
"""The code of a record that is there as another one, which has a key of its own."""
UNFIT: Final = "unfit"
"""The code of a record that is there, and that the adapter says cannot be adopted."""
MOST_OWNERS: Final = 100_000
"""Of so many that were adopted it is remembered by whom, for what a search does not show yet."""


def plan_of(system: SystemPlan, delivery: Delivery) -> AdoptPlan | None:
    """Return how a record is looked for before it is sent; None where it is not: it is known there, or its route does not say so."""
    if not system.adopts or delivery.vendor_id is not None or delivery.operation == "delete":
        return None
    return system.adopts.get(delivery.route)


class Adoption:
    """Looks for the records of one system; any number of tasks may use it at once."""

    def __init__(self, finder: Finder) -> None:
        self._finder = finder
        self._claims = LookupTurns()
        self._owners: dict[tuple[str, str], Record] = {}

    async def carry_out(self, batch: Batch, members: Sequence[RecordProgress], do: CarryOut) -> Signal | None:
        """Carry out a batch, looking for its records first where their routes adopt; return early with what concerns the whole system.

        Those that look for the same go in turn, and each finds what the one before it left.
        """
        wanted = [(member, set[Hashable]() if member.adopts is None else names_of(member)) for member in members]
        for going, names in turns(wanted):
            async with self._claims.of(names):
                signal = await self._turn(batch, going, do, members)
            self._forget(going)
            if signal is not None:
                return signal
        return None

    async def _turn(
        self, batch: Batch, going: Sequence[RecordProgress], do: CarryOut, members: Sequence[RecordProgress]
    ) -> Signal | None:
        """Update what is there of records, and create the others; one that came to be there meanwhile is looked for again."""
        signal = _heeded(await self.look(batch, [one for one in going if one.adopts is not None]), going, members)
        new = [one for one in going if one.outcome is None and not one.found_by]
        if signal is None and new:
            signal = _heeded(await do(batch, new), new, members)
        told = [one for one in new if one.told is not None]
        if signal is None and told:
            signal = _heeded(await self.look_again(batch, told), told, members)
        found = [one for one in going if one.found_by and one.outcome is None]
        for object_name in dict.fromkeys(one.delivery.object for one in found):
            part = [one for one in found if one.delivery.object == object_name]
            update = replace(batch, object=object_name, operation="update", key_name=part[0].delivery.key.name)
            if signal is None:
                signal = _heeded(await do(update, part), part, members)
        return signal

    async def look(self, batch: Batch, members: Sequence[RecordProgress]) -> Signal | None:
        """Look for records that are to be created: each is left as it was, is to be adopted, or has an outcome."""
        taken = dict[RecordProgress, tuple[Found, str]]()
        left = list(members)
        for turn in range(max((len(adopts_of(member).fields) for member in members), default=0)):
            for (_, _, field), group in _grouped(left, turn).items():
                signal = await self._by(batch, field, [(m, [value_of(m, field)]) for m in group], taken)
                if signal is not None:
                    return signal
            left = [member for member in left if member.outcome is None and member not in taken]
        return await self._adopt(batch, taken)

    async def look_again(self, batch: Batch, members: Sequence[RecordProgress]) -> Signal | None:
        """Look for records whose creation was refused because they are there: by the ids that were told, else by their fields."""
        refused = {member: member.outcome for member in members}
        for member in members:
            member.outcome = None
        told = [(member, member.told) for member in members if member.told and self._finder.id_field]
        signal = await self.look(batch, [member for member in members if member not in dict(told)])
        taken = dict[RecordProgress, tuple[Found, str]]()
        for group in _alike(member for member, _ in told) if signal is None else ():
            signal = signal or await self._by(batch, "", [(m, m.told or ()) for m in group], taken)
        signal = signal or await self._adopt(batch, taken)
        for member, outcome in refused.items():
            if member.outcome is None and not member.found_by:
                member.outcome = outcome
        return signal

    def rendered(self, members: Sequence[RecordProgress], shared: Root, base_url: str) -> list[RenderedRequest]:
        """Return the look-ups of records as a person reads them, as if none found anything.

        Raises:
            DataError: one cannot be made from these records.
        """
        found = []
        for turn in range(max((len(adopts_of(member).fields) for member in members), default=0)):
            for (_, _, field), group in _grouped(members, turn).items():
                found += self._finder.rendered(field, group, shared, base_url)
        return found

    def _forget(self, members: Iterable[RecordProgress]) -> None:
        """Let others have what was not adopted after all."""
        for member in members:
            if member.found_by and not member.done:
                self._owners.pop((member.delivery.object, member.vendor_id or ""), None)

    # -- what is found ---------------------------------------------------------------------------------------------------------

    async def _by(
        self,
        batch: Batch,
        field: str,
        wanted: Sequence[tuple[RecordProgress, Sequence[str]]],
        taken: dict[RecordProgress, tuple[Found, str]],
    ) -> Signal | None:
        """Look by one field (empty: by ids) for records of one object and key field, and note what of it may be theirs."""
        values = dict(wanted)
        signal, told = await self._finder.told(batch, field or self._finder.id_field, list(values), values)
        for member, listed in told:
            hits = {one.id: (one, by) for one in listed if (by := _by_which(member, field, one))}
            chosen = self._chosen(member, list(hits.values()))
            if isinstance(chosen, Outcome):
                member.outcome = chosen
            elif chosen is not None:
                taken[member] = chosen
        return signal

    def _chosen(self, member: RecordProgress, hits: Sequence[tuple[Found, str]]) -> tuple[Found, str] | Outcome | None:
        """Return what a record is there, if that is one and nobody's; None where nothing is, or it is the record's own."""
        key = member.delivery.key
        own = adopts_of(member).compared(key.name, key.value)
        if not hits or any(one.key == own for one, _ in hits):
            return None
        one, by = hits[0]
        if len(hits) > 1:
            return self._rejected(SEVERAL, f"{len(hits)} records there have this {by}")
        if one.key:
            return self._rejected(KEY_TAKEN, f"what has this {by} there has another {key.name}: it is another record")
        if one.unfit:
            return self._rejected(UNFIT, f"what has this {by} there cannot be adopted: {one.unfit}")
        return one, by

    async def _adopt(self, batch: Batch, taken: Mapping[RecordProgress, tuple[Found, str]]) -> Signal | None:
        """Let records have what was found of them, unless another one there has their key: then that is what they are."""
        for group in _alike(taken):
            name = group[0].delivery.key.name
            values = {member: [member.delivery.key.value] for member in group}
            signal, told = await self._finder.told(batch, name, group, values)
            for member, listed in told:
                own = adopts_of(member).compared(name, member.delivery.key.value)
                if all(one.key != own for one in listed):
                    self._take(member, *taken[member])
            if signal is not None:
                return signal
        return None

    def _take(self, member: RecordProgress, one: Found, by: str) -> None:
        delivery = member.delivery
        if self._owners.setdefault((delivery.object, one.id), delivery.record) != delivery.record:
            message = f"what has this {by} there was adopted for another record"
            member.outcome = self._rejected(KEY_TAKEN, message)
            return
        if len(self._owners) > MOST_OWNERS:
            self._owners.pop(next(iter(self._owners)))
        payload = member.seen["payload"]
        assert isinstance(payload, dict)
        kept = {name: value for name, value in payload.items() if name not in adopts_of(member).only_on_create}
        member.found_by, member.vendor_id = by, one.id
        member.seen |= {"vendor_id": one.id, "operation": "update", "payload": kept}

    def _rejected(self, code: str, message: str) -> Outcome:
        place = self._finder.place
        return Outcome(Verdict.REJECTED, code=code, message=self._finder.mask(f"{place}: {message}")[:500], rule=place)


def names_of(member: RecordProgress) -> set[Hashable]:
    """Return what a record looks for, which no other may look for at the same time."""
    adopts, delivery = adopts_of(member), member.delivery
    given = ((field, value_of(member, field)) for field in adopts.fields)
    return {(delivery.object, field, adopts.compared(field, value)) for field, value in given if value}


def _by_which(member: RecordProgress, field: str, one: Found) -> str:
    """Return by which field something there is a record, empty where it is not; ``field`` is empty where ids were looked for.

    Those are not compared, for one may be written in several ways; what counts is a field of ``adopt`` that is the same.
    """
    adopts = adopts_of(member)
    if field:
        return field if adopts.compared(field, value_of(member, field)) in one.values[field] else ""
    given = ((name, value_of(member, name)) for name in adopts.fields)
    return next((name for name, value in given if value and adopts.compared(name, value) in one.values[name]), "")


def _grouped(members: Iterable[RecordProgress], turn: int) -> dict[tuple[str, str, str], list[RecordProgress]]:
    """Group records by the field that they are looked for by in this turn; one without a value is not."""
    found: dict[tuple[str, str, str], list[RecordProgress]] = {}
    for member in members:
        fields = adopts_of(member).fields
        if turn < len(fields) and value_of(member, fields[turn]):
            place = (member.delivery.object, member.delivery.key.name, fields[turn])
            found.setdefault(place, []).append(member)
    return found


def _alike(members: Iterable[RecordProgress]) -> Iterable[list[RecordProgress]]:
    """Group records by object and key field."""
    found: dict[tuple[str, str], list[RecordProgress]] = {}
    for member in members:
        found.setdefault((member.delivery.object, member.delivery.key.name), []).append(member)
    return found.values()


def _heeded(signal: Signal | None, part: Sequence[RecordProgress], members: Sequence[RecordProgress]) -> Signal | None:
    """Return a signal that is to be heeded. A batch of which something took effect is not halved: what was refused with it waits."""
    if signal is None or signal.kind != "split" or not any(_has_effect(member) for member in members):
        return signal
    for member in part:
        if member.outcome is None and not member.done:
            words = "the request was refused for other records"
            member.outcome = Outcome(Verdict.RETRY, code="split", message=signal.reason or words, counts=False)
    return None


def _has_effect(member: RecordProgress) -> bool:
    return member.wrote or (member.outcome is not None and member.outcome.verdict is not Verdict.RETRY)
