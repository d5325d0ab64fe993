"""Steps counted: by route what would be done, and what became of events that cause nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from syncflow.runtime.intake.planning import Plan
from syncflow.runtime.preview.steps import Effect, Step

_CHANGES: tuple[Effect, ...] = ("create", "change", "key_change", "delete", "unknown")


@dataclass(slots=True)
class RouteCounts:
    """What a run would do by one route; every number counts deliveries."""

    effects: Counter[Effect] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)
    """In how many changes a field differs."""
    unknown: Counter[str] = field(default_factory=Counter)
    """In how many it is not known whether a field differs."""
    sent: int = 0
    """Deliveries that need a request."""
    sent_unchanged: int = 0
    """Those of them that change nothing: the route sends everything."""
    carried: int = 0
    """Deliveries that earlier runs left open."""
    ignored: int = 0
    """Events whose operation the route ignores."""
    kept: int = 0
    """Records that left the route and stay where they are."""
    dead: Counter[str] = field(default_factory=Counter)
    """Dead letters by code."""

    def add(self, step: Step) -> None:
        self.effects[step.effect] += 1
        self.carried += step.is_carried
        if step.is_sent:
            self.sent += 1
            self.sent_unchanged += step.effect == "unchanged"
        if step.effect in {"change", "key_change"}:
            self.fields.update(step.fields)
            self.unknown.update(step.unknown)
        if step.effect == "dead" and step.outcome is not None:
            self.dead[step.outcome.code] += 1

    @property
    def changes(self) -> int:
        """How many deliveries change something over there, or may."""
        return sum(self.effects[each] for each in _CHANGES)


@dataclass(slots=True)
class Counts:
    """Everything a run would do."""

    read: int = 0
    ignored: Counter[str] = field(default_factory=Counter)
    """Events that cause nothing, by rule or reason."""
    duplicates: int = 0
    """Events that were journaled before."""
    dead: Counter[str] = field(default_factory=Counter)
    """Dead letters of no route (refused at the door, taken by none), by code."""
    redriven: int = 0
    """Dead letters and journaled events that a person marked to be sent again."""
    routes: dict[str, RouteCounts] = field(default_factory=dict)

    def route(self, name: str) -> RouteCounts:
        found = self.routes.get(name)
        if found is None:
            found = self.routes[name] = RouteCounts()
        return found

    def add(self, step: Step) -> None:
        self.route(step.delivery.route).add(step)

    def hear(self, plan: Plan) -> None:
        """Count what a chunk's plan made besides deliveries."""
        for event in plan.events:
            if event.state == "ignored":
                self.ignored[event.note] += 1
            elif event.state == "duplicate":
                self.duplicates += 1
        for letter in plan.dead_letters:
            (self.route(letter.route).dead if letter.route else self.dead)[letter.code] += 1
        for name, count in Counter(plan.passed).items():
            self.route(name).ignored += count
        for name, count in Counter(plan.kept).items():
            self.route(name).kept += count

    @property
    def changes(self) -> int:
        return sum(route.changes for route in self.routes.values())

    @property
    def dead_letters(self) -> int:
        return sum(self.dead.values()) + sum(sum(route.dead.values()) for route in self.routes.values())


def total(routes: Iterable[RouteCounts]) -> Counter[Effect]:
    """Return the effects of several routes together."""
    found: Counter[Effect] = Counter()
    for route in routes:
        found.update(route.effects)
    return found
