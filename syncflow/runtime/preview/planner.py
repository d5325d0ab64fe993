"""Plan what a run would do: its source is read, its chunks are planned, and every delivery is taken to succeed.

    seeds = Seeds(database, activation_of(program))
    ahead = await look_ahead(program, source, seeds, clock=SystemClock(), take=show)

Nothing is acknowledged, sent, or written to the project's journal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import SystemRandom

from syncflow.adapters.jobs import PLACEHOLDER
from syncflow.clock import Clock
from syncflow.compiler.changed import Changed
from syncflow.compiler.program import Program, RoutePlan
from syncflow.events import Delivery, Outcome, Position, Raw, Verdict
from syncflow.runtime.bulkheads import Bugs
from syncflow.runtime.changed_program import unrepeatable
from syncflow.runtime.delivery.retry import Retries
from syncflow.runtime.delivery.settle import settlement
from syncflow.runtime.delivery.turn import Go, Overtaken, Turn, decide
from syncflow.runtime.intake.pipeline import CHUNK, Committer, RawChunk, last_positions, process, transform
from syncflow.runtime.intake.plan import keys_of_deliveries
from syncflow.runtime.intake.planning import IdCounter, Plan
from syncflow.runtime.journal.base import Settlement, TurnFacts
from syncflow.runtime.observe import Tally
from syncflow.runtime.preview.counts import Counts
from syncflow.runtime.preview.differences import Comparison
from syncflow.runtime.preview.seeds import Seeds
from syncflow.runtime.preview.shadow import Shadow
from syncflow.runtime.preview.steps import Step, step_of
from syncflow.sources.base import Report, Source, kept_by, reports_of


@dataclass(slots=True)
class Ahead:
    """What a run would do. ``is_whole``: the source was read to its end."""

    counts: Counts = field(default_factory=Counts)
    is_whole: bool = True
    positions: dict[str, Position] = field(default_factory=dict)
    """By partition: up to where the source was read."""
    reports: list[Report] = field(default_factory=list)


async def look_ahead(
    program: Program,
    source: Source,
    seeds: Seeds,
    *,
    clock: Clock,
    comparing: Mapping[str, Changed] | None = None,
    most: int | None = None,
    from_start: bool = False,
    take: Callable[[Step], None] = lambda _step: None,
    read: Callable[[Sequence[Raw]], None] = lambda _raws: None,
) -> Ahead:
    """Plan at most ``most`` events of a source that is not opened yet; hand each step over, in order.

    ``read`` hears what is read. ``comparing``: how values are compared where a route sends everything, by route.

    Raises:
        SyncflowError: the source or the journal cannot be read.
    """
    shadow = Shadow(seeds, keeps_bodies=program.completion is not None)
    opened = shadow.opened(from_start=from_start)
    ahead, bugs = Ahead(), Bugs()
    outlook = _Outlook(program, shadow, seeds, comparing or {}, ahead.counts, take, now=clock.now())
    committer = Committer(
        shadow,
        numbers=IdCounter(opened.last_event, opened.last_delivery),
        positions=opened.positions,
        tally=Tally(),
        bugs=bugs,
        kept_by=lambda partition: kept_by(source, partition),
        heard=outlook.hear,
    )
    outlook.carry(seeds.open_deliveries())
    outlook.assume(await committer.take_up(program, now=clock.now()))
    await source.open(opened.positions)
    try:
        left = most
        while left != 0:
            raws = await source.read(most=CHUNK if left is None else min(CHUNK, left))
            ahead.reports += reports_of(source)
            if not raws:
                break
            read(raws)
            ahead.counts.read += len(raws)
            left = None if left is None else left - len(raws)
            chunk = transform(process(program, RawChunk(raws, clock.now()), bugs), bugs)
            outlook.assume(await committer.commit(chunk, program))
            ahead.positions |= {position.partition: position for position in last_positions(raws)}
        ahead.is_whole = left != 0 or not await source.read(most=1)
    finally:
        await source.close()
    return ahead


class _Outlook:
    """Decides deliveries in turn, and settles them in the shadow as if the other side had taken them."""

    def __init__(
        self,
        program: Program,
        shadow: Shadow,
        seeds: Seeds,
        comparing: Mapping[str, Changed],
        counts: Counts,
        take: Callable[[Step], None],
        *,
        now: float,
    ) -> None:
        self._program = program
        self._shadow = shadow
        self._seeds = seeds
        self._comparison = Comparison(program.routes, comparing, seeds.delivered)
        self._counts = counts
        self._hand_out = take
        self._now = now
        self._retries = Retries(program.retry, SystemRandom())
        self._steps: list[Step] = []
        places = Counter((plan.kind, plan.system, plan.object) for plan in program.routes.values())
        self._sharing = {
            name for name, plan in program.routes.items() if places[plan.kind, plan.system, plan.object] > 1
        }
        """Routes that lead where another one leads."""
        shadow.seeded = self._comparison.learn

    def hear(self, plan: Plan) -> None:
        """Count what a chunk's plan made; deliveries that it has overtaken already never come to ``assume``."""
        self._counts.hear(plan)
        late = {entry.delivery for entry in plan.superseded}
        self._steps += [Step(each, "overtaken", is_sent=False) for each in plan.deliveries if each.id in late]

    def carry(self, deliveries: Sequence[Delivery]) -> None:
        """Send first what earlier runs left open."""
        for each in deliveries:
            if reason := unrepeatable(each, self._program):
                self._steps.append(_without_place(each, reason))
        kept = [each for each in deliveries if not unrepeatable(each, self._program)]
        self._shadow.seed(kept, keys_of_deliveries(kept, self._program.routes))
        self._shadow.carry(kept)
        self.assume(kept, is_carried=True)

    def assume(self, deliveries: Sequence[Delivery], *, is_carried: bool = False) -> None:
        """Decide and settle these, in order; hand out their steps."""
        for members in self._rounds(deliveries):
            self._settle(members, is_carried=is_carried)
        for step in sorted(self._steps, key=lambda step: step.delivery.id):
            self._counts.add(step)
            self._hand_out(step)
        self._steps = []

    def _rounds(self, deliveries: Iterable[Delivery]) -> list[list[Delivery]]:
        """Return deliveries in rounds: no two of a round have a record or a key in common, and earlier ones come first."""
        rounds: list[list[Delivery]] = []
        turns: dict[object, int] = {}
        for each in deliveries:
            compared = self._program.routes[each.route].compared(each.key)
            places = [(each.system, each.object, key) for key in (compared, *each.frees)]
            turn = max((turns.get(place, 0) for place in (each.record, *places)), default=0)
            turns |= dict.fromkeys((each.record, *places), turn + 1)
            if turn == len(rounds):
                rounds.append([])
            rounds[turn].append(each)
        return rounds

    def _settle(self, members: Sequence[Delivery], *, is_carried: bool) -> None:
        routes = self._program.routes
        compared = {each.id: routes[each.route].compared(each.key) for each in members}
        facts = self._shadow.turn_facts(members, compared=compared)
        compare = self._comparison.of(members, facts)
        shared = self._held_by_others(members, compared)
        settlements: list[Settlement] = []
        for each, known, differences in zip(members, facts, compare, strict=True):
            route = routes[each.route]
            turn = self._turn(each, known, route)
            step = step_of(each, turn, known, route, differences, by_another=each.id in shared)
            self._steps.append(replace(step, is_carried=is_carried) if is_carried else step)
            if not isinstance(turn, Overtaken):
                settlements.append(self._settlement(step, known, route))
        self._shadow.settle(settlements)
        self._comparison.sent(step.delivery for step in self._steps[-len(members) :] if step.is_sent)

    def _held_by_others(self, members: Sequence[Delivery], compared: Mapping[int, str]) -> Container[int]:
        """Return the deliveries whose record is under their key already, by another route to the same place."""
        asked = [each for each in members if each.route in self._sharing]
        if not asked:
            return ()
        rows = self._shadow.presence_of([each.record for each in asked])
        held = {(row.record, row.system, row.object, row.held): row.route for row in rows if row.held}
        place = {each.id: (each.record, each.system, each.object, compared[each.id]) for each in asked}
        return {each.id for each in asked if held.get(place[each.id], each.route) != each.route}

    def _turn(self, delivery: Delivery, facts: TurnFacts, route: RoutePlan) -> Turn:
        if not delivery.unsure:
            return Go(delivery)
        by_time = self._program.records[delivery.record.kind].version == "timestamp"
        operations = self._program.systems[route.system].operations_of(route.object)
        return decide(delivery, facts, route, by_time=by_time, operations=operations)

    def _settlement(self, step: Step, facts: TurnFacts, route: RoutePlan) -> Settlement:
        delivery = step.delivery
        outcome = step.outcome or _taken(delivery, facts)
        return settlement(
            delivery,
            outcome,
            retries=self._retries,
            batch_id="plan" if step.is_sent else "",
            now=self._now,
            compared=route.compared(delivery.key),
            remembers=route.remembers,
            comparable=None if route.changed is None else route.changed.comparable(delivery.payload),
        )


def _taken(delivery: Delivery, facts: TurnFacts) -> Outcome:
    """Return how the other side takes a delivery: with its id of the record, which it makes if there is none yet."""
    if delivery.operation == "delete":
        return _DELETED
    known = facts.own.held_id if facts.own is not None else None
    vendor_id = delivery.vendor_id or known or PLACEHOLDER
    return _MADE if vendor_id == PLACEHOLDER else Outcome(Verdict.DELIVERED, vendor_id=vendor_id)


_DELETED = Outcome(Verdict.DELIVERED)
_MADE = Outcome(Verdict.DELIVERED, vendor_id=PLACEHOLDER)


def _without_place(delivery: Delivery, reason: str) -> Step:
    outcome = Outcome(Verdict.REJECTED, code="program_changed", message=reason)
    return Step(delivery, "dead", is_sent=False, outcome=outcome, is_carried=True)
