"""What is over there now, beside what a run would send (``syncflow plan --online``). Reads, and writes nothing.

    steps of a plan ──▶ ``Asked``: the last step of each record ──▶ the adapter's ``read`` ──▶ ``Seen`` by route: what the step comes to

A plan knows what syncflow delivered last; others write there too. Compared are the fields that would be sent, and no other. What cannot be
read is unknown: it is neither counted as there nor as not there. So is a record of which no field is known to differ and one cannot be
told: the answer does not hold it, or it is an object that holds more there. No adapter says whether what is not sent would stay.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from syncflow.adapters.clients import Clients
from syncflow.adapters.engine import SystemClient
from syncflow.adapters.rotated_secrets import Renewed
from syncflow.clock import Clock
from syncflow.compiler.changed import Changed
from syncflow.compiler.program import Program, RoutePlan
from syncflow.compiler.wire.expression_input import as_text
from syncflow.errors import SyncflowError
from syncflow.events import Delivery, Item, Json, Key, Record
from syncflow.runtime.delivery.limits import Limiter
from syncflow.runtime.preview.steps import Step

Found = Literal["create", "change", "delete", "unchanged", "gone", "unknown"]
_WORTH_ASKING = frozenset({"create", "change", "key_change", "delete", "unchanged", "unknown"})
_NOTHING = (None, "")
MOST_ASKED = 10_000
"""Most records of a route that are read back."""


@dataclass(slots=True)
class Seen:
    """What the records of a route come to, each counted once."""

    found: Counter[Found] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)
    """In how many records that are there a field differs from what would be sent."""
    drifted: int = 0
    """Records that are not as syncflow delivered them: somebody else changed or deleted them."""
    requests: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    """Why records are unknown."""
    left_out: int = 0
    """Records beyond the most that are read back."""


class Asked:
    """The last step of each record at each route."""

    def __init__(self, *, most: int = MOST_ASKED) -> None:
        self._most = most
        self.steps: dict[str, dict[Record, Step]] = {}
        self.left_out: Counter[str] = Counter()

    def take(self, step: Step) -> None:
        """Hear of a step, in the order of the plan."""
        if step.effect not in _WORTH_ASKING:
            return
        route, record = step.delivery.route, step.delivery.record
        steps = self.steps.setdefault(route, {})
        if record in steps or len(steps) < self._most:
            steps[record] = step
        else:
            self.left_out[route] += 1


async def seen_online(
    program: Program,
    asked: Asked,
    *,
    comparing: Mapping[str, Changed],
    renewed: Renewed,
    clock: Clock,
    tell: Callable[[str], None],
) -> dict[str, Seen]:
    """Read back the records of a plan; the limits of each system hold. ``tell`` hears how many requests that takes, before the first."""
    async with Clients(clock=clock, renewed=renewed) as clients:
        opened = {
            name: clients.of(plan, Limiter(plan.windows, in_flight=plan.in_flight, clock=clock))
            for name, plan in program.systems.items()
        }
        looks = [_look(program, opened, name, steps, comparing) for name, steps in asked.steps.items()]
        count = sum(len(look.batches) for look in looks)
        records = sum(len(batch) for look in looks for batch in look.batches)
        tell(_ahead(records, count))
        for look in looks:
            await look.read()
            look.seen.left_out = asked.left_out[look.route.name]
        return {look.route.name: look.seen for look in looks}


def _ahead(records: int, requests: int) -> str:
    if not requests:
        return "reading no record back"
    return f"reading {records:,} record{'' if records == 1 else 's'} back in {requests:,} request{'' if requests == 1 else 's'}"


def _look(
    program: Program,
    opened: Mapping[str, object],
    name: str,
    steps: Mapping[Record, Step],
    comparing: Mapping[str, Changed],
) -> Look:
    route = program.routes[name]
    client = opened[route.system]
    rules = route.changed or comparing.get(name) or Changed()
    return Look(route, client if isinstance(client, SystemClient) else None, list(steps.values()), rules)


class Look:
    """One route: its records in batches, and what came of reading them."""

    def __init__(self, route: RoutePlan, client: SystemClient | None, steps: Sequence[Step], rules: Changed) -> None:
        self.route = route
        self.seen = Seen()
        self._client = client
        self._rules = rules
        most = 0 if client is None else client.reads_most
        self.batches = list(_batches(steps, most)) if most else []
        if not most:
            self._unknown(steps, "the adapter does not say how records are read")

    async def read(self) -> None:
        async with asyncio.TaskGroup() as group:
            for batch in self.batches:
                group.create_task(self._read(batch))

    async def _read(self, steps: Sequence[Step]) -> None:
        assert self._client is not None, "there are batches"
        key = steps[0].delivery.key.name
        fields = dict.fromkeys([key, *(name for step in steps for name in step.delivery.payload)])
        self.seen.requests += 1
        asked = {self.route.compared(step.delivery.key): step.delivery for step in steps}
        try:
            found = await self._client.read(list(asked.values()), list(fields))
        except SyncflowError as error:
            self._unknown(steps, error.message)
            return
        if len(steps) == 1:
            self._judge(steps[0], found[0] if found else None)
        elif all(each.get(key) is not None for each in found):
            there = {self.route.compared(Key(key, as_text(each[key]))): each for each in found}
            for step in steps:
                self._judge(step, there.get(self.route.compared(step.delivery.key)))
        else:
            self._unknown(steps, f"the answer does not hold {key}, by which records are told apart")

    def _unknown(self, steps: Sequence[Step], reason: str) -> None:
        self.seen.found["unknown"] += len(steps)
        self.seen.reasons[reason] += len(steps)

    def _judge(self, step: Step, there: Item | None) -> None:
        found, fields = judged(step.delivery, there, self._rules)
        if found == "unknown":
            assert there is not None, "what is not there is known"
            self._unknown([step], "; ".join(_why(name, is_there=name in there) for name in fields))
            return
        self.seen.found[found] += 1
        self.seen.fields.update(fields)
        self.seen.drifted += step.effect == "unchanged" and found != "unchanged"


def _why(name: str, *, is_there: bool) -> str:
    return f"{name} holds more there than would be sent" if is_there else f"the answer does not hold {name}"


def judged(delivery: Delivery, there: Item | None, rules: Changed) -> tuple[Found, tuple[str, ...]]:
    """Say what a delivery does to a record as it is there, and which of its fields differ, or cannot be told where it is unknown. Pure."""
    if delivery.operation == "delete":
        return ("gone" if there is None else "delete"), ()
    if there is None:
        return "create", ()
    ours, theirs = rules.comparable(delivery.payload), rules.comparable(there)
    same = {
        name: (None if name not in theirs and value not in _NOTHING else _is_same(value, theirs.get(name)))
        for name, value in ours.items()
        if name != delivery.key.name
    }
    differing = tuple(name for name, is_same in same.items() if is_same is False)
    if differing:
        return "change", differing
    untold = tuple(name for name, is_same in same.items() if is_same is None)
    return ("unknown" if untold else "unchanged"), untold


def _is_same(ours: Json, theirs: Json) -> bool | None:
    """Whether two values are one over there, where nothing is null or an empty text, and many keep every value as text.

    None: all of an object that is sent is there, and more besides.
    """
    if ours in _NOTHING or theirs in _NOTHING:
        return ours in _NOTHING and theirs in _NOTHING
    if isinstance(ours, dict) and isinstance(theirs, dict):
        parts = [_is_same(value, theirs.get(name)) for name, value in ours.items()]
        if False in parts:
            return False
        has_more = any(value not in _NOTHING for name, value in theirs.items() if name not in ours)
        return None if has_more or None in parts else True
    return ours == theirs or as_text(ours) == as_text(theirs)


def _batches(steps: Sequence[Step], most: int) -> Iterator[list[Step]]:
    """Yield steps that one request may read back: of one object and key field."""
    by_key: dict[str, list[Step]] = {}
    for step in steps:
        by_key.setdefault(step.delivery.key.name, []).append(step)
    for found in by_key.values():
        for start in range(0, len(found), most):
            yield found[start : start + most]
